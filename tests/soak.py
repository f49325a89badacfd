"""`make soak`: bad pictures, a crowd, then many runs in a row; prints what it measures.

`python -m tests.soak [--clients 50] [--runs 1000]`. The server is `python app.py`. It ends with an
error if a bad picture is not refused well, a picture is wrong or lost, a page waits too long, or
memory, files or threads grow.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from neural_style import ImageError, load_image
from neural_style.devices import return_memory
from neural_style.images.files import LONGEST
from neural_style.web.run.gate import PROXIES
from tests.bad_pictures import bad_pictures
from tests.web.conftest import free_port
from tests.web.local_client import local_client

ROOT = Path(__file__).parents[1]
STYLE = ROOT / "examples/style/great-wave.jpg"

_BAD_PICTURE_SECONDS = 2.0
_BAD_PICTURE_BYTES = 500_000_000
_BAD_PICTURES_SENT = 200

_PAGE_SECONDS = 1.0
"""A page may wait so long for its first answer while a crowd is served."""

_WARM_RUNS = 50
_GROWTH = 0.05
"""Resident memory may grow by so much after `_WARM_RUNS` runs."""


class Server(NamedTuple):
    """A server in a process of its own, and the folder of its files."""

    url: str
    process: psutil.Process
    folder: Path


class Usage(NamedTuple):
    """What the server uses at one moment."""

    megabytes: float
    threads: int
    open_files: int
    disk_megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--clients", type=int, default=50, metavar="N")
    parser.add_argument("--runs", type=int, default=1000, metavar="N")
    options = parser.parse_args()
    faults = [*read_bad_pictures()]
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as server:
        faults += send_bad_pictures(server)
        faults += [*crowd(server, options.clients), *endurance(server, options.runs)]
    if faults:
        raise SystemExit("\n".join(faults))


@contextmanager
def started(folder: Path, python: str = sys.executable) -> Iterator[Server]:
    """The server. It believes the addresses of a proxy, so that each client can have its own.

    Args:
        folder: For its files and its log.
        python: The interpreter that runs it.
    """
    port, log = free_port(), folder / "log.txt"
    environment = os.environ | {
        "NEURAL_STYLE_WEIGHTS": "packaged",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        PROXIES: "1",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        url, end = f"http://127.0.0.1:{port}/", time.monotonic() + 120
        while not responds(url):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(log.read_text())
            time.sleep(0.2)
        yield Server(url, psutil.Process(process.pid), folder / "gradio")
        if "Traceback" in log.read_text():
            raise SystemExit(log.read_text())
    finally:
        process.kill()
        process.wait()


def responds(url: str) -> bool:
    """Whether the server answers."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def read_bad_pictures() -> Iterator[str]:
    """Reads all bad pictures in this process.

    Yields:
        What was wrong.
    """
    outcomes, slowest, largest = Counter[str](), (0.0, ""), (0, "")
    with tempfile.TemporaryDirectory() as folder:
        load_image(make_content(Path(folder), 0))  # so that libraries are in memory
        path = Path(folder) / "picture.png"
        for name, data in bad_pictures():
            path.write_bytes(data)
            return_memory()
            before = forget_peak()
            began = time.monotonic()
            try:
                load_image(path, longest=LONGEST)
                outcomes["read"] += 1
            except ImageError:
                outcomes["refused"] += 1
            slowest = max(slowest, (time.monotonic() - began, name))
            largest = max(largest, (peak_bytes() - before, name))
    print(
        f"{outcomes.total()} bad pictures: {outcomes['refused']} refused, {outcomes['read']} read; "
        f"the slowest took {slowest[0]:.1f} s ({slowest[1]}), the largest "
        f"{largest[0] / 1e6:.0f} MB ({largest[1]})",
        flush=True,
    )
    if slowest[0] > _BAD_PICTURE_SECONDS:
        yield f"“{slowest[1]}” took {slowest[0]:.1f} s."
    if largest[0] > _BAD_PICTURE_BYTES:
        yield f"“{largest[1]}” took {largest[0] / 1e6:.0f} MB."


def forget_peak() -> int:
    """Resident bytes of this process, from which on its peak is counted anew; on Linux."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """Peak of this process's resident bytes."""
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def send_bad_pictures(server: Server) -> Iterator[str]:
    """Sends some bad pictures to the server as photographs.

    Yields:
        What was wrong.
    """
    chosen = [*bad_pictures()]
    chosen = random.Random(1).sample(chosen, min(_BAD_PICTURES_SENT, len(chosen)))
    outcomes = Counter[str]()
    with closing(client_of(server, 0, server.folder.parent)) as client:
        for name, data in chosen:
            path = server.folder.parent / "bad.png"
            path.write_bytes(data)
            try:
                paint(client, path)
                outcomes["painted"] += 1
            except AppError as error:
                outcomes["refused"] += 1
                if "Traceback" in str(error) or str(server.folder) in str(error):
                    yield f"“{name}” gave away: {error}"
    print(f"{outcomes.total()} bad pictures sent: {dict(outcomes)}", flush=True)
    if not responds(server.url):
        yield "The server no longer answers after bad pictures."


def client_of(server: Server, number: int, folder: Path) -> Client:
    """A client at an address of its own."""
    address = f"10.0.{number // 250}.{number % 250}"
    return local_client(server.url, headers={"X-Forwarded-For": address}, download_files=folder)


def paint(client: Client, content: Path) -> str:
    """The digest of the pixels of a small picture made of the content."""
    path = client.predict(
        handle_file(content),
        handle_file(STYLE),
        iterations=4,
        size=64,
        api_name="/stylize_image",
    )
    with Image.open(path) as picture:
        return hashlib.sha256(np.asarray(picture).tobytes()).hexdigest()


def make_content(folder: Path, number: int) -> Path:
    """A picture file; every number has another picture."""
    path = folder / f"content-{number}.png"
    levels = np.random.default_rng(number).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(levels).resize((96, 64), Image.Resampling.BICUBIC).save(path)
    return path


_VISITOR = """
import select, sys, time, urllib.request
waits = []
while not select.select([sys.stdin], [], [], 0.25)[0]:
    began = time.monotonic()
    urllib.request.urlopen(sys.argv[1], timeout=60).read()
    waits.append(time.monotonic() - began)
print(*sorted(waits))
"""
"""A program that opens the page again and again until its input ends; prints how long it waited."""


def crowd(server: Server, clients: int) -> Iterator[str]:
    """Many clients at once; each must get its own picture, or be told that the server is busy.

    Yields:
        What was wrong.
    """
    folder = server.folder.parent
    contents = [make_content(folder, number) for number in range(clients)]
    refusals = []

    def paint_one(number: int) -> str:
        with closing(client_of(server, number, folder / f"client-{number}")) as client:
            while True:
                try:
                    return paint(client, contents[number])
                except AppError as error:
                    if "runs go on or wait already" not in str(error):
                        raise
                    refusals.append(number)
                    time.sleep(2)

    # In a process of its own: in this one, a visitor would wait for the threads of the clients.
    visitor = subprocess.Popen(
        [sys.executable, "-c", _VISITOR, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(clients) as pool:
            pictures = list(pool.map(paint_one, range(clients)))
    finally:
        said, _ = visitor.communicate()
    seconds, waits = time.monotonic() - began, [float(wait) for wait in said.split()]
    with closing(client_of(server, clients, folder / "serial")) as client:
        wrong = [n for n in range(clients) if paint(client, contents[n]) != pictures[n]]
    print(
        f"{clients} clients at once: {seconds:.0f} s, {len(refusals)} answers that the server is "
        f"busy, {len(wrong)} wrong pictures; the page answered {len(waits)} times, the median in "
        f"{statistics.median(waits):.2f} s, the slowest in {waits[-1]:.2f} s",
        flush=True,
    )
    if wrong:
        yield f"The pictures of the clients {wrong} are wrong."
    if len({*pictures}) != clients:
        yield "Some clients got the same picture."
    if waits[-1] > _PAGE_SECONDS:
        yield f"The page took {waits[-1]:.2f} s to answer."


def endurance(server: Server, runs: int) -> Iterator[str]:
    """Many runs in a row, during which the server must not grow.

    Yields:
        What was wrong.
    """
    folder = server.folder.parent
    content = make_content(folder, 0)
    usages: dict[int, Usage] = {}
    digests = set()
    with closing(client_of(server, 0, folder / "endurance")) as client:
        for number in range(1, runs + 1):
            digests.add(paint(client, content))
            if number in (_WARM_RUNS, runs) or number % 100 == 0:
                usages[number] = usage_of(server)
                print(f"after {number} runs: {describe(usages[number])}", flush=True)
    if len(digests) != 1:
        yield f"The same request gave {len(digests)} pictures."
    if _WARM_RUNS not in usages:
        return
    warm, last = usages[_WARM_RUNS], usages[runs]
    if last.megabytes > (1 + _GROWTH) * warm.megabytes:
        yield f"Memory grew from {warm.megabytes:.0f} to {last.megabytes:.0f} MB."
    if last.threads > warm.threads + 5 or last.open_files > warm.open_files + 20:
        yield f"Threads or open files grew: {describe(warm)}; {describe(last)}."


def usage_of(server: Server) -> Usage:
    """What the server uses now."""
    files = [path.stat().st_size for path in server.folder.rglob("*") if path.is_file()]
    return Usage(
        server.process.memory_info().rss / 1e6,
        server.process.num_threads(),
        server.process.num_fds(),
        sum(files) / 1e6,
    )


def describe(usage: Usage) -> str:
    """The usage in words."""
    return (
        f"{usage.megabytes:.0f} MB, {usage.threads} threads, {usage.open_files} open files, "
        f"{usage.disk_megabytes:.0f} MB on disk"
    )


if __name__ == "__main__":
    main()
