"""Memory limits of the process: control groups of both versions, and the address space."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neural_style.plan.limits import allowed_bytes

MB = 1_000_000


def write_group(
    folder: Path, *, limit: str, used: int, cache: int, version: int, high: str = "max"
) -> None:
    """Writes the files of a control group. Sizes are bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    if version == 2:
        files = {"memory.max": limit, "memory.high": high, "memory.current": str(used)}
        statistics = f"anon 5\ninactive_file {cache}"
    else:
        files = {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": str(used)}
        statistics = f"inactive_file 1\ntotal_inactive_file {cache}"
    for name, text in (files | {"memory.stat": statistics}).items():
        (folder / name).write_text(f"{text}\n")


def write_process(folder: Path, groups: str, mounts: str) -> Path:
    process = folder / "self"
    process.mkdir()
    (process / "cgroup").write_text(groups)
    (process / "mountinfo").write_text(mounts)
    return process


def v2_mount(place: Path, root: str = "/") -> str:
    return f"31 23 0:28 {root} {place} rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_group_of_the_process_and_its_parents_count(tmp_path):
    """As under `systemd-run -p MemoryMax=…`, whose group is below that of the machine."""
    mount = tmp_path / "cgroup"
    write_group(mount / "a.slice", limit=f"{900 * MB}", used=500 * MB, cache=100 * MB, version=2)
    inner = mount / "a.slice/b.scope"
    write_group(inner, limit=f"{400 * MB}", used=300 * MB, cache=50 * MB, version=2)
    process = write_process(tmp_path, "0::/a.slice/b.scope\n", v2_mount(mount))
    assert sorted(allowed_bytes(process)) == [150 * MB, 500 * MB]


def test_limit_at_which_the_system_slows_the_process_counts(tmp_path):
    mount = tmp_path / "cgroup"
    write_group(mount / "a", limit="max", high=f"{200 * MB}", used=50 * MB, cache=0, version=2)
    process = write_process(tmp_path, "0::/a\n", v2_mount(mount))
    assert allowed_bytes(process) == [150 * MB]


def test_first_version_has_a_tree_for_memory(tmp_path):
    mounts, lines = "", ""
    for number, kind in enumerate(("cpu", "memory")):
        place = tmp_path / kind
        write_group(place / "job", limit=f"{700 * MB}", used=300 * MB, cache=100 * MB, version=1)
        write_group(place, limit=f"{2**63 - 4096}", used=0, cache=0, version=1)
        mounts += f"3{number} 31 0:3{number} / {place} rw - cgroup cgroup rw,{kind}\n"
        lines += f"{number + 1}:{kind}:/job\n"
    process = write_process(tmp_path, lines, mounts)
    assert sorted(allowed_bytes(process)) == [500 * MB, 2**63 - 4096]


@pytest.mark.parametrize(
    ("root", "path"), [("/docker/x", "/docker/x"), ("/docker/x", "/"), ("/", "/")]
)
def test_container_sees_its_group_at_the_mount(tmp_path, root, path):
    mount = tmp_path / "cgroup"
    write_group(mount, limit=f"{300 * MB}", used=100 * MB, cache=0, version=2)
    process = write_process(tmp_path, f"0::{path}\n", v2_mount(mount, root))
    assert allowed_bytes(process) == [200 * MB]


def test_groups_without_limit_or_files_allow_everything(tmp_path):
    mount = tmp_path / "cgroup"
    write_group(mount / "a", limit="max", used=0, cache=0, version=2)
    process = write_process(tmp_path, "0::/a/b\n", v2_mount(mount))
    assert allowed_bytes(process) == []
    assert allowed_bytes(tmp_path / "no process") == []


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no limit of the address space")
def test_limit_of_the_address_space_counts(tmp_path):
    program = """
import resource, psutil
from pathlib import Path
from neural_style.plan.limits import allowed_bytes
used = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (used + 500_000_000, resource.RLIM_INFINITY))
print(*allowed_bytes(Path("nowhere")))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) == pytest.approx(500 * MB, abs=50 * MB)
