"""How long a batch takes, and how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from neural_style.batch.films import FilmTask
from neural_style.batch.jobs import Picture
from neural_style.batch.places import fetched
from neural_style.errors import ImageError
from neural_style.film.cuts import find_cuts
from neural_style.film.read import open_film
from neural_style.images.files import load_image, read_shape
from neural_style.images.masks import Masks
from neural_style.network.reuse import Reuse
from neural_style.plan.clock import Speed
from neural_style.plan.estimate import seconds_of_run
from neural_style.run.job import prepare
from neural_style.settings.settings import Settings
from neural_style.speed import kind_of, measure_speed
from neural_style.tensors import ImageTensor

_LOOKED_AT = 200
"""Content images whose sizes are read; the others are taken to be like them."""


def estimate(jobs: Sequence[Picture]) -> tuple[float, int]:
    """Seconds for one worker with this machine's speed, and bytes for the largest job.

    Measures the speed of this machine, which takes some seconds.

    Raises:
        NeuralStyleError: A picture cannot be read, or a job does not fit into memory.
    """
    if not jobs:
        return 0.0, 0
    looked_at = jobs[:: -(-len(jobs) // _LOOKED_AT)]
    speeds: dict[str, Speed] = {}
    durations = []
    for job in looked_at:
        with suppress(ImageError):  # the batch will record it
            shape, kind = _shape(job.content), kind_of(job.settings)
            if kind not in speeds:
                speeds[kind] = _measured_speed(kind)
            durations.append((seconds_of_run(job.settings, shape, speeds[kind]), job))
    if not durations:
        return 0.0, 0
    seconds = sum(each for each, _ in durations) / len(durations) * len(jobs)
    _, largest = max(durations, key=lambda pair: pair[0])
    return seconds, _memory(largest)


def _measured_speed(kind: str) -> Speed:
    speed = measure_speed(kind, lambda: True)
    assert speed is not None  # nothing stops the measurement
    return speed


def _shape(path: str) -> tuple[int, int]:
    with fetched(path) as file:
        return read_shape(file)


def _memory(job: Picture) -> int:
    with fetched(job.content) as file:
        content = load_image(file, longest=2 * job.settings.size)
    return _planned_bytes(content, job.styles, job.settings)


def _planned_bytes(content: ImageTensor, styles: Sequence[str], settings: Settings) -> int:
    """Bytes that the program holds at most during a run."""
    pictures = []
    for path in styles:
        with fetched(path) as file:
            pictures.append(load_image(file, longest=2 * settings.size))
    return prepare(content, pictures, settings, Masks(), None, None, Reuse(0)).plan.bytes


class FilmEstimate(NamedTuple):
    """What painting a film takes.

    Attributes:
        frames: Number of its frames.
        scenes: Frames that begin a scene, each of which is a whole run.
        seconds: For one worker with this machine's speed.
        memory: Bytes that the program holds at most.
    """

    frames: int
    scenes: int
    seconds: float
    memory: int


def estimate_film(task: FilmTask) -> FilmEstimate:
    """Reads the film, and measures the speed of this machine.

    Raises:
        NeuralStyleError: A picture cannot be read, or a frame does not fit into memory.
    """
    film, settings = open_film(task.film, task.settings.size), task.settings
    cuts = [*find_cuts(frame.image for frame in film.frames())]
    first = next(film.frames(0, 1)).image
    shape, scenes = tuple(first.shape[-2:]), 1 + sum(cuts)
    shorter = replace(settings, iterations=task.later.steps, scales=1, scale_shares=())
    speed = _measured_speed(kind_of(settings))
    seconds = scenes * seconds_of_run(settings, shape, speed)
    seconds += (len(cuts) - scenes) * seconds_of_run(shorter, shape, speed)
    return FilmEstimate(len(cuts), scenes, seconds, _planned_bytes(first, task.styles, settings))
