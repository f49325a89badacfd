"""A plan before the run: what it will need of the machine's memory, and how to make do with less.

Estimates are bytes per pixel of the canvas, counted from the network's own layers and checked
against measured peaks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from functools import partial
from itertools import product, zip_longest
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from neural_style.errors import SettingsError
from neural_style.matching.places import cell_size, count_cells
from neural_style.messages import Message, all_of
from neural_style.network.extractor import Network, pools_that_rectify, stages_until
from neural_style.network.strips import cut_network, plan_strips, strides
from neural_style.plan.schedule import Scale

_FLOAT_CANVASES = 12
"""Pictures and gradients of the canvas's size held at the worst moment, in float32."""

_LARGEST_MAPS = 4.5
"""Maps of the largest size that a step handles at once: gradients, their sums, what is spread."""

_LARGEST_SEEN = 2.1
"""The same where a picture is only looked at."""

_HYPERCOLUMNS = 1.5
"""How often all layers' activations at all cells are held while matches are found, in float32."""

_BESIDE = 60_000_000
"""Bytes for what does not grow with the picture: tiles, compiled code."""

_SMALLEST = 32
"""A size below which nothing is to be seen."""

_STRIP_PIXELS = (1_600_000, 800_000, 400_000, 200_000, 100_000)
"""Of the picture in one strip, margins not counted; deeper segments take as many rows."""

_SLOWER = {20: 1.1, 8: 1.3, 4: 1.5}
"""How many more steps a shorter memory of the curvature costs, roughly."""


class MemoryPlan(NamedTuple):
    """How to work within the memory there is.

    Attributes:
        rows: For `cut_network`: where the network is cut and into strips of how many rows.
        history: Pairs that L-BFGS remembers.
        bytes: The estimated peak, of the whole program.
        note: What is done to spare memory; None where nothing is.
    """

    rows: dict[str, int]
    history: int
    bytes: int
    note: Message | None


def plan_memory(
    network: Network,
    layers: Collection[str],
    scale: Scale,
    history: int,
    kept: torch.dtype | None,
    device: torch.device,
    limit_gb: float,
    *,
    regions: int = 0,
    styles: Sequence[tuple[int, int]] = (),
    matched: Collection[str] = (),
) -> MemoryPlan:
    """The fastest way that fits.

    Args:
        layers: Those that are looked at.
        scale: The largest canvas.
        history: Pairs that the optimizer would like to remember.
        kept: Their precision, None for float32.
        limit_gb: Most gigabytes (10⁹ bytes) for the whole program; 0 for what is free.
        regions: Masks of styles, for each of which the layers looked at are held once more.
        styles: Heights and widths of the styles' pictures beside that canvas.
        matched: Layers whose places are matched with the styles'.

    Raises:
        SettingsError: None fits.
    """
    height, width = scale.height, scale.width
    base = _in_use(device)
    offered = min(base + 0.9 * free_bytes(device), limit_gb * 1e9 if limit_gb else math.inf)
    names = stages_until(network.stages, layers)
    pools = [name for name in names if _is_pool(network.stages[name])]
    whole_only = not all(_is_simple(network.stages[name]) for name in names)
    pair_bytes = 2 * 3 * (kept or torch.float32).itemsize
    histories = [history, *(fewer for fewer in (20, 8, 4) if fewer < history)]
    copies = dict.fromkeys(layers, regions)
    pictures = sum(12 * h * w for h, w in styles)
    places, hypercolumns = _matching(network, names, matched, (height, width), styles)
    plans = []
    choices = product(range(len(pools)), _STRIP_PIXELS, histories)
    for cuts, strip_pixels, remembered in choices:
        ends = [] if whole_only else pools[1 : 1 + cuts]
        rows = dict.fromkeys(ends, max(32, strip_pixels // width))
        estimate = partial(_estimate, network, names, rows, device=device)
        step = estimate(height, width, remembered * pair_bytes, copies)
        looks = [estimate(h, w, 0, copies, backward=False) for h, w in styles]
        need = base + pictures + places + max([step, hypercolumns, *looks])
        slower = _work(network, layers, rows, height) * _SLOWER.get(remembered, 1.0)
        note = _note(rows, height, remembered if remembered < history else 0, need)
        plans.append((slower, MemoryPlan(rows, remembered, need, note)))
    fitting = [(slower, plan) for slower, plan in plans if plan.bytes <= offered]
    if not fitting:
        least = min(plan.bytes for _, plan in plans)
        fraction = max(0.0, (offered - base) / max(1, least - base)) ** 0.5
        size = int(fraction * max(height, width))
        about = {"size": f"{width}×{height}", "needed": least / 1e9, "available": offered / 1e9}
        if size < _SMALLEST:
            raise SettingsError("memory.no_size", **about)
        raise SettingsError("memory.too_large", fitting=size, **about)
    return min(fitting, key=lambda one: one[0])[1]


def _note(rows: dict[str, int], height: int, fewer: int, need: int) -> Message | None:
    means = []
    if rows:
        count = min(height, *rows.values())
        means.append(Message("memory.strips", rows=count, layer=[*rows][-1]))
    if fewer:
        means.append(Message("memory.history", steps=fewer))
    return Message("memory.plan", needed=need / 1e9, means=all_of(means)) if means else None


def free_bytes(device: torch.device) -> int:
    """What the graphics card, or the machine within the limit of its container, has free."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    free = [_free_of_the_machine()]
    for limit, used, cache in _CONTAINERS:
        try:
            inside = dict(line.split() for line in Path(cache).read_text().splitlines())
            taken = int(Path(used).read_text()) - int(inside["inactive_file"])
            free.append(int(Path(limit).read_text()) - taken)
        except (OSError, ValueError, KeyError):  # no such container, or no limit
            continue
    return max(0, min(free))


_CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)
"""Files of limit, use and statistics: control groups, version 2 and 1."""

_UNKNOWN_MACHINE = 4_000_000_000
"""What is taken to be free where the system does not tell."""


def _free_of_the_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return _UNKNOWN_MACHINE
    values = {line.split(":")[0]: line.split()[1] for line in lines}
    return 1024 * int(values["MemAvailable"])


def _in_use(device: torch.device) -> int:
    """Bytes that the program already holds where the run will take place."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _estimate(
    network: Network,
    names: list[str],
    rows: dict[str, int],
    height: int,
    width: int,
    remembered: int,
    copies: dict[str, int],
    *,
    device: torch.device,
    backward: bool = True,
) -> int:
    """Bytes at the worst moment, beyond what the program already holds.

    Args:
        remembered: Bytes per pixel that the optimizer keeps.
        copies: Layers looked at, and how often each is held once more.
        backward: Whether there is a way back; else a picture is only looked at, as a style is.
    """
    pixels = height * width
    canvases = pixels * (12 * (_FLOAT_CANVASES if backward else 3) + remembered)
    kept = working = 0.0
    begin, stride = 0, 1
    size = network.dtype.itemsize
    for last, count in [*rows.items(), (names[-1], 0)]:
        stages = names[begin : names.index(last) + 1]
        if not stages:
            continue
        held, largest, out, channels = _activations(network, stages, copies, device)
        inside = pixels / stride**2
        strip = min(1.0, 1.5 * count * stride / height) if count else 1.0
        maps = held + _LARGEST_MAPS * largest if backward else _LARGEST_SEEN * largest
        working = max(working, strip * inside * maps)
        if count:
            kept += 2 * inside / out**2 * channels * size
        begin, stride = begin + len(stages), stride * out
    return round(_BESIDE + canvases + kept + working)


def _matching(
    network: Network,
    names: list[str],
    matched: Collection[str],
    canvas: tuple[int, int],
    styles: Sequence[tuple[int, int]],
) -> tuple[int, int]:
    """Bytes of the samples and targets of all places, and of the hypercolumns they are found by."""
    cell = cell_size(*canvas)
    held = channels = 0
    inside, found = strides(network, names), 0
    for name in names:
        for part in network.stages[name].modules():
            if isinstance(part, nn.Conv2d):
                found = part.out_channels
        if name in matched:
            channels += found
            spacing = max(cell, inside[name])
            positions = sum(math.prod(count_cells(*size, spacing)) for size in (canvas, *styles))
            held += positions * found * network.dtype.itemsize
    cells = [math.prod(count_cells(*size, cell)) for size in (canvas, *styles)]
    return held, round(_HYPERCOLUMNS * 4 * channels * (cells[0] + max(cells[1:], default=0)))


def _work(network: Network, layers: Collection[str], rows: dict[str, int], height: int) -> float:
    """Multiplications of an iteration: of what comes in strips also those that are done again."""
    work, stride = 0.0, 1
    for stages, count in cut_network(network, layers, rows):
        strips = plan_strips(network, stages, height // stride, count)
        overlap = sum(strip.bottom - strip.top for strip in strips) / (height // stride)
        again = 1.5 if len(strips) > 1 else 1.0  # forward twice and back once, not once each
        for name in stages:
            for part in network.stages[name].modules():
                if isinstance(part, nn.Conv2d):
                    stride *= part.stride[0]
                    each = part.in_channels * part.out_channels * math.prod(part.kernel_size)
                    work += again * overlap * each / stride**2
            stride *= 2 if _is_pool(network.stages[name]) else 1
    return work


def _activations(
    network: Network, stages: list[str], copies: dict[str, int], device: torch.device
) -> tuple[float, float, int, int]:
    """Bytes per pixel of the segment's input: held for the way back, of its largest map; then the
    segment's stride and the channels of its output.

    Args:
        copies: Layers looked at, and how often each is held once more.
    """
    size = network.dtype.itemsize
    held = largest = 0.0
    stride, channels = 1, 3
    pools = pools_that_rectify(network, stages, device)
    for name, *later in zip_longest(stages, stages[1:], stages[2:]):
        module = network.stages[name]
        if isinstance(module, nn.Conv2d):
            channels, stride = module.out_channels, stride * module.stride[0]
            bytes_each = size
        elif _is_pool(module):
            stride *= 2
            bytes_each = size + (1 if name in pools else 8)  # and the place of each maximum
        else:
            inside = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
            if inside:  # a block: its convolutions, and what batch normalization makes of each
                stride *= max(part.stride[0] for part in inside)
                channels = max(part.out_channels for part in inside)
                held += 2 * sum(part.out_channels for part in inside) * size / stride**2
            held += copies.get(name, 0) * channels * size / stride**2
            continue
        here = channels * bytes_each / stride**2
        pooled = later[1] in pools and later[0] not in copies
        held, largest = held + (0 if pooled else here), max(largest, here)
    return held, largest, stride, channels


def _is_pool(module: nn.Module) -> bool:
    return isinstance(module, nn.MaxPool2d)


def _is_simple(module: nn.Module) -> bool:
    """Whether strips of its output can be had from strips of its input, as in VGG."""
    if isinstance(module, nn.Conv2d | nn.MaxPool2d):
        return module.stride in (1, (1, 1)) or (_is_pool(module) and module.kernel_size == 2)
    return isinstance(module, nn.ReLU)
