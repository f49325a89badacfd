"""Matches that were found: small tensors of indices, and how a run's state keeps them."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from neural_style.matching.places import Axis


class CellMatches(NamedTuple):
    """Each cell of the canvas, and the cell of a style that it is to resemble.

    Attributes:
        owners: Which style: cells down × across.
        rows, columns: Which cell of that style's picture.
        axes: Layer → which rows and columns of the canvas's map are places.
    """

    owners: Tensor
    rows: Tensor
    columns: Tensor
    axes: dict[str, tuple[Axis, Axis]]


class LayerMatches(NamedTuple):
    """The places of one layer, and the places of the styles that they are to resemble.

    Attributes:
        axes: Which rows and columns of the canvas's map are places.
        owners: Which style: places down × across.
        indices: Which place, counted through all styles' places.
        centers: Mean activations of the canvas over the places of each style: styles × channels.
    """

    axes: tuple[Axis, Axis]
    owners: Tensor
    indices: Tensor
    centers: Tensor


def pack_matches(cells: CellMatches, layers: dict[str, LayerMatches] | None) -> dict[str, Any]:
    """Matches as plain dictionaries, tensors and numbers, for a run's state."""
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
    """What `pack_matches` has packed."""
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
