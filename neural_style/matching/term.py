"""The style term by matches: cosine distance of each canvas position to its matched style position.

Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich, *Neural Neighbor Style Transfer* (arXiv
2203.13215). Unlike there, each layer has a cosine of its own, so that the loss is a sum over
positions and strips are exact.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.matching.sampling import Axis
from neural_style.network.autograd import sample_positions
from neural_style.network.strips import Sums
from neural_style.tensors import FeatureMap, ImageTensor, Scalar


class LayerTargets(NamedTuple):
    """Targets for the sampled positions of one layer.

    Attributes:
        down, across: Sampled rows and columns of the map.
        directions: Unit vectors, positions down × across × channels.
        centers: Subtracted from the activations first, styles × channels; None for nothing.
        owners: Index of each position's style; None where there is one style.
        weights: Weight of each position, in [0, 1]; None for 1 everywhere.
        floor: Added in quadrature to the length of an activation vector, against division by 0.
    """

    down: Axis
    across: Axis
    directions: Tensor
    centers: Tensor | None
    owners: Tensor | None
    weights: Tensor | None
    floor: Scalar


class MatchesTerm(NamedTuple):
    """Mean over positions of 1 − cosine(activations of the canvas, activations of the match).

    It is 0 where each activation vector points in the direction of its match, and 1 for a canvas
    without activations.

    Attributes:
        weight: Weight of the term.
        shares: Layer → its share of the term, before they are normalized.
        targets: Layer → its targets.
        names: Names of the losses, one for each style.
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
        off = cosine_distances(sampled[0].permute(1, 2, 0), target, places)
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


def cosine_distances(sampled: Tensor, target: LayerTargets, places: slice) -> Tensor:
    """1 − cosine at each position, in float32 or wider.

    Args:
        sampled: Activations, positions down × across × channels.
        places: Which of the target's rows these are.
    """
    kind = torch.promote_types(sampled.dtype, torch.float32)
    vectors = sampled.to(kind)
    if target.centers is not None:
        owners = target.owners
        vectors = vectors - (
            target.centers[0] if owners is None else target.centers[owners[places]]
        )
    length = (vectors.square().sum(2) + target.floor.square()).sqrt()
    return 1 - (vectors * target.directions[places]).sum(2) / length
