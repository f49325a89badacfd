"""Shows a run: files of its pictures, what is said of them, and how it ended."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, no_type_check

import gradio as gr
import pandas as pd

from neural_style.errors import NeuralStyleError
from neural_style.images.files import save_image
from neural_style.images.video import film_every, film_frame
from neural_style.messages import Message
from neural_style.record.checkpoint import save_state
from neural_style.run.frame import Frame
from neural_style.settings.settings import Settings
from neural_style.tensors import Mask
from neural_style.web.run import runs
from neural_style.web.run.cost import learn_speed
from neural_style.web.text import texts

_YIELD_SECONDS = 0.25
_PREVIEW_SECONDS = 0.5
_CHART_SECONDS = 1.5
_PREVIEW_KEPT_SECONDS = 10
"""A browser at the end of a slow line may still be fetching it."""

_PREVIEWS_LEFT = 3

_LEARN_SECONDS = 20
"""A shorter run is mostly loading, and tells nothing of the speed."""

Outputs = tuple[str | None, list[tuple[str, str]], str, pd.DataFrame | None, Any]
"""The picture, the gallery as (file, caption), the line above the picture, the losses by iteration,
and the run's folder, which stays on the server."""

Losses = dict[str, float]


class Told(NamedTuple):
    """What a run has told so far: files of its milestones, and losses by iteration."""

    milestones: list[tuple[str, int, Losses]]
    losses: list[tuple[int, Losses]]

    @classmethod
    def by(cls, end: dict[str, Any] | None) -> Told:
        """What the run with this end has told."""
        if end is None:
            return cls([], [])
        return cls(
            [(file, iteration, losses) for file, iteration, losses in end["milestones"]],
            [(iteration, losses) for iteration, losses in end["losses"]],
        )

    def gallery(self, language: str) -> list[tuple[str, str]]:
        """Files of the milestones, and what is said under each."""
        return [
            (file, texts.caption(iteration, losses, language))
            for file, iteration, losses in self.milestones
        ]

    def chart(self) -> pd.DataFrame | None:
        """A row for each term at each iteration; a term of zero has no logarithm."""
        rows = [
            (iteration, math.log10(value), term)
            for iteration, losses in self.losses
            for term, value in losses.items()
            if value > 0
        ]
        return pd.DataFrame(rows, columns=["iteration", "loss", "term"]) if rows else None


class Show:
    """One run before a visitor's eyes.

    Args:
        folder: The run's own.
        settings: What was asked for.
        before: How it ended, where it is to be continued.
    """

    def __init__(
        self, folder: Path, settings: Settings, language: str, before: dict[str, Any] | None = None
    ):
        self.folder = folder
        self.settings = settings
        self.language = language
        self.before = before
        self.told = Told.by(before)
        self.frame: Frame | None = None
        self.event: Message | None = None
        self.alpha: Mask | None = None
        self.at_rest = False

    def opening(self, key: str) -> Outputs:
        """What is shown until there is a frame, under the line of that key."""
        milestones = self.told.milestones
        latest = milestones[-1][0] if milestones else None
        gallery = self.told.gallery(self.language)
        line = texts.say(key, self.language)
        return latest, gallery, line, self.told.chart(), str(self.folder)

    def frames(self, frames: Iterator[Frame], alpha: Mask | None) -> Iterator[Outputs]:
        """Writes each milestone once, between them a cheap preview now and then; yields at every
        step.

        A step shorter than a quarter of a second shares its yield with the next. Only at a yield
        can a Stop or a closed tab reach the run. The last picture is as opaque as the content.
        """
        self.alpha = alpha
        previews: deque[tuple[float, Path]] = deque()
        yielded = shown = charted = 0.0
        chart = self.told.chart()
        film = film_every(self.settings.iterations)
        try:
            for frame in frames:
                self.frame, now = frame, time.monotonic()
                self.event = frame.events[-1] if frame.events else self.event
                if frame.iteration % film == 0:
                    self.told.losses.append((frame.iteration, frame.losses))
                if frame.iteration % film == 0 and frame.iteration < self.settings.iterations:
                    save_image(
                        film_frame(frame.image), self.folder / f"film-{frame.iteration:06d}.jpg"
                    )
                if frame.milestone:
                    picture = self._keep(frame)
                    shown = now
                elif now - shown >= _PREVIEW_SECONDS:
                    picture = self.folder / f"preview-{frame.iteration:06d}.jpg"
                    save_image(frame.image, picture)
                    previews.append((now, picture))
                    shown = now
                elif now - yielded < _YIELD_SECONDS and not frame.scale_ends:
                    continue
                while previews and now - previews[0][0] > _PREVIEW_KEPT_SECONDS:
                    previews.popleft()[1].unlink(missing_ok=True)
                if now - charted >= _CHART_SECONDS or frame.iteration == self.settings.iterations:
                    chart, charted = self.told.chart(), now
                yielded = now
                gallery = self.told.gallery(self.language)
                self.at_rest = True
                yield str(picture), gallery, self._line(), chart, str(self.folder)
                self.at_rest = False
            self.at_rest = True
        finally:
            while len(previews) > _PREVIEWS_LEFT:
                previews.popleft()[1].unlink(missing_ok=True)

    def end(self) -> None:
        """Keeps the picture reached, and the state to go on from; tells who waits for it.

        A Stop closes a run on the server's event loop, where a state of half a gigabyte would keep
        everybody waiting: there a thread of its own does this.
        """
        if _on_an_event_loop():
            runs.finish_elsewhere(self.folder, self._end)
        else:
            self._end()

    def _end(self) -> None:
        """Where that cannot be kept, this is what is told: the visitor may have gone already."""
        end = self.before or {
            "picture": None,
            "line": texts.say("stopped_early", self.language),
        }
        try:
            if self.frame is not None:
                end = self._reached(self.frame)
        except NeuralStyleError as error:
            end = end | {"line": texts.failed(error.message, self.language)}
        runs.write_end(self.folder, end)

    def _reached(self, frame: Frame) -> dict[str, Any]:
        """What `end` keeps of the last frame."""
        goal = self.settings.iterations
        known = [iteration for _, iteration, _ in self.told.milestones]
        picture = self._file(frame) if frame.iteration in known else self._keep(frame)
        state = runs.state_file(self.folder)
        state.unlink(missing_ok=True)
        if self.at_rest:  # not torn out of a step by an error
            # A full disk, or memory, costs no more than Continue.
            with suppress(NeuralStyleError, RuntimeError):
                save_state(frame.state(), state)
                runs.sweep_states()
        if frame.iteration == goal and self.before is None and frame.seconds > _LEARN_SECONDS:
            learn_speed(self.settings, tuple(frame.image.shape[-2:]), frame.seconds)
        return {
            "picture": str(picture),
            "line": self._line(ended=True),
            "iteration": frame.iteration,
            "planned": goal,
            "size": max(frame.image.shape[-2:]),
            "milestones": self.told.milestones,
            "losses": self.told.losses,
        }

    def _keep(self, frame: Frame) -> Path:
        """The frame among the milestones, losslessly, with its recipe."""
        ended = frame.iteration == self.settings.iterations
        picture = save_image(
            frame.image, self._file(frame), frame.recipe, alpha=self.alpha if ended else None
        )
        self.told.milestones.append((str(picture), frame.iteration, frame.losses))
        return picture

    def _file(self, frame: Frame) -> Path:
        return self.folder / f"stylized-{frame.iteration:06d}.png"

    def _line(self, *, ended: bool = False) -> str:
        frame, goal = self.frame, self.settings.iterations
        height, width = frame.image.shape[-2:]
        if frame.iteration == goal:
            return texts.done(goal, frame.losses, frame.seconds, frame.note, self.language)
        if ended:
            size = (height, width)
            return texts.stopped(frame.iteration, goal, size, frame.losses, self.language)
        return texts.running(
            frame.iteration,
            goal,
            (height, width),
            frame.scale,
            frame.losses,
            frame.seconds_left,
            self._happening(frame),
            self.language,
        )

    def _happening(self, frame: Frame) -> Message:
        """What is going on: a look at the next size, what the guard did last, or with what it
        works."""
        scale, scales = frame.scale
        if frame.scale_ends:
            return Message("next_size", scale=scale + 1, scales=scales)
        return self.event or frame.note


def on_the_page(handler: Callable[..., Iterator[Outputs]]) -> Callable[..., Iterator[tuple]]:
    """The handler for a page that shows something already: until it has a picture, and where it is
    refused, that stays, and only the line changes.

    After the run that is shown it yields the one that was begun, which may never be shown.
    """

    @no_type_check  # a checker's wrapper would be no generator function to Gradio
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[tuple]:
        with closing(handler(*arguments)) as results:
            for picture, gallery, line, chart, folder in results:
                if picture is None:
                    yield gr.skip(), gr.skip(), line, gr.skip(), gr.skip(), folder
                else:
                    yield picture, gallery, line, chart, folder, folder

    return run


def _on_an_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
