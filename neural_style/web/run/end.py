"""How far a run has come, and how it ended: what is kept of it, and what is said of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from neural_style.messages import Message
from neural_style.web.text import texts


@dataclass(frozen=True)
class Point:
    """The weighted losses by term at one iteration."""

    iteration: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Progress:
    """What a run has shown.

    Attributes:
        milestones: The iterations whose pictures are kept, with their losses.
        losses: Those of the chart.
    """

    milestones: tuple[Point, ...] = ()
    losses: tuple[Point, ...] = ()

    def with_milestone(self, point: Point) -> Progress:
        """This, and one more milestone."""
        return replace(self, milestones=(*self.milestones, point))

    def with_losses(self, point: Point) -> Progress:
        """This, and one more point of the chart."""
        return replace(self, losses=(*self.losses, point))

    def gallery(self, folder: Path, language: str) -> list[tuple[str, str]]:
        """Files of the milestones in the run's folder, and what is said under each."""
        return [
            (
                str(picture_of(folder, point.iteration)),
                texts.caption(point.iteration, point.losses, language),
            )
            for point in self.milestones
        ]

    def chart(self) -> pd.DataFrame | None:
        """A row for each term at each iteration; a term of zero has no logarithm."""
        rows = [
            (point.iteration, math.log10(value), term)
            for point in self.losses
            for term, value in point.losses.items()
            if 0 < value < math.inf
        ]
        return pd.DataFrame(rows, columns=["iteration", "loss", "term"]) if rows else None


@dataclass(frozen=True)
class Reached:
    """The last picture of a run, and what is known of it.

    Attributes:
        planned: Iterations that were asked for.
        note: Where the weights came from, and how memory was spared.
    """

    iteration: int
    planned: int
    height: int
    width: int
    seconds: float
    losses: dict[str, float]
    note: Message

    def line(self, language: str) -> str:
        """What is said above the picture."""
        if self.iteration == self.planned:
            return texts.done_status(self.planned, self.losses, self.seconds, self.note, language)
        size = (self.height, self.width)
        return texts.stopped_status(self.iteration, self.planned, size, self.losses, language)


@dataclass(frozen=True)
class End:
    """How a run ended.

    Attributes:
        reached: Its last picture; None where it ended before there was one.
        failure: What went wrong; None where it came to its end or was stopped.
    """

    reached: Reached | None = None
    progress: Progress = Progress()
    failure: Message | None = None

    def line(self, language: str) -> str:
        """What is said of it."""
        if self.failure is not None:
            return texts.failure_status(self.failure, language)
        if self.reached is None:
            return texts.translate("stopped_early", language)
        return self.reached.line(language)


def picture_of(folder: Path, iteration: int) -> Path:
    """The file of a kept picture, lossless and with its recipe, in the run's folder."""
    return folder / f"stylized-{iteration:06d}.png"
