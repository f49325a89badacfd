"""The smoothness term: total variation of the pixels."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from neural_style.network.strips import Sums
from neural_style.tensors import FeatureMap, ImageTensor, Scalar


class VariationTerm(NamedTuple):
    """Total variation of the canvas. It needs no layer of the network.

    Attributes:
        weight: Weight of the term.
        roughness: One of `losses.TV_FORMS`.
    """

    weight: float
    roughness: Callable[[ImageTensor], Scalar]

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
        loss = self.weight * self.roughness(image)
        return {"tv": loss}, loss
