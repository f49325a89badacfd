"""How long a batch takes, and how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from neural_style.batch.jobs import Picture
from neural_style.batch.places import fetched
from neural_style.errors import ImageError
from neural_style.images.files import load_image, read_shape
from neural_style.images.masks import Masks
from neural_style.network.reuse import Reuse
from neural_style.plan.estimate import work_of_run
from neural_style.run.job import prepare
from neural_style.speed import measure_speed

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
    works = []
    for job in looked_at:
        with suppress(ImageError):  # the batch will record it
            works.append((work_of_run(job.settings, _shape(job.content)), job))
    if not works:
        return 0.0, 0
    speed = measure_speed(lambda: True)
    seconds = sum(work for work, _ in works) / len(works) * len(jobs) / speed
    _, largest = max(works, key=lambda pair: pair[0])
    return seconds, _memory(largest)


def _shape(path: str) -> tuple[int, int]:
    with fetched(path) as file:
        return read_shape(file)


def _memory(job: Picture) -> int:
    """Bytes that the program holds at most during the job."""
    pictures = []
    for path in (job.content, *job.styles):
        with fetched(path) as file:
            pictures.append(load_image(file, longest=2 * job.settings.size))
    content, *styles = pictures
    prepared = prepare(content, styles, job.settings, Masks(), None, None, Reuse(0))
    return prepared.plan.bytes
