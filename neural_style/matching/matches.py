"""The style term by matches: each place of the canvas resembles one place of a style.

Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich, *Neural Neighbor Style Transfer* (arXiv
2203.13215). Unlike there, each layer has a cosine of its own, so that the loss is a sum over places
and strips are exact.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.matching.places import Axis
from neural_style.network.autograd import sample_positions
from neural_style.network.strips import Sums
from neural_style.tensors import FeatureMap, ImageTensor, Scalar


class LayerTargets(NamedTuple):
    """What the places of one layer are to resemble.

    Attributes:
        down, across: Which rows and columns of the map are places.
        directions: Unit vectors, places down × across × channels.
        centers: Subtracted from the activations first, styles × channels; None for nothing.
        owners: Place → which style it is to resemble; None where there is one style.
        weights: Place → how much it counts, in [0, 1]; None where all count fully.
        floor: Below this length a vector of activations has no direction to speak of.
    """

    down: Axis
    across: Axis
    directions: Tensor
    centers: Tensor | None
    owners: Tensor | None
    weights: Tensor | None
    floor: Scalar


class MatchesTerm(NamedTuple):
    """Mean over places of 1 − cosine(activations of the canvas, those of the matched style place).

    0 where every place points the way its match does, 1 where it is as far off as nothing at all.

    Attributes:
        weight: Of the term.
        shares: Layer → its share of the term; their sum does not count.
        targets: By layer.
        names: Of the losses, one for each style.
    """

    weight: float
    shares: dict[str, float]
    targets: dict[str, LayerTargets]
    names: list[str]

    @property
    def layers(self) -> Collection[str]:
        return self.targets.keys()

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        target = self.targets[layer]
        rows, places = target.down.within(where.start, where.stop)
        rows = slice(inside.start + rows.start, inside.stop, rows.step)
        columns = slice(target.across.first, None, target.across.step)
        features, sampled = sample_positions(features, rows, columns)
        off = _differences(sampled[0].permute(1, 2, 0), target, places)
        if target.weights is not None:
            off = off * target.weights[places]
        if target.owners is None:
            return features, {"off": off.sum()[None]}
        owners = target.owners[places]
        numbers = torch.arange(len(self.names), device=owners.device)
        return features, {"off": (off[..., None] * (owners[..., None] == numbers)).sum((0, 1))}

    def judge(
        self, sums: dict[str, Sums], image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        whole = sum(self.shares[layer] for layer in self.targets)
        means = sum(
            self.shares[layer]
            / whole
            * sums[layer]["off"]
            / (target.down.count * target.across.count)
            for layer, target in self.targets.items()
        )
        losses = dict(zip(self.names, self.weight * means, strict=True))
        return losses, sum(losses.values())


def _differences(sampled: Tensor, target: LayerTargets, places: slice) -> Tensor:
    """1 − cosine at each place, in float32 at least."""
    kind = torch.promote_types(sampled.dtype, torch.float32)
    vectors = sampled.to(kind)
    if target.centers is not None:
        owners = target.owners
        vectors = vectors - (
            target.centers[0] if owners is None else target.centers[owners[places]]
        )
    length = (vectors.square().sum(2) + target.floor.square()).sqrt()
    return 1 - (vectors * target.directions[places]).sum(2) / length
