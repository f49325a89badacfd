"""Batches on a real Ray cluster of several nodes on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.batch.small_batches import save_pictures, save_table
from tests.film.small import small_film

pytest.importorskip("ray", reason="`make test-all` installs Ray")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROWS = 100

CLUSTER = """
import sys, time
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
cluster.wait_for_nodes()
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(nodes.pop(), allow_graceful=False)
    print("killed", flush=True)
cluster.shutdown()
"""


DEADLY = """
import os, sys
from typing import NamedTuple
from neural_style.batch.jobs import Outcome
from neural_style.batch.pool import Line
from neural_style.batch.ray_pool import RayPool, ray_cluster

class Named(NamedTuple):
    name: str
    styles: tuple = ()
    def run(self, worker):
        if self.name == "deadly":
            os._exit(1)
        return Outcome(self.name, None, 0.0)

with ray_cluster("local") as ray:
    jobs = [Named("good 0"), Named("deadly"), Named("good 1"), Named("good 2")]
    for outcome in RayPool(ray, 1, 1).run(Line(jobs)):
        print(f"{outcome.name}: {outcome.error}", file=sys.__stdout__, flush=True)
"""


@pytest.fixture
def cluster():
    """A process with a cluster of two workers' nodes; a line on its input kills a node."""
    command = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield process
        process.stdin.close()
        process.wait(60)


@pytest.fixture
def table(tmp_path):
    """A hundred rows: ten content images, two styles, five seeds."""
    contents = [f"c{number}.png" for number in range(10)]
    save_pictures(tmp_path, *contents, "one.png", "two.png")
    rows = [
        {"content": content, "style": style, "seed": str(seed), "output": f"{k}.png"}
        for k, (content, style, seed) in enumerate(
            (content, style, seed)
            for seed in range(5)
            for content in contents
            for style in ("one.png", "two.png")
        )
    ]
    assert len(rows) == ROWS
    return save_table(tmp_path / "table.csv", *rows)


def start(table: str, folder: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "neural_style", "batch", table, "-o", str(folder)]
    small = ["--size", "64", "--iterations", "1", "--threads", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    return subprocess.Popen(
        [*command, *small, *arguments], env=environment, stderr=subprocess.DEVNULL
    )


def wait_for(folder: Path, rows: int, process: subprocess.Popen) -> None:
    """Waits until so many rows are done, while the process runs."""
    while sum(ends(folder).values()) < rows:
        assert process.poll() is None
        time.sleep(0.2)


def ends(folder: Path) -> Counter:
    """How often each output is recorded as done."""
    ledger = folder / "ledger.jsonl"
    if not ledger.exists():
        return Counter()
    lines = [json.loads(line) for line in ledger.read_text().splitlines() if line.endswith("}")]
    return Counter(line["output"] for line in lines if line["state"] == "done")


def digests(folder: Path) -> dict[str, str]:
    lines = map(json.loads, (folder / "ledger.jsonl").read_text().splitlines())
    return {Path(line["output"]).name: line["sha256"] for line in lines if line["state"] == "done"}


def test_driver_and_node_killed_lose_and_double_nothing(cluster, table, tmp_path):
    address, folder = cluster.stdout.readline().strip(), tmp_path / "cluster"
    with start(table, folder, "--address", address, "--workers", "2") as process:
        wait_for(folder, ROWS // 4, process)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = ends(folder)
    assert ROWS // 4 <= len(done) < ROWS
    with start(table, folder, "--address", address, "--workers", "2") as process:
        wait_for(folder, ROWS // 2, process)
        cluster.stdin.write("\n")
        cluster.stdin.flush()
        assert cluster.stdout.readline() == "killed\n"
        assert process.wait(600) == 0
    assert set(ends(folder).values()) == {1}
    assert len(ends(folder)) == ROWS
    assert {file.name for file in folder.glob("*.png")} == {f"{k}.png" for k in range(ROWS)}
    assert not [*folder.glob("*.part")]
    with start(table, tmp_path / "serial") as process:
        assert process.wait(600) == 0
    assert digests(folder) == digests(tmp_path / "serial")


def test_workers_get_no_more_threads_than_a_machine_has(cluster, tmp_path):
    address = cluster.stdout.readline().strip()
    save_pictures(tmp_path, "a.png", "one.png")
    table = save_table(tmp_path / "table.csv", {"content": "a.png", "style": "one.png"})
    command = [sys.executable, "-m", "neural_style", "batch", table, "-o", str(tmp_path / "out")]
    small = ["--size", "64", "--iterations", "1", "--address", address, "--workers", "1"]
    assert subprocess.run([*command, *small], timeout=300, capture_output=True).returncode == 0


def test_a_row_that_kills_its_workers_fails(tmp_path):
    """A stand-in for the shell, whose second row ends the process of its worker."""
    with subprocess.Popen([sys.executable, "-c", DEADLY], stdout=subprocess.PIPE) as process:
        told, _ = process.communicate(timeout=300)
    outcomes = dict(line.split(": ") for line in told.decode().splitlines())
    assert outcomes.keys() == {"good 0", "deadly", "good 1", "good 2"}
    assert outcomes["deadly"].startswith("3 workers ended while they painted this.")
    assert {outcomes[f"good {k}"] for k in range(3)} == {"None"}


def test_local_cluster_paints_with_two_workers(table, tmp_path):
    folder = tmp_path / "out"
    with start(table, folder, "--address", "local", "--workers", "2") as process:
        assert process.wait(600) == 0
    assert set(ends(folder).values()) == {1}
    assert len(ends(folder)) == ROWS
    assert (folder / "contact-sheet.jpg").exists()


def test_film_on_a_cluster_that_loses_a_node_is_that_of_one_process(cluster, tmp_path):
    """Two scenes, each painted by one of two workers; the pieces meet at the cut."""
    address = cluster.stdout.readline().strip()
    film = str(small_film(tmp_path / "film.mp4", 10, 6))
    save_pictures(tmp_path, "one.png")
    look = "--style", str(tmp_path / "one.png"), "--later-iterations", "1"
    painted, serial = tmp_path / "cluster.mp4", tmp_path / "serial.mp4"
    with start(film, painted, *look, "--address", address, "--workers", "2") as process:
        while not [*tmp_path.glob(".cluster.mp4.frames/**/*.png")]:
            assert process.poll() is None
            time.sleep(0.2)
        cluster.stdin.write("\n")
        cluster.stdin.flush()
        assert cluster.stdout.readline() == "killed\n"
        assert process.wait(600) == 0
    with start(film, serial, *look) as process:
        assert process.wait(600) == 0
    assert painted.read_bytes() == serial.read_bytes()
