"""One picture of a batch: what is asked for, how a worker paints it, and how it ended."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable

import torch

from neural_style.batch.places import delivered, fetched, make_folder, parent_of, stamp
from neural_style.devices import memory_is_exhausted
from neural_style.errors import NeuralStyleError
from neural_style.images.files import LONGEST, load_with_alpha, save_image
from neural_style.images.masks import Masks, load_styles
from neural_style.messages import Message
from neural_style.network.reuse import Reuse
from neural_style.network.weights import sha256
from neural_style.record.recipe import KEYWORD
from neural_style.settings.settings import Settings
from neural_style.tensors import ImageTensor, Mask
from neural_style.transfer import stylize

Styles = tuple[list[ImageTensor], list[ImageTensor | Mask]]
"""Style images, and the parts of them that are used: `load_styles`."""

_STYLES_KEPT = 8
"""Style images that a worker keeps, decoded."""


class Outcome(NamedTuple):
    """How a job ended.

    Attributes:
        name: The job's name.
        error: What was wrong; None if the result was written.
        seconds: Duration of the job.
        digest: SHA-256 of the result's file.
        recipe: The recipe that the result carries, as JSON.
    """

    name: str
    error: Message | None
    seconds: float
    digest: str | None = None
    recipe: str | None = None


class Worker:
    """What one worker keeps from job to job: networks, style images and their activations.

    Attributes:
        memory_gb: Memory for jobs whose settings have no limit of their own; 0 for what is free.
    """

    def __init__(self, threads: int = 0, memory_gb: float = 0.0):
        """Starts with nothing loaded.

        Args:
            threads: CPU threads of the whole process from now on; 0 for torch's own number.
        """
        if threads:
            torch.set_num_threads(threads)
        self.memory_gb = memory_gb
        self.reuse = Reuse()
        self._styles: OrderedDict[tuple[str, ...], Styles] = OrderedDict()

    def styles(self, paths: tuple[str, ...]) -> Styles:
        """The style images in these files.

        Raises:
            ImageError: One cannot be read.
        """
        key = *paths, *(stamp(path) or "" for path in paths)
        if key not in self._styles:
            with ExitStack() as held:
                files = [held.enter_context(fetched(path)) for path in paths]
                self._styles[key] = load_styles(files, longest=LONGEST)
            if len(self._styles) > _STYLES_KEPT:
                self._styles.popitem(last=False)
        self._styles.move_to_end(key)
        return self._styles[key]

    def limited(self, settings: Settings) -> Settings:
        """The settings, with the worker's limit of memory if they have none."""
        if settings.memory_gb:
            return settings
        return replace(settings, memory_gb=self.memory_gb)


@runtime_checkable
class Job(Protocol):
    """Something that one worker does alone. Jobs are sent to other machines by pickling.

    Attributes:
        name: Name by which the job is told and recorded; no two jobs of a batch share one.
        styles: Paths of the style images: workers that have seen them are preferred.
    """

    name: str
    styles: tuple[str, ...]

    def run(self, worker: Worker) -> Outcome:
        """Does the work. A failure that the user can mend is an outcome, not an exception."""
        ...


def attempt(name: str, paint: Callable[[float], Outcome]) -> Outcome:
    """The outcome of a job: that of `paint`, or what the user can do about its failure.

    Args:
        paint: Called with `time.monotonic()` at the beginning.
    """
    started = time.monotonic()
    try:
        return paint(started)
    except NeuralStyleError as refused:
        error = refused.message
    except (MemoryError, RuntimeError) as failure:
        if not memory_is_exhausted(failure):
            raise
        error = Message("batch.out_of_memory")
    return Outcome(name, error, time.monotonic() - started)


class Picture(NamedTuple):
    """One content image, to be repainted.

    Attributes:
        number: Number of its row, for messages.
        name: The result's name within the folder of the results.
        content: Path of the content image.
        styles: Paths of the style images.
        output: Path of the result.
        settings: Settings of the run.
        bits: Bits per channel of the result.
    """

    number: int
    name: str
    content: str
    styles: tuple[str, ...]
    output: str
    settings: Settings
    bits: int = 8

    def run(self, worker: Worker) -> Outcome:
        return attempt(self.name, lambda started: self._paint(worker, started))

    def _paint(self, worker: Worker, started: float) -> Outcome:
        with fetched(self.content) as file:
            content, alpha = load_with_alpha(file, longest=LONGEST)
        styles, parts = worker.styles(self.styles)
        settings = worker.limited(self.settings)
        *_, frame = stylize(content, styles, settings, masks=Masks(parts=parts), reuse=worker.reuse)
        make_folder(parent_of(self.output))
        with delivered(self.output) as file:
            save_image(frame.image, file, frame.recipe, alpha=alpha, bits=self.bits)
            digest = sha256(file)
        return Outcome(
            name=self.name,
            error=None,
            seconds=time.monotonic() - started,
            digest=digest,
            recipe=frame.recipe[KEYWORD],
        )
