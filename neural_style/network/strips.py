"""The exact gradient of the objective, of a picture of any size.

A Gram matrix is a sum over all pixels, so a picture cannot simply be cut up and each piece be
optimized alone. But the sums can be made strip by strip, and once they are known, so is what each
strip must change. Where memory is short the network is therefore cut into segments, and a
segment's input into strips: first every strip is looked at, and only its sums and the segment's
output are kept; then, backward, it is looked at once more and its gradient is taken. Strips
overlap by what one output of the segment can see of its input, so nothing differs from the
whole picture's gradient but the order of additions.
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
"""What a picture's activations add up to over its pixels, by name."""

Measure = Callable[[str, FeatureMap, slice, slice], tuple[FeatureMap, Sums]]
"""A layer's name, its activations in a strip, which of their rows count, and which rows of the
whole picture's these are → the same activations to go on with, and the share of the sums."""

Judge = Callable[[Sums, ImageTensor], tuple[dict[str, Scalar], Scalar]]
"""The sums of the whole picture, and the picture → the weighted terms of the objective, and what
is to be differentiated: mostly their sum."""

Segments = list[tuple[tuple[str, ...], int]]
"""Names of consecutive layers, and how many rows of their input come together; 0 for all."""


class Strip(NamedTuple):
    """Rows `start` to `stop` of a segment's input, within those they depend on."""

    start: int
    stop: int
    top: int
    bottom: int


def cut_network(
    network: Network, layers: Collection[str], rows: dict[str, int] | None = None
) -> Segments:
    """The layers down to the deepest of `layers`: in one segment, or cut where `rows` says.

    Args:
        rows: Last layer of a segment → rows of its input at a time, in the order of the layers;
            what is left comes whole.
    """
    names = layers_until(network, layers)
    segments: Segments = []
    for last, count in (rows or {}).items():
        if last in names:
            end = names.index(last) + 1
            segments.append((tuple(names[:end]), count))
            names = names[end:]
    return [*segments, (tuple(names), 0)] if names else segments


def survey(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    layers: Collection[str],
    visit: Callable[[str, FeatureMap, slice], None],
) -> None:
    """Shows the activations of `layers` to `visit`, strip by strip, and keeps none of them."""

    def show(layer: str, features: FeatureMap, inside: slice, where: slice) -> FeatureMap:
        visit(layer, features[:, :, inside], where)
        return features

    x = image
    with torch.no_grad():
        for names, rows in segments:
            strips = plan_strips(network, names, x.shape[2], rows)
            outputs = [_look(network, names, s, _part(x, s), layers, show) for s in strips]
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
    """The terms of the objective, and the gradient of what the judge says, at the picture.

    Args:
        layers: Those whose activations are measured.
        with_gradient: Otherwise the gradient is zero, and costs nothing.
    """
    sums: Sums = {}
    ways_back: list[Callable[[Sums, Tensor | None], Tensor]] = []
    x = image.detach()
    for names, rows in segments:
        strips = plan_strips(network, names, x.shape[2], rows)
        look = partial(_measured, network, names, layers, measure)
        if len(strips) == 1:
            x = x.detach().requires_grad_(with_gradient)
            with torch.set_grad_enabled(with_gradient):
                output, shares = look(strips[0], x)
            ways_back.append(partial(_back, x, output, shares))
            outputs = [output.detach()]
            _add(sums, shares)
        else:
            outputs = []
            for strip in strips:
                with torch.no_grad():
                    output, shares = look(strip, _part(x, strip))
                outputs.append(output)
                _add(sums, shares)
            ways_back.append(partial(_back_in_strips, look, strips, x))
        x = torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]
        del output, shares
    with torch.set_grad_enabled(with_gradient):
        leaves = {name: total.requires_grad_(with_gradient) for name, total in sums.items()}
        shown = image.detach().requires_grad_(with_gradient)
        terms, total = judge(leaves, shown)
    values = {name: term.detach() for name, term in terms.items()}
    if not with_gradient:
        return values, torch.zeros_like(image)
    *pulls, own = torch.autograd.grad(total, [*leaves.values(), shown], materialize_grads=True)
    gradient = None
    while ways_back:
        gradient = ways_back.pop()(dict(zip(leaves, pulls, strict=True)), gradient)
    return values, gradient + own


def plan_strips(network: Network, names: Sequence[str], height: int, rows: int) -> list[Strip]:
    """Strips of about `rows` rows of the input of consecutive layers, or one of all.

    They begin where pooling windows and convolutions' tiles do.
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


def _look(
    network: Network,
    names: Sequence[str],
    strip: Strip,
    part: Tensor,
    layers: Collection[str],
    visit: Callable[[str, FeatureMap, slice, slice], FeatureMap],
) -> Tensor:
    """Output of a strip without its margins; `visit` is as a `Measure` that gives features alone.

    Args:
        part: The strip with its margins.
    """
    inside = network.layers[names[0]].input_stride
    strides = {name: network.layers[name].stride // inside for name in names}
    whole = (strip.start, strip.stop) == (0, part.shape[2])

    def watch(name: str, features: FeatureMap) -> FeatureMap:
        inner = _within(strip, strides[name])
        if whole:  # what is left over of an odd number of rows, too
            inner = slice(0, features.shape[2])
        start = strip.start // strides[name]
        where = slice(start, start + inner.stop - inner.start)
        return visit(name, features, inner, where)

    output = run_layers(network, part, names, layers, watch)
    return output if whole else slice_rows(output, _within(strip, strides[names[-1]]))


def _within(strip: Strip, stride: int) -> slice:
    """The strip's own rows of a map that has its margins, too."""
    top = strip.top // stride
    return slice(strip.start // stride - top, strip.stop // stride - top)


def _measured(
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

    return _look(network, names, strip, part, layers, visit), sums


def _add(sums: Sums, shares: Sums) -> None:
    for name, share in shares.items():
        sums[name] = sums[name] + share.detach() if name in sums else share.detach()


def _back(x: Tensor, output: Tensor, shares: Sums, pulls: Sums, following: Tensor | None) -> Tensor:
    """Gradient at `x` of what was made from it, given that at the sums and at the output."""
    results, gradients = list(shares.values()), [pulls[name] for name in shares]
    if following is not None:
        results, gradients = [*results, output], [*gradients, following]
    (gradient,) = torch.autograd.grad(results, x, gradients)
    return gradient


def _back_in_strips(
    look: Callable[[Strip, Tensor], tuple[Tensor, Sums]],
    strips: list[Strip],
    x: Tensor,
    pulls: Sums,
    following: Tensor | None,
) -> Tensor:
    """The same, looking at each strip once more; where strips overlap, their shares add up."""
    gradient = torch.zeros_like(x)
    done = 0
    for strip in strips:
        part = _part(x, strip).detach().requires_grad_()
        with torch.enable_grad():
            output, shares = look(strip, part)
        here = None
        if following is not None:
            here = following[:, :, done : done + output.shape[2]]
            done += output.shape[2]
        _part(gradient, strip).add_(_back(part, output, shares, pulls, here))
    return gradient
