"""Match indices of cells and of layers, and their form in a checkpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from neural_style.matching.sampling import Axis


class CellMatches(NamedTuple):
    """For each cell of the canvas, the matched cell of a style.

    Attributes:
        owners: Index of the style: cells down × across.
        rows, columns: The matched cell of that style's picture.
        axes: Layer → sampled rows and columns of the canvas's map.
        drift: Pixels by which the matched place lies below and right of the center of the matched
            cell, 2 × cells down × across: in a film, where matches follow the motion. None for 0.
    """

    owners: Tensor
    rows: Tensor
    columns: Tensor
    axes: dict[str, tuple[Axis, Axis]]
    drift: Tensor | None = None


class LayerMatches(NamedTuple):
    """For each sampled position of one layer, the matched position of a style.

    Attributes:
        axes: Sampled rows and columns of the canvas's map.
        owners: Index of the style: positions down × across.
        indices: Index of the matched position among the positions of all styles.
        centers: Mean activations of the canvas over the positions of each style: styles × channels.
    """

    axes: tuple[Axis, Axis]
    owners: Tensor
    indices: Tensor
    centers: Tensor


def pack_matches(cells: CellMatches, layers: dict[str, LayerMatches] | None) -> dict[str, Any]:
    """Matches as dictionaries, tensors and numbers, for a checkpoint."""
    packed = cells._asdict() | {"axes": _packed_axes(cells.axes)}
    if layers is None:
        return {"cells": packed, "layers": None}
    return {
        "cells": packed,
        "layers": {
            layer: one._asdict() | {"axes": [list(axis) for axis in one.axes]}
            for layer, one in layers.items()
        },
    }


def unpack_matches(
    packed: dict[str, Any],
) -> tuple[CellMatches, dict[str, LayerMatches] | None]:
    """The inverse of `pack_matches`."""
    cells = packed["cells"]
    axes = {layer: _axes(pair) for layer, pair in cells["axes"].items()}
    layers = packed["layers"]
    if layers is not None:
        layers = {
            layer: LayerMatches(**one | {"axes": _axes(one["axes"])})
            for layer, one in layers.items()
        }
    return CellMatches(**cells | {"axes": axes}), layers


def _packed_axes(axes: dict[str, tuple[Axis, Axis]]) -> dict[str, list[list[int]]]:
    return {layer: [list(axis) for axis in pair] for layer, pair in axes.items()}


def _axes(packed: list[list[int]]) -> tuple[Axis, Axis]:
    down, across = packed
    return Axis(*down), Axis(*across)
