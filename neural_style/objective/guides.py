"""Where a style is wanted on the canvas, and where it is taken from: masks, seen by each layer."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch.nn.functional import interpolate

from neural_style.network.autograd import gram_of_rows
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, survey
from neural_style.objective.losses import channel_totals
from neural_style.objective.statistics import Moments, average
from neural_style.tensors import FeatureMap, FeatureVector, GramMatrix, ImageTensor, Mask

Guide = dict[str, Mask]
"""A mask at the size of each layer."""


def make_guide(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    mask: Mask,
    layers: Collection[str],
) -> Guide:
    """The mask averaged over what each position of a layer stands for, at most 1.

    Args:
        image: Of the size that is looked at.
        mask: Of any size; the whole of it lies over the whole of the picture.
    """
    sizes = {}

    def visit(layer: str, features: FeatureMap, rows: slice) -> None:
        sizes[layer] = rows.stop, features.shape[3]

    survey(network, segments, torch.zeros_like(image), layers, visit)
    return {layer: interpolate(mask, size, mode="area") for layer, size in sizes.items()}


def sum_up(
    features: FeatureMap, weights: Mask | None, with_mean: bool
) -> tuple[GramMatrix, FeatureVector | None]:
    """Channels' products and totals; each position counted by its squared weight, if there are any.

    Guided Gram matrices: Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer*
    (arXiv 1611.07865), where activations are multiplied by the guide.

    Args:
        weights: Of these positions.
        with_mean: Otherwise there are no totals.
    """
    if weights is None:
        return _products(features), channel_totals(features) if with_mean else None
    weights = weights.to(features.dtype)
    guided = features * weights
    return _products(guided), channel_totals(guided * weights) if with_mean else None


def _products(features: FeatureMap) -> GramMatrix:
    """`channel_products`, at one product on the way back where the general rule makes two."""
    return gram_of_rows(features, slice(0, features.shape[2]))[1]


def count(weights: Mask, channels: int, dtype: torch.dtype) -> float:
    """Channels × positions, as `sum_up` counts them of activations of that type."""
    area = weights.to(dtype).double().square().sum().item()
    return channels * max(area, _LEAST_AREA)


_LEAST_AREA = 1e-6


def picture_moments(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    mask: Mask | None,
    layers: Collection[str],
    with_mean: bool,
) -> dict[str, Moments]:
    """A style's moments, over all of its picture or where the mask has it."""
    guide = make_guide(network, segments, image, mask, layers) if mask is not None else {}
    products: dict[str, GramMatrix] = {}
    totals: dict[str, FeatureVector] = {}
    elements: dict[str, float] = dict.fromkeys(layers, 0)

    def visit(layer: str, features: FeatureMap, rows: slice) -> None:
        weights = guide[layer][:, :, rows] if guide else None
        products_here, totals_here = sum_up(features, weights, with_mean)
        products[layer] = products.get(layer, 0) + products_here
        if with_mean:
            totals[layer] = totals.get(layer, 0) + totals_here
        if guide:
            elements[layer] = count(guide[layer], features.shape[1], features.dtype)
        else:
            elements[layer] += features.numel()

    survey(network, segments, image, layers, visit)
    return {layer: average(products[layer], totals.get(layer), elements[layer]) for layer in layers}
