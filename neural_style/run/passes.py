"""Begins and resumes the passes of a run by matches: start picture and style term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from neural_style.images.files import resize
from neural_style.matching.indices import CellMatches, LayerMatches, pack_matches, unpack_matches
from neural_style.matching.inherit import EarlierMatches
from neural_style.matching.matcher import Matcher, make_matcher
from neural_style.matching.nearest import (
    make_matches_term,
    match_cells,
    match_layers,
    targets_of_cells,
    targets_of_layers,
)
from neural_style.matching.patches import blend, piece_together
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments
from neural_style.objective import LossConfig, StyleTarget, Term
from neural_style.plan.schedule import CELLS, Scale
from neural_style.run.previous import PreviousFrame
from neural_style.tensors import ImageTensor

_QUERY_HALF = 60.0
"""Style weight, in units of the content weight, at which the picture to match is half the current
canvas and half the content image. Chosen by looking."""

_MOST_OF_QUERY = 0.75
"""Largest share of the canvas in the picture to match; above it the content gets lost."""

_START_HALF = 5.0
"""Style weight, in units of the content weight, at which the start picture is half style patches.
Chosen by looking, so that weights from 1 to 200 go evenly from photograph to painting."""


class MatchedPass(NamedTuple):
    """A prepared pass by matches.

    Attributes:
        start: The picture before the first step.
        term: The style term.
        matcher: The styles at this size; the next pass of the same size reuses it.
        cells, layers: The matches; `layers` is None in a pass of stage `CELLS`.
    """

    start: ImageTensor
    term: Term
    matcher: Matcher
    cells: CellMatches
    layers: dict[str, LayerMatches] | None

    def state(self) -> dict[str, Any]:
        """The matches for a checkpoint."""
        return pack_matches(self.cells, self.layers)


def begin_pass(
    network: Network,
    segments: Segments,
    scale: Scale,
    content: ImageTensor,
    styles: Sequence[StyleTarget],
    loss_config: LossConfig,
    *,
    image: ImageTensor,
    before: MatchedPass | None,
    is_first: bool,
    pieced: bool,
    preference: float,
    seed: int,
    number: int,
    previous: PreviousFrame | None = None,
) -> MatchedPass:
    """Finds the matches of a pass and makes its start picture.

    Args:
        content: At the size of the pass.
        styles: Resized for this pass.
        image: Result of the previous pass, or the start picture of the run, of any size.
        before: The previous pass, whose matches are kept where they fit; None in the first pass.
        is_first: Whether this is the first pass of the run.
        pieced: Whether start pictures are made of style patches.
        preference, seed: As in `match_cells`.
        number: Index of the pass in the run.
        previous: The last frame of a film, whose matches are kept where they fit.
    """
    height, width = content.shape[-2:]
    if scale.stage != CELLS:
        generator = torch.Generator().manual_seed(_SEEDS * seed + number)
        matcher = before.matcher
        layers = match_layers(matcher, image, before.cells, generator)
        term = _term(matcher, before.cells, layers, loss_config)
        return MatchedPass(image, term, matcher, before.cells, layers)
    matcher = make_matcher(network, segments, (height, width), styles, loss_config.style_layers)
    strength = loss_config.style / max(loss_config.content, 1e-6)
    base = resize(image, height, width)
    query, earlier, last = content, None, previous and previous.followed()
    share = min(_MOST_OF_QUERY, strength / (strength + _QUERY_HALF))
    if previous is not None:
        query = torch.lerp(content, previous.over(content), share)
    elif not is_first:
        # Adds the content's detail that the previous size could not show.
        coarse = resize(content, *image.shape[-2:])
        painted = (base + content - resize(coarse, height, width)).clamp(0, 1)
        query = torch.lerp(content, painted, share)
        base = painted if pieced else base
    if before is not None:
        size = tuple(image.shape[-2:])
        earlier = EarlierMatches(before.cells, before.matcher.cell, size, before.matcher.sizes)
    cells = match_cells(matcher, query, preference, seed, earlier, last)
    if pieced:
        pictures = [style.image for style in styles]
        pieces = piece_together(height, width, pictures, cells, matcher.cell)
        base = blend(base, pieces, strength / (strength + _START_HALF), matcher.cover)
    return MatchedPass(base, _term(matcher, cells, None, loss_config), matcher, cells, None)


def resume_pass(
    network: Network,
    segments: Segments,
    stored: dict[str, Any],
    styles: Sequence[StyleTarget],
    loss_config: LossConfig,
    image: ImageTensor,
) -> MatchedPass:
    """An interrupted pass with the matches that it had.

    Args:
        stored: `MatchedPass.state()`, on the device.
        image: The canvas at the interruption.
    """
    size = tuple(image.shape[-2:])
    matcher = make_matcher(network, segments, size, styles, loss_config.style_layers)
    cells, layers = unpack_matches(stored)
    return MatchedPass(image, _term(matcher, cells, layers, loss_config), matcher, cells, layers)


_SEEDS = 1_000_003
"""Keeps the seeds of one run's passes apart from those of a run with the next seed."""


def _term(
    matcher: Matcher,
    cells: CellMatches,
    layers: dict[str, LayerMatches] | None,
    loss_config: LossConfig,
) -> Term:
    if layers is None:
        targets = targets_of_cells(matcher, cells)
    else:
        targets = targets_of_layers(matcher, layers)
    return make_matches_term(matcher, targets, loss_config.style)
