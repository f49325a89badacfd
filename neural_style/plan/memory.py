"""Plans the memory of a run: strips and L-BFGS history that fit into what is available.

Estimates are bytes per pixel of the canvas, computed from the network's layers and checked against
measured peaks.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

import psutil
import torch

from neural_style.errors import SettingsError
from neural_style.matching.sampling import cell_size, count_cells
from neural_style.messages import Message, all_of
from neural_style.network.extractor import Network, layers_until
from neural_style.network.strips import cut_network, plan_strips
from neural_style.plan.limits import allowed_bytes
from neural_style.plan.schedule import Scale

_FLOAT_CANVASES = 12
"""Peak number of float32 pictures and gradients of the canvas's size."""

_LARGEST_SEEN = 2.1
"""Peak number of maps of the largest layer in a forward pass alone."""

FRAGMENTS = 0.4
"""Share of a step in strips that its maps take on the CPU beyond what they fill, as those of each
strip are new."""

_MOST_FRAGMENTS = 220_000_000
"""Limit of that in bytes: the C library has blocks above 32 MiB apart."""


class Overhead(NamedTuple):
    """Memory that a device takes in addition to pictures, maps and targets.

    Attributes:
        fixed: Bytes that do not depend on the picture.
        maps: Peak number of maps of the largest layer in a step, beside those saved for the
            backward pass.
    """

    fixed: int
    maps: float


OVERHEADS = {
    "cpu": Overhead(60_000_000, 4.0),  # compiled code, tiles of convolutions, sums of gradients
    "cuda": Overhead(130_000_000, 1.5),  # cuBLAS and cuDNN
    "mps": Overhead(60_000_000, 4.0),  # not measured
}
"""By type of device; checked against measured peaks."""

_CAUTION = 0.98
"""Share of the memory that a proposed size may take: the program does not always hold the same."""

_SMALLEST = 64
"""Smallest size that an error message proposes: that of `Settings.size`."""

STRIP_PIXELS = (1_600_000, 800_000, 400_000, 200_000, 100_000)
"""Choices for the pixels of a strip without margins; deeper segments have as many rows."""

_SLOWER = {20: 1.1, 8: 1.3, 4: 1.5}
"""L-BFGS history → rough factor by which it increases the number of steps."""


class MemoryPlan(NamedTuple):
    """Strips and history of a run, with its estimated peak memory.

    Attributes:
        rows: Last layer of a segment → rows per strip, for `cut_network`.
        history: Pairs that L-BFGS remembers.
        bytes: Estimated peak of the whole program.
        note: Message about strips and history; None where both are the defaults.
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
    history_dtype: torch.dtype | None,
    device: torch.device,
    limit_gb: float,
    *,
    regions: int = 0,
    styles: Sequence[tuple[int, int]] = (),
    matched: Collection[str] = (),
) -> MemoryPlan:
    """The fastest plan that fits into memory.

    Args:
        layers: Layers of the content and style terms.
        scale: The largest canvas.
        history: Pairs that the optimizer remembers by default.
        history_dtype: Their precision, None for float32.
        limit_gb: Limit for the whole program in GB (10⁹ bytes); 0 for what is free.
        regions: Number of style masks; each holds one more copy of the maps of `layers`.
        styles: Heights and widths of the style images beside that canvas.
        matched: Layers of the style term by matches.

    Raises:
        SettingsError: No plan fits.
    """
    base = bytes_in_use(device)
    offered = min(base + 0.9 * free_bytes(device), limit_gb * 1e9 if limit_gb else math.inf)
    longest = max(scale.height, scale.width)

    def plans_at(size: int) -> list[tuple[float, MemoryPlan]]:
        """All plans for a canvas so many pixels long."""
        canvas = _shrunk((scale.height, scale.width), size / longest)
        # A style image shorter than the canvas has all its pixels, and keeps them.
        others = [_shrunk(style, size / min(longest, max(style))) for style in styles]
        return _plans(
            network,
            layers,
            canvas,
            others,
            base=base,
            device=device,
            history=history,
            pair_bytes=2 * 3 * (history_dtype or torch.float32).itemsize,
            regions=regions,
            matched=matched,
        )

    plans = plans_at(longest)
    fitting = [(slower, plan) for slower, plan in plans if plan.bytes <= offered]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    needed = min(plan.bytes for _, plan in plans)
    about = {
        "size": f"{scale.width}×{scale.height}",
        "needed": needed / 1e9,
        "available": offered / 1e9,
    }
    size = longest
    while (size := int(0.95 * size)) >= _SMALLEST:
        if min(plan.bytes for _, plan in plans_at(size)) <= _CAUTION * offered:
            raise SettingsError("memory.too_large", fitting=size, **about)
    raise SettingsError("memory.no_size", **about)


def _shrunk(sides: tuple[int, int], factor: float) -> tuple[int, int]:
    """The sides times a factor, which is 1 at most."""
    height, width = (max(1, round(min(1.0, factor) * side)) for side in sides)
    return height, width


def _plans(
    network: Network,
    layers: Collection[str],
    canvas: tuple[int, int],
    styles: Sequence[tuple[int, int]],
    *,
    base: int,
    device: torch.device,
    history: int,
    pair_bytes: int,
    regions: int,
    matched: Collection[str],
) -> list[tuple[float, MemoryPlan]]:
    """All plans for a canvas, each with the relative time of an iteration.

    Args:
        base: Bytes that the program already holds.
        pair_bytes: Bytes of a pair of the optimizer, per pixel.
        layers, history, regions, styles, matched: As for `plan_memory`.
    """
    height, width = canvas
    overhead = OVERHEADS[device.type]
    cuts = _cuts(network, layers_until(network, layers))
    histories = [history, *(fewer for fewer in (20, 8, 4) if fewer < history)]
    copies = dict.fromkeys(layers, regions)
    pictures = sum(12 * h * w for h, w in styles)
    places, hypercolumns = _matching(network, matched, canvas, styles)
    plans = []
    choices = product(range(len(cuts) + 1), STRIP_PIXELS, histories)
    for count, strip_pixels, remembered in choices:
        rows = dict.fromkeys(cuts[:count], max(32, strip_pixels // width))
        estimate = partial(estimate_bytes, network, rows)
        step = estimate(height, width, remembered * pair_bytes, copies, overhead.maps)
        forward = [estimate(h, w, 0, copies) for h, w in styles]
        most = max([step, hypercolumns, *forward])
        if rows and device.type == "cpu":
            most += min(round(FRAGMENTS * step), _MOST_FRAGMENTS)
        need = base + overhead.fixed + pictures + places + most
        slower = _work(network, layers, rows, height) * _SLOWER.get(remembered, 1.0)
        note = plan_note(rows, height, remembered if remembered < history else 0, need)
        plans.append((slower, MemoryPlan(rows, remembered, need, note)))
    return plans


def _cuts(network: Network, names: Sequence[str]) -> list[str]:
    """Layers after which the network may be cut: all that halve the map except the first."""
    layers = {name: network.layers[name] for name in names}
    if any(layer.reach is None for layer in layers.values()):
        return []
    return [name for name, one in layers.items() if one.stride > one.input_stride][1:]


def plan_note(rows: dict[str, int], height: int, fewer: int, need: int) -> Message | None:
    """`MemoryPlan.note`.

    Args:
        fewer: Pairs that L-BFGS remembers, if fewer than by default; else 0.
        need: The estimated peak in bytes.
    """
    means = []
    if rows:
        count = min(height, *rows.values())
        means.append(Message("memory.strips", rows=count, layer=[*rows][-1]))
    if fewer:
        means.append(Message("memory.history", steps=fewer))
    return Message("memory.plan", needed=need / 1e9, means=all_of(means)) if means else None


def free_bytes(device: torch.device) -> int:
    """Free bytes on the GPU, or on the machine within the limits of this process.

    Memory of the GPU that PyTorch keeps for its next tensors counts as free.
    """
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return max(0, min([psutil.virtual_memory().available, *allowed_bytes()]))


def bytes_in_use(device: torch.device) -> int:
    """Bytes that the program already holds on the device."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return psutil.Process().memory_info().rss


def estimate_bytes(
    network: Network,
    rows: dict[str, int],
    height: int,
    width: int,
    remembered: int,
    copies: dict[str, int],
    maps: float = 0.0,
) -> int:
    """Peak bytes in addition to what the program already holds and to `Overhead.fixed`.

    Args:
        remembered: Bytes per pixel of the optimizer's history.
        copies: Layers of the terms → number of additional copies of their maps.
        maps: `Overhead.maps`; 0 for a forward pass alone, which style images have.
    """
    pixels = height * width
    canvases = pixels * (12 * (_FLOAT_CANVASES if maps else 3) + remembered)
    kept = working = 0.0
    for part, count in cut_network(network, copies, rows):
        layers = {name: network.layers[name] for name in part}
        held = sum(
            one.held_bytes + copies.get(name, 0) * one.map_bytes for name, one in layers.items()
        )
        largest = max(one.map_bytes for one in layers.values())
        first, last = layers[part[0]], layers[part[-1]]
        strip = min(1.0, 1.5 * count * first.input_stride / height) if count else 1.0
        peak = held + maps * largest if maps else _LARGEST_SEEN * largest
        working = max(working, strip * pixels * peak)
        if count:
            kept += 2 * pixels / last.stride**2 * last.channels * network.dtype.itemsize
    return round(canvases + kept + working)


def _matching(
    network: Network,
    matched: Collection[str],
    canvas: tuple[int, int],
    styles: Sequence[tuple[int, int]],
) -> tuple[int, int]:
    """Bytes of the samples and targets of all positions, and of the hypercolumns while matching."""
    cell = cell_size(*canvas)
    held = channels = 0
    for layer in (network.layers[name] for name in matched):
        channels += layer.channels
        spacing = max(cell, layer.stride)
        positions = sum(math.prod(count_cells(*size, spacing)) for size in (canvas, *styles))
        held += positions * layer.channels * network.dtype.itemsize
    cells = [math.prod(count_cells(*size, cell)) for size in (canvas, *styles)]
    pair = cells[0], max(cells[1:], default=0)
    # The canvas's and one style's, in float32, and those of one of them while they are centered.
    return held, 4 * channels * (sum(pair) + max(pair))


def _work(network: Network, layers: Collection[str], rows: dict[str, int], height: int) -> float:
    """Multiplications of an iteration, including those repeated for strips."""
    work = 0.0
    for names, count in cut_network(network, layers, rows):
        inside = max(1, height // network.layers[names[0]].input_stride)
        strips = plan_strips(network, names, inside, count)
        overlap = sum(strip.bottom - strip.top for strip in strips) / inside
        again = 1.5 if len(strips) > 1 else 1.0  # two forward passes and one backward, not one each
        work += again * overlap * sum(network.layers[name].work for name in names)
    return work
