"""What is minimized: the distance to the content's features and to the style's statistics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.features import Network
from neural_style.guides import Guide, count, make_guide, picture_moments, sum_up
from neural_style.losses import (
    TV_FORMS,
    Axes,
    eased_style_loss,
    mean_square,
    principal_axes,
    squared_distance,
)
from neural_style.masks import leave
from neural_style.statistics import STATISTICS, Moments, Statistic, average, mix
from neural_style.taps import take_rows, tap_products
from neural_style.tensors import FeatureMap, ImageTensor, Mask, Scalar
from neural_style.tiling import Segments, Sums, evaluate, survey

Evaluate = Callable[..., tuple[dict[str, Scalar], ImageTensor]]
"""A picture → the weighted terms by name, and the gradient of their sum.

With `with_gradient=False`, zero in its place; with `eased=True`, that of the sum with the style's
term eased (`eased_style_loss`).
"""


class Emphasis(NamedTuple):
    """What counts how much.

    Attributes:
        content_layers, style_layers: Layer → its share of the term.
        content, style, tv: Weights of the terms.
        statistic: How styles are compared, a key of `STATISTICS`.
        tv_form: How roughness is measured, a key of `TV_FORMS`.
        units: What each layer's loss is counted in, a key of `UNITS`.
    """

    content_layers: dict[str, float]
    style_layers: dict[str, float]
    content: float
    style: float
    tv: float
    tv_form: str
    statistic: str
    units: str


class LossUnits(NamedTuple):
    """What a layer's loss is divided by, from its target."""

    content: Callable[[FeatureMap], Scalar | float]
    style: Callable[[Statistic, Moments], Scalar | float]


UNITS = {
    # As far off as nothing at all.
    "relative": LossUnits(
        content=mean_square, style=lambda statistic, target: statistic.unit(target)
    ),
    # As the formulas have it: means, in the units of the network's weights.
    "absolute": LossUnits(content=lambda target: 1.0, style=lambda statistic, target: 1.0),
    # ½ Σ (F − P)² and Σ (G − A)² / (4 C² M²) of Gatys et al., arXiv 1508.06576, eq. 1 and 4.
    "paper": LossUnits(
        content=lambda target: 2 / target.numel(),
        style=lambda statistic, target: 4 / len(target.products) ** 2,
    ),
}


class Wanted(NamedTuple):
    """A style, and where it is wanted.

    Attributes:
        image: At the size at which its strokes are to be seen.
        share: Of the style term.
        where: On the canvas; None for everywhere. Styles of one region have the very same mask.
        part: Of the style's picture; None for all of it.
    """

    image: ImageTensor
    share: float
    where: Mask | None = None
    part: Mask | None = None


class _Region(NamedTuple):
    """A part of the canvas, with the styles wanted there.

    Attributes:
        guide: Empty for the whole canvas.
        elements: Of each layer there, by their weights.
        targets: Of each style, by the name of its term, with its share.
        share: Of all of them.
        mixed: Their moments, by their shares.
        units: Of each layer.
    """

    guide: Guide
    elements: dict[str, float]
    targets: dict[str, tuple[dict[str, Moments], float]]
    share: float
    mixed: dict[str, Moments]
    units: dict[str, Scalar | float]


def make_objective(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[Wanted],
    emphasis: Emphasis,
    keep: Mask | None = None,
) -> Evaluate:
    """The objective, with its targets taken from the pictures.

    Of several styles each has a term of its own, "style 1", "style 2", …: its share of how far the
    canvas is from it. For Gram matrices their gradients add up to that of the mean matrix.

    Args:
        segments: How a picture is worked through (`cut_network`), down to the deepest layer.
        content: At the size of the canvas.
        styles: One at least.
        keep: Where the content's own pixels take the place of the canvas's.
    """
    content_layers, style_layers = emphasis.content_layers, emphasis.style_layers
    statistic = STATISTICS[emphasis.statistic]
    layers = content_layers.keys() | style_layers.keys()
    content_targets, elements = _features(network, segments, content, content_layers, layers)
    content_unit, _ = UNITS[emphasis.units]
    content_units = {layer: content_unit(t) for layer, t in content_targets.items()}
    regions = _regions(network, segments, content, styles, emphasis, elements)
    roughness = TV_FORMS[emphasis.tv_form]

    def measure(
        layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        sums: Sums = {}
        if layer in content_targets:
            target = content_targets[layer][:, :, where]
            sums[f"content {layer}"] = squared_distance(take_rows(features, inside), target)
        for k, region in enumerate(regions if layer in style_layers else []):
            name = f"products {k} {layer}"
            if region.guide or statistic.needs_mean:
                weights = region.guide[layer][:, :, where] if region.guide else None
                own = take_rows(features, inside)
                sums[name], totals = sum_up(own, weights, statistic.needs_mean)
                if totals is not None:
                    sums[f"totals {k} {layer}"] = totals
            else:
                features, sums[name] = tap_products(features, inside)
        return features, sums

    def content_term(sums: Sums) -> Scalar:
        return emphasis.content * sum(
            share / content_units[layer] * sums[f"content {layer}"] / elements[layer]
            for layer, share in content_layers.items()
        )

    def style_term(
        k: int,
        sums: Sums,
        target: dict[str, Moments],
        loss: Callable[[int, str, Moments, Moments], Scalar],
    ) -> Scalar:
        def seen(layer: str) -> Moments:
            products, totals = sums[f"products {k} {layer}"], sums.get(f"totals {k} {layer}")
            return average(products, totals, regions[k].elements[layer])

        return emphasis.style * sum(
            share / regions[k].units[layer] * loss(k, layer, seen(layer), target[layer])
            for layer, share in style_layers.items()
        )

    def plain(k: int, layer: str, seen: Moments, target: Moments) -> Scalar:
        return statistic.loss(seen, target)

    def gentle(k: int, layer: str, seen: Moments, target: Moments) -> Scalar:
        return eased_style_loss(statistic.matrix(seen), statistic.matrix(target), axes(k, layer))

    @cache
    def axes(k: int, layer: str) -> Axes:
        return principal_axes(statistic.matrix(regions[k].mixed[layer]))

    def judge(eased: bool, sums: Sums, image: ImageTensor) -> tuple[dict[str, Scalar], Scalar]:
        terms = {"content": content_term(sums)}
        for k, region in enumerate(regions):
            for name, (target, share) in region.targets.items():
                terms[name] = share * style_term(k, sums, target, plain)
        terms["tv"] = emphasis.tv * roughness(image)
        if not (eased and statistic.matrix):
            return terms, sum(terms.values())
        pull = sum(
            region.share * style_term(k, sums, region.mixed, gentle)
            for k, region in enumerate(regions)
        )
        return terms, terms["content"] + pull + terms["tv"]

    def evaluate_(
        image: ImageTensor, *, with_gradient: bool = True, eased: bool = False
    ) -> tuple[dict[str, Scalar], ImageTensor]:
        shown = leave(keep, content, image)
        terms, gradient = evaluate(
            network,
            segments,
            layers,
            measure,
            partial(judge, eased),
            shown,
            with_gradient=with_gradient,
        )
        return terms, gradient if keep is None else gradient * (1 - keep)

    return evaluate_


def _regions(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[Wanted],
    emphasis: Emphasis,
    elements: dict[str, int],
) -> list[_Region]:
    """The styles by where they are wanted."""
    statistic, layers = STATISTICS[emphasis.statistic], emphasis.style_layers
    numbers = [""] if len(styles) == 1 else [f" {k + 1}" for k in range(len(styles))]
    regions = []
    for where in {id(style.where): style.where for style in styles}.values():
        targets = {}
        for number, style in zip(numbers, styles, strict=True):
            if style.where is where:
                found = picture_moments(
                    network, segments, style.image, style.part, layers, statistic.needs_mean
                )
                targets[f"style{number}"] = found, style.share
        found, shares = zip(*targets.values(), strict=True)
        whole = sum(shares)
        # Of styles that are not to count, as much of each; their terms are nothing all the same.
        parts = [share / whole if whole else 1 / len(shares) for share in shares]
        mixed = {layer: mix([one[layer] for one in found], parts) for layer in layers}
        guide, weighed = {}, dict(elements)
        if where is not None:
            guide = make_guide(network, segments, content, where, layers)
            for layer, weights in guide.items():
                channels = len(mixed[layer].products)
                weighed[layer] = count(weights, channels, network.dtype)
        unit = UNITS[emphasis.units].style
        units = {layer: unit(statistic, target) for layer, target in mixed.items()}
        regions.append(_Region(guide, weighed, targets, whole, mixed, units))
    return regions


def _features(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    wanted: dict[str, float],
    layers: Collection[str],
) -> tuple[dict[str, FeatureMap], dict[str, int]]:
    """Activations of the wanted layers, and how many elements each of `layers` has."""
    parts: dict[str, list[Tensor]] = {layer: [] for layer in wanted}
    elements: dict[str, int] = dict.fromkeys(layers, 0)

    def visit(layer: str, features: FeatureMap, rows: slice) -> None:
        elements[layer] += features.numel()
        if layer in parts:
            parts[layer].append(features.clone())

    survey(network, segments, image, layers, visit)
    return {layer: torch.cat(rows, dim=2) for layer, rows in parts.items()}, elements
