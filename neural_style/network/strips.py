"""The exact gradient of the objective, computed in strips where memory is short.

A Gram matrix is a sum over all pixels, so the pieces of a picture cannot be optimized one by one.
But its sum can be computed strip by strip, and the gradient of each strip follows from the
gradient at the total. Where memory is short, the network is cut into segments, and a segment's
input into strips. The forward pass runs each strip and keeps only its sums and the segment's
output. The backward pass runs each strip again and takes its gradient. Strips overlap by the
segment's receptive field, so the result differs from the whole picture's gradient only in the
order of additions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.kernels.winograd import TILE
from neural_style.network.autograd import slice_rows
from neural_style.network.extractor import Network, layers_until, run_layers
from neural_style.tensors import FeatureMap, ImageTensor, Scalar

Sums = dict[Hashable, Tensor]
"""Sums of functions of the activations over all positions, by name."""

Measure = Callable[[str, FeatureMap, slice, slice], tuple[FeatureMap, Sums]]
"""A function from a layer's name, its activations in a strip, the slice of their rows without
margins, and the slice of the same rows in the whole map → the activations to pass on, and the
strip's share of the sums."""

Judge = Callable[[Sums, ImageTensor], tuple[dict[str, Scalar], Scalar]]
"""A function from the sums of the whole picture and the picture to the weighted terms of the
objective and the scalar to differentiate, usually their sum."""

Segments = list[tuple[tuple[str, ...], int]]
"""Names of consecutive layers, and rows of their input per strip; 0 for all."""


class Strip(NamedTuple):
    """Rows `start` to `stop` of a segment's input, and with margins `top` to `bottom`."""

    start: int
    stop: int
    top: int
    bottom: int


def cut_network(
    network: Network, layers: Collection[str], rows: dict[str, int] | None = None
) -> Segments:
    """The layers up to the deepest of `layers`, as one segment or cut after the keys of `rows`.

    Args:
        rows: Last layer of a segment → rows of its input per strip, in the order of the layers.
            The layers after the last cut are one segment without strips.
    """
    names = layers_until(network, layers)
    segments: Segments = []
    for last, count in (rows or {}).items():
        if last in names:
            end = names.index(last) + 1
            segments.append((tuple(names[:end]), count))
            names = names[end:]
    return [*segments, (tuple(names), 0)] if names else segments


def visit_features(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    layers: Collection[str],
    visit: Callable[[str, FeatureMap, slice], None],
) -> None:
    """Calls `visit` with the activations of `layers` and their rows, strip by strip."""

    def show(layer: str, features: FeatureMap, inside: slice, where: slice) -> FeatureMap:
        visit(layer, features[:, :, inside], where)
        return features

    x = image
    with torch.no_grad():
        for names, rows in segments:
            strips = plan_strips(network, names, x.shape[2], rows)
            outputs = [_run_strip(network, names, s, _part(x, s), layers, show) for s in strips]
            x = torch.cat(outputs, dim=2)


def evaluate(
    network: Network,
    segments: Segments,
    layers: Collection[str],
    measure: Measure,
    judge: Judge,
    image: ImageTensor,
    *,
    with_gradient: bool = True,
) -> tuple[dict[str, Scalar], ImageTensor]:
    """The terms of the objective at a picture, and the gradient of the judge's scalar.

    Args:
        layers: Layers whose activations are measured.
        with_gradient: Whether to compute the gradient; otherwise it is zero and costs nothing.
    """
    sums: Sums = {}
    backward_passes: list[Callable[[Sums, Tensor | None], Tensor]] = []
    x = image.detach()
    for names, rows in segments:
        strips = plan_strips(network, names, x.shape[2], rows)
        run_strip = partial(_measure_strip, network, names, layers, measure)
        if len(strips) == 1:
            x = x.detach().requires_grad_(with_gradient)
            with torch.set_grad_enabled(with_gradient):
                output, shares = run_strip(strips[0], x)
            backward_passes.append(partial(_backward, x, output, shares))
            outputs = [output.detach()]
            _add(sums, shares)
        else:
            outputs = []
            for strip in strips:
                with torch.no_grad():
                    output, shares = run_strip(strip, _part(x, strip))
                outputs.append(output)
                _add(sums, shares)
            backward_passes.append(partial(_backward_in_strips, run_strip, strips, x))
        x = torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]
        del output, shares
    with torch.set_grad_enabled(with_gradient):
        leaves = {name: total.requires_grad_(with_gradient) for name, total in sums.items()}
        picture = image.detach().requires_grad_(with_gradient)
        terms, total = judge(leaves, picture)
    values = {name: term.detach() for name, term in terms.items()}
    if not with_gradient:
        return values, torch.zeros_like(image)
    *sum_gradients, own = torch.autograd.grad(
        total, [*leaves.values(), picture], materialize_grads=True
    )
    gradient = None
    while backward_passes:
        gradient = backward_passes.pop()(dict(zip(leaves, sum_gradients, strict=True)), gradient)
    return values, gradient + own


def plan_strips(network: Network, names: Sequence[str], height: int, rows: int) -> list[Strip]:
    """Strips of about `rows` rows of the input of consecutive layers; one strip for 0.

    They are aligned with pooling windows and with the tiles of convolutions.
    """
    if not rows:
        return [Strip(0, height, 0, height)]
    layers = [network.layers[name] for name in names]
    inside = layers[0].input_stride
    reach = sum(layer.input_stride * layer.reach for layer in layers) // inside
    unit = layers[-1].stride // inside * TILE
    step = max(1, rows // unit) * unit
    least = max(unit, step // 2)
    starts = [start for start in range(0, height, step) if not start or height - start >= least]
    margin = -(-reach // unit) * unit
    return [
        Strip(start, stop, max(0, start - margin), min(height, stop + margin))
        for start, stop in zip(starts, [*starts[1:], height], strict=True)
    ]


def _part(x: Tensor, strip: Strip) -> Tensor:
    return x[:, :, strip.top : strip.bottom]


def _run_strip(
    network: Network,
    names: Sequence[str],
    strip: Strip,
    part: Tensor,
    layers: Collection[str],
    visit: Callable[[str, FeatureMap, slice, slice], FeatureMap],
) -> Tensor:
    """The output of a strip without its margins.

    Args:
        part: The strip with its margins.
        visit: Like a `Measure`, but returns only the features.
    """
    inside = network.layers[names[0]].input_stride
    strides = {name: network.layers[name].stride // inside for name in names}
    whole = (strip.start, strip.stop) == (0, part.shape[2])

    def watch(name: str, features: FeatureMap) -> FeatureMap:
        inner = _inner_rows(strip, strides[name])
        if whole:  # includes the remainder of an odd number of rows
            inner = slice(0, features.shape[2])
        start = strip.start // strides[name]
        where = slice(start, start + inner.stop - inner.start)
        return visit(name, features, inner, where)

    output = run_layers(network, part, names, layers, watch)
    return output if whole else slice_rows(output, _inner_rows(strip, strides[names[-1]]))


def _inner_rows(strip: Strip, stride: int) -> slice:
    """The strip's rows without margins, in a map that includes the margins."""
    top = strip.top // stride
    return slice(strip.start // stride - top, strip.stop // stride - top)


def _measure_strip(
    network: Network,
    names: Sequence[str],
    layers: Collection[str],
    measure: Measure,
    strip: Strip,
    part: Tensor,
) -> tuple[Tensor, Sums]:
    sums: Sums = {}

    def visit(layer: str, features: FeatureMap, inside: slice, where: slice) -> FeatureMap:
        features, shares = measure(layer, features, inside, where)
        sums.update(shares)
        return features

    return _run_strip(network, names, strip, part, layers, visit), sums


def _add(sums: Sums, shares: Sums) -> None:
    for name, share in shares.items():
        sums[name] = sums[name] + share.detach() if name in sums else share.detach()


def _backward(
    x: Tensor, output: Tensor, shares: Sums, sum_gradients: Sums, following: Tensor | None
) -> Tensor:
    """The gradient at `x`, given those at the sums and at the output."""
    results, gradients = list(shares.values()), [sum_gradients[name] for name in shares]
    if following is not None:
        results, gradients = [*results, output], [*gradients, following]
    (gradient,) = torch.autograd.grad(results, x, gradients)
    return gradient


def _backward_in_strips(
    run_strip: Callable[[Strip, Tensor], tuple[Tensor, Sums]],
    strips: list[Strip],
    x: Tensor,
    sum_gradients: Sums,
    following: Tensor | None,
) -> Tensor:
    """`_backward` in strips, each run again; where strips overlap, gradients add up."""
    gradient = torch.zeros_like(x)
    done = 0
    for strip in strips:
        part = _part(x, strip).detach().requires_grad_()
        with torch.enable_grad():
            output, shares = run_strip(strip, part)
        here = None
        if following is not None:
            here = following[:, :, done : done + output.shape[2]]
            done += output.shape[2]
        _part(gradient, strip).add_(_backward(part, output, shares, sum_gradients, here))
    return gradient
