"""Shows a run: files of its pictures, what is said of them, and how it ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from neural_style.devices import memory_is_exhausted
from neural_style.errors import FileError, NeuralStyleError
from neural_style.images.files import save_image
from neural_style.images.video import film_every, film_frame
from neural_style.messages import Message
from neural_style.record.checkpoint import save_state
from neural_style.run.frame import Frame
from neural_style.settings.settings import Settings
from neural_style.tensors import Mask
from neural_style.web.run import runs
from neural_style.web.run.cost import learn_speed
from neural_style.web.run.end import End, Point, Progress, Reached, picture_of
from neural_style.web.text import texts

_YIELD_SECONDS = 0.25
_PREVIEW_SECONDS = 0.5
_CHART_SECONDS = 1.5
_PREVIEW_KEPT_SECONDS = 10
"""A browser at the end of a slow line may still be fetching it."""

_PREVIEWS_LEFT = 3

_LEARN_SECONDS = 20
"""A shorter run is mostly loading, and tells nothing of the speed."""


@dataclass(frozen=True)
class Outputs:
    """What is shown of a run at one moment.

    Attributes:
        picture: A file; None until there is one.
        gallery: Files of the milestones, and what is said under each.
        line: Above the picture.
        chart: The losses by iteration.
        run: The run's folder, which stays on the server; None where it does not change.
    """

    picture: str | None
    gallery: list[tuple[str, str]]
    line: str
    chart: pd.DataFrame | None
    run: str | None


class Show:
    """One run before a visitor's eyes.

    Args:
        folder: The run's own.
        settings: What was asked for.
        before: How it ended, where it is to be continued.

    Attributes:
        failure: What went wrong, if something did; `end` keeps it.
        ending: The thread in which `end` keeps what was reached, where it needs one.
    """

    def __init__(self, folder: Path, settings: Settings, language: str, before: End | None = None):
        self.folder = folder
        self.settings = settings
        self.language = language
        self.before = before
        self.progress = before.progress if before else Progress()
        self.failure: Message | None = None
        self.ending: threading.Thread | None = None
        self.frame: Frame | None = None
        self.event: Message | None = None
        self.alpha: Mask | None = None
        self.at_rest = False

    def opening(self, key: str) -> Outputs:
        """What is shown until there is a frame, under the line of that key."""
        milestones = self.progress.milestones
        latest = picture_of(self.folder, milestones[-1].iteration) if milestones else None
        line = texts.translate(key, self.language)
        return self._outputs(latest, line, self.progress.chart())

    def frames(self, frames: Iterator[Frame], alpha: Mask | None) -> Iterator[Outputs]:
        """Writes each milestone once, between them a cheap preview now and then; yields at every
        step.

        A step shorter than a quarter of a second shares its yield with the next. Only at a yield
        can a Stop or a closed tab reach the run. The last picture is as opaque as the content.
        """
        self.alpha = alpha
        previews: deque[tuple[float, Path]] = deque()
        yielded = shown = charted = 0.0
        chart = self.progress.chart()
        film = film_every(self.settings.iterations)
        try:
            for frame in frames:
                self.frame, now = frame, time.monotonic()
                self.event = frame.events[-1] if frame.events else self.event
                if frame.iteration % film == 0:
                    point = Point(frame.iteration, frame.losses)
                    self.progress = self.progress.with_losses(point)
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
                    chart, charted = self.progress.chart(), now
                yielded = now
                self.at_rest = True
                yield self._outputs(picture, self._line(frame), chart)
                self.at_rest = False
            self.at_rest = True
        finally:
            while len(previews) > _PREVIEWS_LEFT:
                previews.popleft()[1].unlink(missing_ok=True)

    def end(self) -> None:
        """Keeps how the run ended, its picture, and the state to go on from.

        A Stop closes a run on the server's event loop, where a state of half a gigabyte would keep
        everybody waiting: there a thread of its own does this.

        Raises:
            FileError: The end cannot be kept; in a thread nobody is left to be told.
        """
        if not _on_an_event_loop():
            self._end()
            return
        runs.announce_end(self.folder)
        self.ending = threading.Thread(target=self._end_unheard)
        self.ending.start()

    def _end_unheard(self) -> None:
        with suppress(FileError):
            self._end()

    def _end(self) -> None:
        """Whatever happens, the run has an end."""
        end = self.before or End()
        if self.failure is not None:
            end = replace(end, failure=self.failure)
        try:
            if self.frame is not None:
                end = self._reached(self.frame)
                self._keep_state(self.frame)
        except NeuralStyleError as error:
            end = replace(end, failure=error.message)
        finally:
            runs.write_end(self.folder, end)

    def _reached(self, frame: Frame) -> End:
        """The run's end with that frame, whose picture is among those that are kept."""
        if frame.iteration not in [one.iteration for one in self.progress.milestones]:
            self._keep(frame)
        if (
            frame.iteration == self.settings.iterations
            and self.before is None
            and frame.seconds > _LEARN_SECONDS
        ):
            learn_speed(self.settings, tuple(frame.image.shape[-2:]), frame.seconds)
        return End(self._place(frame), self.progress, self.failure)

    def _keep_state(self, frame: Frame) -> None:
        """Want of space on the disk, or of memory, costs no more than Continue."""
        state = runs.state_file(self.folder)
        state.unlink(missing_ok=True)
        if not self.at_rest:  # torn out of a step by an error
            return
        try:
            save_state(frame.state(), state)
            runs.sweep_states()
        except FileError:
            pass
        except (MemoryError, RuntimeError) as error:
            if not memory_is_exhausted(error):
                raise

    def _keep(self, frame: Frame) -> Path:
        """The frame among the milestones, losslessly, with its recipe."""
        ended = frame.iteration == self.settings.iterations
        picture = save_image(
            frame.image,
            picture_of(self.folder, frame.iteration),
            frame.recipe,
            alpha=self.alpha if ended else None,
        )
        self.progress = self.progress.with_milestone(Point(frame.iteration, frame.losses))
        return picture

    def _outputs(self, picture: Path | None, line: str, chart: pd.DataFrame | None) -> Outputs:
        gallery = self.progress.gallery(self.folder, self.language)
        return Outputs(picture and str(picture), gallery, line, chart, str(self.folder))

    def _place(self, frame: Frame) -> Reached:
        height, width = frame.image.shape[-2:]
        return Reached(
            iteration=frame.iteration,
            planned=self.settings.iterations,
            height=height,
            width=width,
            seconds=frame.seconds,
            losses=frame.losses,
            note=frame.note,
        )

    def _line(self, frame: Frame) -> str:
        goal = self.settings.iterations
        if frame.iteration == goal:
            return self._place(frame).line(self.language)
        return texts.running_status(
            frame.iteration,
            goal,
            tuple(frame.image.shape[-2:]),
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


def _on_an_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
