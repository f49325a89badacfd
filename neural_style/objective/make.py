"""Builds the objective from pictures: computes the targets once, then assembles the terms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, visit_features
from neural_style.objective.content import ContentTerm
from neural_style.objective.guides import count, make_guide, picture_moments
from neural_style.objective.losses import TV_FORMS, mean_square
from neural_style.objective.moments import MomentsTerm
from neural_style.objective.statistics import STATISTICS, Moments, Statistic, mix
from neural_style.objective.terms import Objective, Term
from neural_style.objective.variation import VariationTerm
from neural_style.tensors import FeatureMap, ImageTensor, Mask, Scalar

NEAREST = "nearest"
"""The statistic that compares positions with their nearest neighbors, not moments."""

STYLE_STATISTICS = (NEAREST, *STATISTICS)
"""All ways to compare styles."""


class LossConfig(NamedTuple):
    """The form and the weights of the terms.

    Attributes:
        content_layers, style_layers: Layer → its share of the term.
        content, style, tv: Weights of the terms.
        statistic: How styles are compared, one of `STYLE_STATISTICS`.
        tv_form: Form of total variation, a key of `TV_FORMS`.
        units: Unit of each layer's loss, a key of `UNITS`.
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
    """Functions from a layer's target to the number that its loss is divided by."""

    content: Callable[[FeatureMap], Scalar | float]
    style: Callable[[Statistic, Moments], Scalar | float]


UNITS = {
    # 1 is the loss of a canvas without activations.
    "relative": LossUnits(
        content=mean_square, style=lambda statistic, target: statistic.unit(target)
    ),
    # Plain means, in the units of the network's activations.
    "absolute": LossUnits(content=lambda target: 1.0, style=lambda statistic, target: 1.0),
    # ½ Σ (F − P)² and Σ (G − A)² / (4 C² M²) of Gatys et al., arXiv 1508.06576, eq. 1 and 4.
    "paper": LossUnits(
        content=lambda target: 2 / target.numel(),
        style=lambda statistic, target: 4 / len(target.products) ** 2,
    ),
}


class StyleTarget(NamedTuple):
    """A style image with its share of the style term and its masks.

    Attributes:
        image: Resized for the current canvas.
        share: Its share of the style term.
        where: Mask on the canvas; None for everywhere. Styles of one region share one mask object.
        part: Mask on the style image; None for all of it.
    """

    image: ImageTensor
    share: float
    where: Mask | None = None
    part: Mask | None = None


def make_objective(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[StyleTarget],
    loss_config: LossConfig,
    keep: Mask | None = None,
    *,
    matches: Term | None = None,
    temporal: Term | None = None,
    gray: bool = False,
) -> Objective:
    """The objective, with targets computed from the pictures.

    Each of several styles has a loss of its own, "style 1", "style 2", …: its share times the
    canvas's distance to it. For Gram matrices the gradients add up to that of the mean matrix.

    Args:
        segments: The network as `cut_network` cuts it, down to the deepest layer.
        content: At the size of the canvas.
        styles: At least one; ignored where `matches` is given.
        keep: Where the content's pixels replace the canvas's.
        matches: The style term of the statistic "nearest".
        temporal: The term that holds a film's frame to the last one.
        gray: Whether a gray canvas stays gray.
    """
    layers = loss_config.content_layers.keys() | loss_config.style_layers.keys()
    targets, elements = _features(network, segments, content, loss_config.content_layers, layers)
    unit = UNITS[loss_config.units].content
    units = {layer: unit(target) for layer, target in targets.items()}
    terms: list[Term] = [
        ContentTerm(loss_config.content, loss_config.content_layers, targets, units)
    ]
    if matches is None:
        terms += _moments_terms(network, segments, content, styles, loss_config, elements)
    else:
        terms.append(matches)
    terms.append(VariationTerm(loss_config.tv, TV_FORMS[loss_config.tv_form]))
    if temporal is not None:
        terms.append(temporal)
    return Objective(network, segments, terms, content, keep, gray)


def retarget(objective: Objective, before: Term, matches: Term) -> Objective:
    """The objective with a style term by matches in place of an earlier one; all else is kept.

    Args:
        before: The term of the objective that is replaced.
    """
    terms = [matches if term is before else term for term in objective.terms]
    return replace(objective, terms=terms)


def _moments_terms(
    network: Network,
    segments: Segments,
    content: ImageTensor,
    styles: Sequence[StyleTarget],
    loss_config: LossConfig,
    elements: dict[str, int],
) -> list[MomentsTerm]:
    """One term for each region of the canvas; styles of one region share one mask object."""
    statistic, layers = STATISTICS[loss_config.statistic], loss_config.style_layers
    unit = UNITS[loss_config.units].style
    terms = []
    for where, members in group_by_region([style.where for style in styles]):
        found = [
            _style_moments(network, segments, styles[k], layers, statistic.needs_mean)
            for k in members
        ]
        shares = [styles[k].share for k in members]
        whole = sum(shares)
        # Styles of share 0 are mixed equally; their losses are 0 anyway.
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
                weight=loss_config.style,
                shares=loss_config.style_layers,
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


def _style_moments(
    network: Network,
    segments: Segments,
    style: StyleTarget,
    layers: Collection[str],
    with_mean: bool,
) -> dict[str, Moments]:
    image, part = style.image, style.part
    return network.evaluations.once(
        ("moments", *segments, *layers, with_mean),
        (image, part),
        partial(picture_moments, network, segments, image, part, layers, with_mean),
    )


def style_names(count: int) -> list[str]:
    """Names of the style losses: "style", or "style 1", "style 2", …"""
    return ["style"] if count == 1 else [f"style {k + 1}" for k in range(count)]


def group_by_region(masks: Sequence[Mask | None]) -> list[tuple[Mask | None, list[int]]]:
    """Each distinct mask object, with its indices in `masks`."""
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
    """Activations of the `wanted` layers, and the number of elements of each of `layers`."""
    parts: dict[str, list[Tensor]] = {layer: [] for layer in wanted}
    elements: dict[str, int] = dict.fromkeys(layers, 0)

    def visit(layer: str, features: FeatureMap, rows: slice) -> None:
        elements[layer] += features.numel()
        if layer in parts:
            parts[layer].append(features.clone())

    visit_features(network, segments, image, layers, visit)
    return {layer: torch.cat(rows, dim=2) for layer, rows in parts.items()}, elements
