"""The smoothness term: total variation of the pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neural_style.objective.terms import LayerSums, PixelTerm
from neural_style.tensors import ImageTensor, Scalar


@dataclass(frozen=True)
class VariationTerm(PixelTerm):
    """Total variation of the canvas.

    Attributes:
        weight: Weight of the term.
        roughness: One of `losses.TV_FORMS`.
    """

    weight: float
    roughness: Callable[[ImageTensor], Scalar]

    def judge(
        self, sums: LayerSums, image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        loss = self.weight * self.roughness(image)
        return {"tv": loss}, loss
