"""What is minimized: the distance to the content's features and to the style's statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.features import Network
from neural_style.losses import (
    TV_FORMS,
    Axes,
    channel_products,
    channel_totals,
    eased_style_loss,
    mean_square,
    principal_axes,
    squared_distance,
)
from neural_style.statistics import STATISTICS, Moments, Statistic, average, mix
from neural_style.tensors import FeatureMap, ImageTensor, Scalar
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


def make_objective(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[tuple[ImageTensor, float]],
    emphasis: Emphasis,
) -> Evaluate:
    """The objective, with its targets taken from the pictures.

    Of several styles each has a term of its own, "style 1", "style 2", …: its share of how far the
    canvas is from it. For Gram matrices their gradients add up to that of the mean matrix.

    Args:
        segments: How a picture is worked through (`cut_network`), down to the deepest layer.
        content: At the size of the canvas.
        styles: Each at the size at which its strokes are to be seen, with its share of the whole.
    """
    content_layers, style_layers = emphasis.content_layers, emphasis.style_layers
    statistic = STATISTICS[emphasis.statistic]
    layers = content_layers.keys() | style_layers.keys()
    content_targets, elements = _features(network, segments, content, content_layers, layers)
    targets = [
        _moments(network, segments, image, style_layers, statistic.needs_mean)
        for image, _ in styles
    ]
    shares = [share for _, share in styles]
    names = ["style"] if len(styles) == 1 else [f"style {k + 1}" for k in range(len(styles))]
    mixed = {layer: mix([t[layer] for t in targets], shares) for layer in style_layers}
    content_unit, style_unit = UNITS[emphasis.units]
    content_units = {layer: content_unit(t) for layer, t in content_targets.items()}
    style_units = {layer: style_unit(statistic, t) for layer, t in mixed.items()}
    roughness = TV_FORMS[emphasis.tv_form]

    def measure(layer: str, features: FeatureMap, rows: slice) -> Sums:
        sums: Sums = {}
        if layer in content_targets:
            target = content_targets[layer][:, :, rows]
            sums[f"content {layer}"] = squared_distance(features, target)
        if layer in style_layers:
            sums[f"products {layer}"] = channel_products(features)
            if statistic.needs_mean:
                sums[f"totals {layer}"] = channel_totals(features)
        return sums

    def moments(sums: Sums, layer: str) -> Moments:
        return average(sums[f"products {layer}"], sums.get(f"totals {layer}"), elements[layer])

    def content_term(sums: Sums) -> Scalar:
        return emphasis.content * sum(
            share / content_units[layer] * sums[f"content {layer}"] / elements[layer]
            for layer, share in content_layers.items()
        )

    def style_term(
        sums: Sums,
        target: dict[str, Moments],
        loss: Callable[[str, Moments, Moments], Scalar],
    ) -> Scalar:
        return emphasis.style * sum(
            share / style_units[layer] * loss(layer, moments(sums, layer), target[layer])
            for layer, share in style_layers.items()
        )

    def plain(layer: str, seen: Moments, target: Moments) -> Scalar:
        return statistic.loss(seen, target)

    def gentle(layer: str, seen: Moments, target: Moments) -> Scalar:
        return eased_style_loss(statistic.matrix(seen), statistic.matrix(target), axes(layer))

    @cache
    def axes(layer: str) -> Axes:
        return principal_axes(statistic.matrix(mixed[layer]))

    def judge(eased: bool, sums: Sums, image: ImageTensor) -> tuple[dict[str, Scalar], Scalar]:
        terms = {"content": content_term(sums)}
        for name, target, share in zip(names, targets, shares, strict=True):
            terms[name] = share * style_term(sums, target, plain)
        terms["tv"] = emphasis.tv * roughness(image)
        if not (eased and statistic.matrix):
            return terms, sum(terms.values())
        return terms, terms["content"] + style_term(sums, mixed, gentle) + terms["tv"]

    def evaluate_(
        image: ImageTensor, *, with_gradient: bool = True, eased: bool = False
    ) -> tuple[dict[str, Scalar], ImageTensor]:
        return evaluate(
            network,
            segments,
            layers,
            measure,
            partial(judge, eased),
            image,
            with_gradient=with_gradient,
        )

    return evaluate_


def _features(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    wanted: dict[str, float],
    layers: set[str],
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


def _moments(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    wanted: dict[str, float],
    with_mean: bool,
) -> dict[str, Moments]:
    products: dict[str, Tensor] = {}
    totals: dict[str, Tensor] = {}
    elements: dict[str, int] = dict.fromkeys(wanted, 0)

    def visit(layer: str, features: FeatureMap, rows: slice) -> None:
        elements[layer] += features.numel()
        products[layer] = products.get(layer, 0) + channel_products(features)
        if with_mean:
            totals[layer] = totals.get(layer, 0) + channel_totals(features)

    survey(network, segments, image, wanted.keys(), visit)
    return {layer: average(products[layer], totals.get(layer), elements[layer]) for layer in wanted}
