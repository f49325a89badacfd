"""Guides: masks resized to each layer, and moments weighted by them."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch.nn.functional import interpolate

from neural_style.network.autograd import gram_of_rows
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, visit_features
from neural_style.objective.losses import channel_totals
from neural_style.objective.statistics import Moments, average
from neural_style.tensors import FeatureMap, FeatureVector, GramMatrix, ImageTensor, Mask

Guide = dict[str, Mask]
"""Layer → mask at the size of its feature map."""


def make_guide(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    mask: Mask,
    layers: Collection[str],
) -> Guide:
    """The mask averaged over the area of each position of a layer.

    Args:
        image: A picture of the size that the network is given.
        mask: Of any size; it is stretched over the whole picture.
    """
    sizes = {}

    def visit(layer: str, features: FeatureMap, rows: slice) -> None:
        sizes[layer] = rows.stop, features.shape[3]

    visit_features(network, segments, torch.zeros_like(image), layers, visit)
    return {layer: interpolate(mask, size, mode="area") for layer, size in sizes.items()}


def sum_up(
    features: FeatureMap, weights: Mask | None, with_mean: bool
) -> tuple[GramMatrix, FeatureVector | None]:
    """Channel products and totals over positions, each weighted by its squared guide.

    Guided Gram matrices: Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer*
    (arXiv 1611.07865), which multiplies the activations by the guide.

    Args:
        weights: The guide at these positions; None for 1 everywhere.
        with_mean: Whether to compute the totals; otherwise they are None.
    """
    if weights is None:
        return _products(features), channel_totals(features) if with_mean else None
    weights = weights.to(features.dtype)
    guided = features * weights
    return _products(guided), channel_totals(guided * weights) if with_mean else None


def _products(features: FeatureMap) -> GramMatrix:
    """`channel_products`, whose backward pass multiplies once instead of twice."""
    return gram_of_rows(features, slice(0, features.shape[2]))[1]


def count(weights: Mask, channels: int, dtype: torch.dtype) -> float:
    """Channels × squared guide, summed over positions: the number of elements for `average`.

    Args:
        dtype: Precision of the activations, to which `sum_up` rounds the guide.
    """
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
    """A style's moments by layer, over its whole picture or within the mask."""
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

    visit_features(network, segments, image, layers, visit)
    return {layer: average(products[layer], totals.get(layer), elements[layer]) for layer in layers}
