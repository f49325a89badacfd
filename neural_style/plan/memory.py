"""A plan before the run: what it will need of the machine's memory, and how to make do with less.

Estimates are bytes per pixel of the canvas, counted from the network's own layers and checked
against measured peaks.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import psutil
import torch

from neural_style.errors import SettingsError
from neural_style.matching.sampling import cell_size, count_cells
from neural_style.messages import Message, all_of
from neural_style.network.extractor import Network, layers_until
from neural_style.network.strips import cut_network, plan_strips
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
    names = layers_until(network, layers)
    cuts = _cuts(network, names)
    pair_bytes = 2 * 3 * (kept or torch.float32).itemsize
    histories = [history, *(fewer for fewer in (20, 8, 4) if fewer < history)]
    copies = dict.fromkeys(layers, regions)
    pictures = sum(12 * h * w for h, w in styles)
    places, hypercolumns = _matching(network, matched, (height, width), styles)
    plans = []
    choices = product(range(len(cuts) + 1), _STRIP_PIXELS, histories)
    for count, strip_pixels, remembered in choices:
        rows = dict.fromkeys(cuts[:count], max(32, strip_pixels // width))
        estimate = partial(_estimate, network, rows)
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


def _cuts(network: Network, names: Sequence[str]) -> list[str]:
    """Layers after which the network may be cut: those that halve, but for the first."""
    layers = {name: network.layers[name] for name in names}
    if any(layer.reach is None for layer in layers.values()):
        return []
    return [name for name, one in layers.items() if one.stride > one.input_stride][1:]


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
    free = [psutil.virtual_memory().available]
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


def _in_use(device: torch.device) -> int:
    """Bytes that the program already holds where the run will take place."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return psutil.Process().memory_info().rss


def _estimate(
    network: Network,
    rows: dict[str, int],
    height: int,
    width: int,
    remembered: int,
    copies: dict[str, int],
    *,
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
    for part, count in cut_network(network, copies, rows):
        layers = {name: network.layers[name] for name in part}
        held = sum(
            one.held_bytes + copies.get(name, 0) * one.map_bytes for name, one in layers.items()
        )
        largest = max(one.map_bytes for one in layers.values())
        first, last = layers[part[0]], layers[part[-1]]
        strip = min(1.0, 1.5 * count * first.input_stride / height) if count else 1.0
        maps = held + _LARGEST_MAPS * largest if backward else _LARGEST_SEEN * largest
        working = max(working, strip * pixels * maps)
        if count:
            kept += 2 * pixels / last.stride**2 * last.channels * network.dtype.itemsize
    return round(_BESIDE + canvases + kept + working)


def _matching(
    network: Network,
    matched: Collection[str],
    canvas: tuple[int, int],
    styles: Sequence[tuple[int, int]],
) -> tuple[int, int]:
    """Bytes of the samples and targets of all places, and of the hypercolumns they are found by."""
    cell = cell_size(*canvas)
    held = channels = 0
    for layer in (network.layers[name] for name in matched):
        channels += layer.channels
        spacing = max(cell, layer.stride)
        positions = sum(math.prod(count_cells(*size, spacing)) for size in (canvas, *styles))
        held += positions * layer.channels * network.dtype.itemsize
    cells = [math.prod(count_cells(*size, cell)) for size in (canvas, *styles)]
    return held, round(_HYPERCOLUMNS * 4 * channels * (cells[0] + max(cells[1:], default=0)))


def _work(network: Network, layers: Collection[str], rows: dict[str, int], height: int) -> float:
    """Multiplications of an iteration: of what comes in strips also those that are done again."""
    work = 0.0
    for names, count in cut_network(network, layers, rows):
        inside = height // network.layers[names[0]].input_stride
        strips = plan_strips(network, names, inside, count)
        overlap = sum(strip.bottom - strip.top for strip in strips) / inside
        again = 1.5 if len(strips) > 1 else 1.0  # forward twice and back once, not once each
        work += again * overlap * sum(network.layers[name].work for name in names)
    return work
