"""The objective: a list of terms, and its exact gradient, strip by strip."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from neural_style.images.masks import keep_content
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, Sums, evaluate
from neural_style.tensors import FeatureMap, ImageTensor, Mask, Scalar

LayerSums = dict[str, Sums]
"""Layer → sums of one term, by names that the term chooses."""


@runtime_checkable  # for the tests' checks of types
class Term(Protocol):
    """One term of the objective: sums over positions of each strip, and losses from the sums.

    Everything that a term reads from the activations must be a sum over positions. Then strips add
    up to the whole picture, whatever function of the sums the loss is.

    Attributes:
        layers: Layers whose activations the term reads; empty for a term of the pixels alone.
    """

    @property
    def layers(self) -> Collection[str]: ...

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        """The features for the next layer, and this strip's share of the term's sums.

        Args:
            layer: One of `layers`.
            features: Activations of the strip with its margins.
            inside: Rows of `features` that belong to the strip.
            where: The same rows, counted in the map of the whole picture.
        """

    def judge(
        self, sums: LayerSums, image: ImageTensor, eased: bool
    ) -> tuple[dict[str, Scalar], Scalar]:
        """The weighted losses by the names that users see, and the scalar to differentiate.

        The scalar is the sum of the losses. With `eased`, a term may return a preconditioned one
        instead.
        """


class PixelTerm:
    """What the terms of the pixels alone have in common: they read no activations."""

    layers: Collection[str] = ()

    def measure(
        self, layer: str, features: FeatureMap, inside: slice, where: slice
    ) -> tuple[FeatureMap, Sums]:
        return features, {}


@dataclass(frozen=True)
class Objective:
    """The sum of the terms, with its gradient at a picture.

    Attributes:
        segments: The network as `cut_network` cuts it, down to the deepest layer of any term.
        content: At the size of the canvas; used where `keep` is set.
        keep: Where the content's pixels replace the canvas's.
        gray: Whether to average the gradient over the channels, so that a gray canvas stays gray.
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
            with_gradient: Whether to compute the gradient; otherwise it is zero and costs nothing.
            eased: Whether the gradient is that of the eased terms (`Term.judge`).
        """
        losses, gradient = evaluate(
            self.network,
            self.segments,
            {layer for term in self.terms for layer in term.layers},
            self._measure,
            partial(self._judge, eased),
            keep_content(self.keep, self.content, image),
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
