"""The temporal term of a film: distance between the canvas and the last result, moved along.

Ruder, Dosovitskiy and Brox, *Artistic Style Transfer for Videos* (arXiv 1604.08610), eq. 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from neural_style.objective.losses import masked_mean_square
from neural_style.objective.terms import LayerSums, PixelTerm
from neural_style.tensors import ImageTensor, Mask, Scalar


@dataclass(frozen=True)
class TemporalTerm(PixelTerm):
    """Mean squared difference from a picture where it is trusted.

    Attributes:
        weight: Weight of the term.
        expected: The last result, moved to this frame, at the size of the canvas.
        trust: How much each pixel counts.
    """

    weight: float
    expected: ImageTensor
    trust: Mask

    def judge(
        self, sums: LayerSums, image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        loss = self.weight * masked_mean_square(image - self.expected, self.trust)
        return {"temporal": loss}, loss
