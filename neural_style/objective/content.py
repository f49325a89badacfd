"""The content term: distance between the activations of the canvas and of the content image."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from neural_style.network.autograd import slice_rows
from neural_style.network.strips import Sums
from neural_style.objective.losses import squared_distance
from neural_style.objective.terms import LayerSums
from neural_style.tensors import FeatureMap, ImageTensor, Scalar


class ContentTerm(NamedTuple):
    """Mean squared distance to the content's activations, layer by layer.

    Gatys et al., arXiv 1508.06576, eq. 1, in the units of the loss.

    Attributes:
        weight: Weight of the term.
        shares: Layer → its share of the term.
        targets: Layer → activations of the content image.
        units: Layer → divisor of its mean squared distance.
    """

    weight: float
    shares: dict[str, float]
    targets: dict[str, FeatureMap]
    units: dict[str, Scalar | float]

    @property
    def layers(self) -> Collection[str]:
        return self.shares.keys()

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        target = self.targets[layer][:, :, where]
        return features, {"squares": squared_distance(slice_rows(features, inside), target)}

    def judge(
        self, sums: LayerSums, image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        loss = self.weight * sum(
            share / self.units[layer] * sums[layer]["squares"] / self.targets[layer].numel()
            for layer, share in self.shares.items()
        )
        return {"content": loss}, loss
