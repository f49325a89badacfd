"""The temporal term of a film: distance between the canvas and the last result, moved along.

Ruder, Dosovitskiy and Brox, *Artistic Style Transfer for Videos* (arXiv 1604.08610), eq. 7.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from neural_style.network.strips import Sums
from neural_style.objective.losses import masked_mean_square
from neural_style.tensors import FeatureMap, ImageTensor, Mask, Scalar


class TemporalTerm(NamedTuple):
    """Mean squared difference from a picture where it is trusted. It needs no layer.

    Attributes:
        weight: Weight of the term.
        expected: The last result, moved to this frame, at the size of the canvas.
        trust: How much each pixel counts.
    """

    weight: float
    expected: ImageTensor
    trust: Mask

    @property
    def layers(self) -> Collection[str]:
        return ()

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        return features, {}

    def judge(
        self, sums: dict[str, Sums], image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        loss = self.weight * masked_mean_square(image - self.expected, self.trust)
        return {"temporal": loss}, loss
