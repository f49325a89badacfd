"""A run as the page shows it: writes the files of its pictures and makes the outputs."""

from __future__ import annotations

import asyncio
import json
import logging
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
from neural_style.files import delete_file
from neural_style.images.files import save_image
from neural_style.images.video import film_every, film_frame
from neural_style.messages import Message
from neural_style.record.checkpoint import save_state
from neural_style.run.frame import Frame
from neural_style.settings.settings import Settings
from neural_style.tensors import Mask
from neural_style.web.run import runs, status
from neural_style.web.run.addresses import picture_path, served_file, served_folder
from neural_style.web.run.cleanup import delete_old_states
from neural_style.web.run.cost import record_speed
from neural_style.web.run.outcome import LastPicture, LossPoint, Outcome, Progress
from neural_style.web.run.status import Status

_LOGGER = logging.getLogger(__name__)

_YIELD_INTERVAL_SECONDS = 0.25
_PREVIEW_INTERVAL_SECONDS = 0.5
_CHART_INTERVAL_SECONDS = 1.5
_PREVIEW_RETENTION_SECONDS = 60
"""A program that reads the outputs more slowly than they come still asks for an older preview. What
is left at the end of a run, about 120 at most, is deleted with the run."""

_MIN_MEASURED_SECONDS = 2
"""A shorter run tells too little about the speed of the machine."""


@dataclass(frozen=True)
class Outputs:
    """The values of the output components at one moment of a run.

    Attributes:
        picture: Path of the picture; None until there is one.
        gallery: Path and caption of each milestone.
        chart: The losses by iteration.
        run: The run's private folder; None while the run waits, or where it was refused.
    """

    picture: str | None
    gallery: list[tuple[str, str]]
    status: Status
    chart: pd.DataFrame | None
    run: str | None


class RunView:
    """Makes the outputs of one run from its frames, and stores its outcome.

    Args:
        folder: The run's private folder.
        previous: The outcome so far of a run that is continued.

    Attributes:
        failure: The error that ended the run, stored by `finish`.
        finishing_thread: The thread in which `finish` stores the outcome, if it needs one.
        first_seconds: Time until the first frame, which is loading and compiling.
        between_steps: Whether the run is between two steps, so that its state is consistent.
    """

    def __init__(
        self, folder: Path, settings: Settings, language: str, previous: Outcome | None = None
    ):
        self.folder = folder
        self.settings = settings
        self.language = language
        self.previous = previous
        self.progress = previous.progress if previous else Progress()
        self.failure: Message | None = None
        self.finishing_thread: threading.Thread | None = None
        self.frame: Frame | None = None
        self.first_seconds = 0.0
        self.event: Message | None = None
        self.alpha: Mask | None = None
        self.between_steps = False
        self._began = time.monotonic()

    def preparing_outputs(self, key: str) -> Outputs:
        """The outputs before the first frame; `key` is that of the status's headline."""
        milestones = self.progress.milestones
        latest = picture_path(self.folder, milestones[-1].iteration) if milestones else None
        return self._outputs(
            latest, status.preparing(key, self.language), self.progress.chart(self.language)
        )

    def frame_outputs(self, frames: Iterator[Frame], alpha: Mask | None) -> Iterator[Outputs]:
        """Yields the outputs for the frames, and writes their files.

        Milestones are written losslessly, other frames at intervals as previews. Steps shorter than
        a quarter of a second share a yield; Stop and a closed connection take effect only at a
        yield.

        Args:
            alpha: Opacity of the content image, which the last picture gets.
        """
        self.alpha = alpha
        previews: deque[tuple[float, Path]] = deque()
        yielded = shown = charted = 0.0
        picture: Path | None = None
        chart = self.progress.chart(self.language)
        film_step = film_every(self.settings.iterations)
        for frame in frames:
            if self.frame is None:
                self.first_seconds = frame.seconds
            self.frame, now = frame, time.monotonic()
            self.event = frame.events[-1] if frame.events else self.event
            if frame.iteration % film_step == 0:
                point = LossPoint(frame.iteration, frame.losses)
                self.progress = self.progress.with_losses(point)
            if frame.iteration % film_step == 0 and frame.iteration < self.settings.iterations:
                self._save_film_frame(frame)
            if frame.milestone:
                picture = self._save_milestone(frame)
                shown = now
            elif now - shown >= _PREVIEW_INTERVAL_SECONDS:
                preview = served_file(self.folder, f"preview-{frame.iteration:06d}", ".jpg")
                with suppress(FileError):  # the picture before stays on show
                    picture = save_image(frame.image, preview)
                    previews.append((now, picture))
                shown = now
            elif now - yielded < _YIELD_INTERVAL_SECONDS and not frame.scale_ends:
                continue
            while previews and now - previews[0][0] > _PREVIEW_RETENTION_SECONDS:
                delete_file(previews.popleft()[1])
            if (
                now - charted >= _CHART_INTERVAL_SECONDS
                or frame.iteration == self.settings.iterations
            ):
                chart, charted = self.progress.chart(self.language), now
            yielded = now
            self.between_steps = True
            yield self._outputs(picture, self._status(frame), chart)
            self.between_steps = False
        self.between_steps = True

    def finish(self) -> None:
        """Stores the run's outcome, its last picture, and the state from which it can continue.

        Stop closes the generator on the server's event loop, which writing a state of half a
        gigabyte would block. There it is done in a new thread.

        Raises:
            FileError: The outcome cannot be written. Not raised in the thread.
        """
        if not _in_event_loop():
            self._write_outcome()
            return
        runs.mark_finishing(self.folder)
        self.finishing_thread = threading.Thread(target=self._finish_in_thread)
        self.finishing_thread.start()

    def _finish_in_thread(self) -> None:
        with suppress(FileError):
            self._write_outcome()

    def _write_outcome(self) -> None:
        """Writes an outcome even where the picture or the state cannot be saved, and logs it."""
        outcome = self.previous or Outcome()
        if self.failure is not None:
            outcome = replace(outcome, failure=self.failure)
        try:
            if self.frame is not None:
                outcome = self._final_outcome(self.frame)
                self._save_state(self.frame)
        except NeuralStyleError as error:
            outcome = replace(outcome, failure=error.message)
        finally:
            self._log(outcome)
            runs.write_outcome(self.folder, outcome)

    def _log(self, outcome: Outcome) -> None:
        """Logs one line of JSON about the run, without names and pictures."""
        reached = self.frame
        kind = "failed" if outcome.failure else "stopped"
        if kind == "stopped" and reached and reached.iteration == self.settings.iterations:
            kind = "complete"
        record = {
            "run": served_folder(self.folder).name[:8],
            "size": self.settings.size,
            "iterations": self.settings.iterations,
            "reached": reached.iteration if reached else 0,
            "seconds": round(time.monotonic() - self._began, 1),
            "outcome": kind,
        }
        _LOGGER.info(json.dumps(record))

    def _final_outcome(self, frame: Frame) -> Outcome:
        """The outcome with this frame as last picture, which becomes a milestone."""
        if frame.iteration not in [point.iteration for point in self.progress.milestones]:
            self._save_milestone(frame)
        seconds = frame.seconds - self.first_seconds
        if (
            frame.iteration == self.settings.iterations
            and self.previous is None
            and seconds > _MIN_MEASURED_SECONDS
        ):
            record_speed(self.settings, tuple(frame.image.shape[-2:]), seconds)
        return Outcome(self._last_picture(frame), self.progress, self.failure)

    def _save_state(self, frame: Frame) -> None:
        """Saves the state. Without disk space or memory the run only cannot be continued."""
        state = runs.state_file(self.folder)
        delete_file(state)
        if not self.between_steps:  # an error interrupted a step
            return
        try:
            save_state(frame.state(), state)
            delete_old_states()
        except FileError:
            pass
        except (MemoryError, RuntimeError) as error:
            if not memory_is_exhausted(error):
                raise

    def _save_film_frame(self, frame: Frame) -> None:
        """Writes the frame for the film, which may do without it."""
        with suppress(FileError):
            save_image(film_frame(frame.image), runs.film_frame_file(self.folder, frame.iteration))

    def _save_milestone(self, frame: Frame) -> Path:
        """Writes the frame losslessly with its recipe, and returns its path."""
        is_last = frame.iteration == self.settings.iterations
        picture = save_image(
            frame.image,
            picture_path(self.folder, frame.iteration),
            frame.recipe,
            alpha=self.alpha if is_last else None,
        )
        self.progress = self.progress.with_milestone(LossPoint(frame.iteration, frame.losses))
        return picture

    def _outputs(
        self, picture: Path | None, current: Status, chart: pd.DataFrame | None
    ) -> Outputs:
        gallery = self.progress.gallery(self.folder, self.language)
        return Outputs(picture and str(picture), gallery, current, chart, str(self.folder))

    def _last_picture(self, frame: Frame) -> LastPicture:
        height, width = frame.image.shape[-2:]
        before = self.previous.last_picture if self.previous else None
        return LastPicture(
            iteration=frame.iteration,
            planned=self.settings.iterations,
            height=height,
            width=width,
            seconds=frame.seconds + (before.seconds if before else 0),
            losses=frame.losses,
            note=frame.note,
        )

    def _status(self, frame: Frame) -> Status:
        planned = self.settings.iterations
        if frame.iteration == planned:
            return self._last_picture(frame).status(self.language)
        return status.running(
            frame.iteration,
            planned,
            tuple(frame.image.shape[-2:]),
            frame.scale,
            frame.losses,
            (frame.seconds - self.first_seconds, frame.seconds_left),
            self._activity(frame),
            self.language,
        )

    def _activity(self, frame: Frame) -> Message:
        """The event to show: the next scale, the latest event, or the note of the run."""
        scale, scales = frame.scale
        if frame.scale_ends:
            return Message("next_size", scale=scale + 1, scales=scales)
        return self.event or frame.note


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
