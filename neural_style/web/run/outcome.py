"""Progress and outcome of a run, and the texts shown for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from neural_style.messages import Message
from neural_style.web.run import status
from neural_style.web.run.addresses import picture_path
from neural_style.web.run.status import Status
from neural_style.web.text import texts


@dataclass(frozen=True)
class LossPoint:
    """The weighted losses by term at one iteration."""

    iteration: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Progress:
    """Milestones and losses of a run so far.

    Attributes:
        milestones: The iterations whose pictures are stored, with their losses.
        losses: The points of the chart.
    """

    milestones: tuple[LossPoint, ...] = ()
    losses: tuple[LossPoint, ...] = ()

    def with_milestone(self, point: LossPoint) -> Progress:
        """A copy with one more milestone."""
        return replace(self, milestones=(*self.milestones, point))

    def with_losses(self, point: LossPoint) -> Progress:
        """A copy with one more point of the chart."""
        return replace(self, losses=(*self.losses, point))

    def gallery(self, run: Path, language: str) -> list[tuple[str, str]]:
        """Path and caption of the picture of each of the run's milestones."""
        return [
            (
                str(picture_path(run, point.iteration)),
                texts.caption(point.iteration, language),
            )
            for point in self.milestones
        ]

    def chart(self, language: str) -> pd.DataFrame | None:
        """Base-10 logarithms of the losses, a row for each term and iteration; None if empty.

        Losses that are zero or not finite are left out.
        """
        rows = [
            (point.iteration, math.log10(value), texts.loss_name(term, language))
            for point in self.losses
            for term, value in point.losses.items()
            if 0 < value < math.inf
        ]
        return pd.DataFrame(rows, columns=["iteration", "loss", "term"]) if rows else None


@dataclass(frozen=True)
class LastPicture:
    """The last picture of a run.

    Attributes:
        iteration: Its iteration.
        planned: Iterations of the whole run.
        seconds: Duration of the run; of a continued one, of all its parts.
        note: Source of the network's weights and the memory plan.
    """

    iteration: int
    planned: int
    height: int
    width: int
    seconds: float
    losses: dict[str, float]
    note: Message

    def status(self, language: str) -> Status:
        """The status of a run that ended with this picture."""
        size = (self.height, self.width)
        if self.iteration == self.planned:
            return status.done(self.planned, size, self.losses, self.seconds, self.note, language)
        return status.stopped(self.iteration, self.planned, size, self.losses, language)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        last_picture: None if the run ended before its first picture.
        failure: The error that ended the run; None if it was completed or stopped.
    """

    last_picture: LastPicture | None = None
    progress: Progress = Progress()
    failure: Message | None = None

    def status(self, language: str) -> Status:
        """The status of the ended run."""
        if self.failure is not None:
            return status.failed(self.failure, language)
        if self.last_picture is None:
            return status.stopped_early(language)
        return self.last_picture.status(language)
