"""Memory that the system still allows this process: its control groups and its address space."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

if os.name == "posix":
    import resource


class _Files(NamedTuple):
    """Names of a control group's files: limits, usage, statistics; and the cache within those."""

    limits: tuple[str, ...]
    used: str
    statistics: str
    cache: str


_VERSION_1 = _Files(
    ("memory.limit_in_bytes",), "memory.usage_in_bytes", "memory.stat", "total_inactive_file"
)
_VERSION_2 = _Files(("memory.max", "memory.high"), "memory.current", "memory.stat", "inactive_file")


def allowed_bytes(process: Path = Path("/proc/self")) -> list[int]:
    """Bytes that each limit still allows; empty where there is none.

    Args:
        process: The process's folder in /proc.
    """
    return [*_control_group_bytes(process), *_address_space_bytes()]


def _control_group_bytes(process: Path) -> Iterator[int]:
    """What the process's control groups and their parents allow, on Linux."""
    try:
        groups = (process / "cgroup").read_text().splitlines()
        mounts = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return
    for files, folder in _group_folders(groups, mounts):
        try:
            statistics = (folder / files.statistics).read_text().splitlines()
            cache = int(dict(line.split() for line in statistics)[files.cache])
            taken = int((folder / files.used).read_text()) - cache
        except (OSError, ValueError, KeyError):  # the root group has no such files
            continue
        for name in files.limits:
            try:
                yield int((folder / name).read_text()) - taken
            except (OSError, ValueError):  # "max": no limit
                continue


def _group_folders(groups: list[str], mounts: list[str]) -> Iterator[tuple[_Files, Path]]:
    """The folders of the process's groups for memory, each followed by its parents.

    Args:
        groups: Lines of /proc/PID/cgroup: "number:controllers:path", without controllers for
            version 2.
        mounts: Lines of /proc/PID/mountinfo.
    """
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        files, kind = (_VERSION_1, "cgroup") if controllers else (_VERSION_2, "cgroup2")
        for mount in mounts:
            fields, _, source = mount.partition(" - ")
            root, place = fields.split()[3:5]
            file_system, _, options = source.split(maxsplit=2)
            if file_system != kind or (controllers and "memory" not in options.split(",")):
                continue
            # In a container, the mount may show a part of the tree only.
            inside = path.removeprefix(root.rstrip("/")) if path.startswith(root) else ""
            folder = Path(place) / inside.strip("/")
            while True:
                yield files, folder
                if folder in (Path(place), folder.parent):
                    break
                folder = folder.parent


def _address_space_bytes() -> Iterator[int]:
    """What the limit of the process's address space allows, as set by `ulimit -v`."""
    if os.name == "posix":
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft - psutil.Process().memory_info().vms
