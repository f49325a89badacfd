"""The style term by moments (Gram matrix, mean, covariance) for one region of the canvas."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from neural_style.network.autograd import gram_of_rows, slice_rows
from neural_style.network.strips import Sums
from neural_style.objective.guides import Guide, sum_up
from neural_style.objective.losses import Axes, eased_style_loss, principal_axes
from neural_style.objective.statistics import Moments, Statistic, average
from neural_style.objective.terms import LayerSums
from neural_style.tensors import FeatureMap, ImageTensor, Scalar


@dataclass(frozen=True)
class MomentsTerm:
    """Distance between the moments of the canvas and those of one region's styles.

    Attributes:
        weight: Weight of the whole style term.
        shares: Layer → its share of the term.
        statistic: How moments are compared.
        guide: Layer → mask of the region; empty for the whole canvas.
        elements: Layer → channels × positions, weighted by the guide (`guides.count`).
        styles: Name of the loss → the style's moments by layer, and its share of the term.
        mixed: Layer → mean of the styles' moments, weighted by their shares.
        units: Layer → divisor of its loss.
    """

    weight: float
    shares: dict[str, float]
    statistic: Statistic
    guide: Guide
    elements: dict[str, float]
    styles: dict[str, tuple[dict[str, Moments], float]]
    mixed: dict[str, Moments]
    units: dict[str, Scalar | float]
    _axes: dict[str, Axes] = field(default_factory=dict, compare=False)

    @property
    def layers(self) -> Collection[str]:
        return self.shares.keys()

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        if not (self.guide or self.statistic.needs_mean):
            features, products = gram_of_rows(features, inside)
            return features, {"products": products}
        weights = self.guide[layer][:, :, where] if self.guide else None
        products, totals = sum_up(slice_rows(features, inside), weights, self.statistic.needs_mean)
        return features, {"products": products} | ({} if totals is None else {"totals": totals})

    def judge(
        self, sums: LayerSums, image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        seen = {
            layer: average(found["products"], found.get("totals"), self.elements[layer])
            for layer, found in sums.items()
        }
        losses = {
            name: share * self._loss(seen, target, self._plain)
            for name, (target, share) in self.styles.items()
        }
        if not (eased and self.statistic.matrix):
            return losses, sum(losses.values())
        whole = sum(share for _, share in self.styles.values())
        return losses, whole * self._loss(seen, self.mixed, self._eased)

    def _loss(
        self,
        seen: dict[str, Moments],
        target: dict[str, Moments],
        compare: Callable[[str, Moments, Moments], Scalar],
    ) -> Scalar:
        return self.weight * sum(
            share / self.units[layer] * compare(layer, seen[layer], target[layer])
            for layer, share in self.shares.items()
        )

    def _plain(self, layer: str, seen: Moments, target: Moments) -> Scalar:
        return self.statistic.loss(seen, target)

    def _eased(self, layer: str, seen: Moments, target: Moments) -> Scalar:
        matrix = self.statistic.matrix
        if layer not in self._axes:
            self._axes[layer] = principal_axes(matrix(self.mixed[layer]))
        return eased_style_loss(matrix(seen), matrix(target), self._axes[layer])
