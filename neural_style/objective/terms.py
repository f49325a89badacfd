"""The objective as a list of terms, and its exact gradient, strip by strip."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from neural_style.images.masks import leave
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, Sums, evaluate
from neural_style.tensors import FeatureMap, ImageTensor, Mask, Scalar

LayerSums = dict[str, Sums]
"""Layer → what one term has summed up there, by the term's own names."""


@runtime_checkable  # for the tests' checks of types
class Term(Protocol):
    """One part of the objective: what it sums up in each strip, and what it makes of the sums.

    Everything that a term reads of the activations must be a sum over positions. Then strips add
    up to the whole picture, whatever the term makes of the sums.

    Attributes:
        layers: Layers whose activations the term needs; none where the picture alone counts.
    """

    @property
    def layers(self) -> Collection[str]: ...

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        """The features for whatever comes next, and this strip's share of the term's sums.

        Args:
            layer: One of `layers`.
            features: Activations of the strip with its margins.
            inside: Rows of `features` that belong to the strip.
            where: The same rows, counted in the map of the whole picture.
        """

    def judge(
        self, sums: LayerSums, image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        """The weighted losses by the names that users see, and the scalar to be differentiated.

        The scalar is the sum of the losses, unless `eased` asks for a gentler one and the term has
        it.
        """


@dataclass(frozen=True)
class Objective:
    """The sum of the terms, with its gradient at a picture.

    Attributes:
        segments: How a picture passes through the network (`cut_network`), down to the deepest
            layer of any term.
        content: At the size of the canvas; read where `keep` is set.
        keep: Where the content's pixels take the place of the canvas's.
        gray: The gradient is averaged over the channels, so that a gray canvas stays gray.
    """

    network: Network
    segments: Segments
    terms: Sequence[Term]
    content: ImageTensor
    keep: Mask | None = None
    gray: bool = False

    def __call__(
        self, image: ImageTensor, *, with_gradient: bool = True, eased: bool = False
    ) -> tuple[dict[str, Scalar], ImageTensor]:
        """The weighted losses by name, and the gradient of their sum.

        Args:
            with_gradient: Otherwise the gradient is zero and costs nothing.
            eased: The gradient is that of the eased terms (`Term.judge`).
        """
        losses, gradient = evaluate(
            self.network,
            self.segments,
            {layer for term in self.terms for layer in term.layers},
            self._measure,
            partial(self._judge, eased),
            leave(self.keep, self.content, image),
            with_gradient=with_gradient,
        )
        if self.keep is not None:
            gradient = gradient * (1 - self.keep)
        if self.gray:
            gradient = gradient.mean(1, keepdim=True).expand_as(gradient)
        return losses, gradient

    def _measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        sums: Sums = {}
        for number, term in enumerate(self.terms):
            if layer in term.layers:
                features, found = term.measure(layer, features, inside, where)
                sums |= {(number, layer, name): value for name, value in found.items()}
        return features, sums

    def _judge(
        self, eased: bool, sums: Sums, image: ImageTensor
    ) -> tuple[dict[str, Scalar], Scalar]:
        losses: dict[str, Scalar] = {}
        pulls = []
        for number, term in enumerate(self.terms):
            own: LayerSums = {layer: {} for layer in term.layers}
            for (owner, layer, name), value in sums.items():
                if owner == number:
                    own[layer][name] = value
            found, pull = term.judge(own, image, eased)
            losses |= found
            pulls.append(pull)
        return losses, sum(pulls)
