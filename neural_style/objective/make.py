"""The objective from pictures: targets are taken once, then the terms are put together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, survey
from neural_style.objective.content import ContentTerm
from neural_style.objective.guides import count, make_guide, picture_moments
from neural_style.objective.losses import TV_FORMS, mean_square
from neural_style.objective.moments import MomentsTerm
from neural_style.objective.statistics import STATISTICS, Moments, Statistic, mix
from neural_style.objective.terms import Objective, Term
from neural_style.objective.variation import VariationTerm
from neural_style.tensors import FeatureMap, ImageTensor, Mask, Scalar

NEAREST = "nearest"
"""The statistic that compares places instead of moments."""

STYLE_STATISTICS = (NEAREST, *STATISTICS)
"""Every way to compare styles."""


class Emphasis(NamedTuple):
    """What counts how much.

    Attributes:
        content_layers, style_layers: Layer → its share of the term.
        content, style, tv: Weights of the terms.
        statistic: How styles are compared, one of `STYLE_STATISTICS`.
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


def make_objective(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[Wanted],
    emphasis: Emphasis,
    keep: Mask | None = None,
    *,
    matches: Term | None = None,
    gray: bool = False,
) -> Objective:
    """The objective, with its targets taken from the pictures.

    Of several styles each has a loss of its own, "style 1", "style 2", …: its share of how far the
    canvas is from it. For Gram matrices their gradients add up to that of the mean matrix.

    Args:
        segments: How a picture passes through the network (`cut_network`), down to the deepest
            layer.
        content: At the size of the canvas.
        styles: At least one; not looked at where `matches` is given.
        keep: Where the content's own pixels take the place of the canvas's.
        matches: The style term of the statistic "nearest".
        gray: Whether a gray canvas is to stay gray.
    """
    layers = emphasis.content_layers.keys() | emphasis.style_layers.keys()
    targets, elements = _features(network, segments, content, emphasis.content_layers, layers)
    unit = UNITS[emphasis.units].content
    units = {layer: unit(target) for layer, target in targets.items()}
    terms: list[Term] = [ContentTerm(emphasis.content, emphasis.content_layers, targets, units)]
    if matches is None:
        terms += _moments_terms(network, segments, content, styles, emphasis, elements)
    else:
        terms.append(matches)
    terms.append(VariationTerm(emphasis.tv, TV_FORMS[emphasis.tv_form]))
    return Objective(network, segments, terms, content, keep, gray)


def retarget(objective: Objective, matches: Term) -> Objective:
    """The same objective with other matches: the content has not to be looked at again."""
    content, _, *others = objective.terms
    return replace(objective, terms=[content, matches, *others])


def _moments_terms(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[Wanted],
    emphasis: Emphasis,
    elements: dict[str, int],
) -> list[MomentsTerm]:
    """One term for each region of the canvas; styles of one region have the very same mask."""
    statistic, layers = STATISTICS[emphasis.statistic], emphasis.style_layers
    unit = UNITS[emphasis.units].style
    terms = []
    for where, members in group_by_region([style.where for style in styles]):
        found = [
            picture_moments(
                network,
                segments,
                styles[k].image,
                styles[k].part,
                layers,
                statistic.needs_mean,
            )
            for k in members
        ]
        shares = [styles[k].share for k in members]
        whole = sum(shares)
        # Styles that do not count are mixed equally; their terms are 0 all the same.
        parts = [share / whole if whole else 1 / len(shares) for share in shares]
        mixed = {layer: mix([one[layer] for one in found], parts) for layer in layers}
        guide, counted = {}, dict(elements)
        if where is not None:
            guide = make_guide(network, segments, content, where, layers)
            for layer, weights in guide.items():
                channels = len(mixed[layer].products)
                counted[layer] = count(weights, channels, network.dtype)
        names = style_names(len(styles))
        terms.append(
            MomentsTerm(
                weight=emphasis.style,
                shares=emphasis.style_layers,
                statistic=statistic,
                guide=guide,
                elements=counted,
                styles={
                    names[k]: (moments, share)
                    for k, moments, share in zip(members, found, shares, strict=True)
                },
                mixed=mixed,
                units={layer: unit(statistic, target) for layer, target in mixed.items()},
            )
        )
    return terms


def style_names(count: int) -> list[str]:
    """Names of the styles' losses."""
    return ["style"] if count == 1 else [f"style {k + 1}" for k in range(count)]


def group_by_region(masks: Sequence[Mask | None]) -> list[tuple[Mask | None, list[int]]]:
    """Each different mask, with the places in `masks` that hold that very object."""
    regions: list[tuple[Mask | None, list[int]]] = []
    for k, mask in enumerate(masks):
        members = next((members for where, members in regions if where is mask), None)
        if members is None:
            regions.append((mask, [k]))
        else:
            members.append(k)
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
