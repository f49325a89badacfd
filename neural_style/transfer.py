"""The algorithm, from two pictures to frames. Read this first.

A picture is optimized until a fixed network sees in it the content of one image and the style of
another: Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (arXiv 1508.06576). It
grows from a small size to the full size, so that broad shapes settle before fine strokes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch

from neural_style.devices import forget_unused_memory, memory_is_exhausted
from neural_style.images.masks import Masks
from neural_style.messages import Message
from neural_style.network.reuse import Reuse
from neural_style.optim.engines import ENGINES
from neural_style.optim.optimize import Iterate, optimize
from neural_style.optim.optimizers import State
from neural_style.plan.clock import GUESSED_SPEEDS, Clock, Speed
from neural_style.plan.schedule import join_passes, plan_milestones
from neural_style.record.checkpoint import Progress, move
from neural_style.record.conditions import pack
from neural_style.record.recipe import (
    Recipe,
    change_of_conditions,
    check_start_image,
    make_recipe,
)
from neural_style.run.begin import Pass, begin, begin_run, can_ease
from neural_style.run.frame import Frame
from neural_style.run.job import Job, prepare
from neural_style.run.previous import PreviousFrame, carry
from neural_style.settings.settings import Settings
from neural_style.tensors import ImageTensor


def stylize(
    content: ImageTensor,
    style: ImageTensor | Sequence[ImageTensor],
    settings: Settings = Settings(),  # noqa: B008 (immutable)
    *,
    masks: Masks = Masks(),  # noqa: B008 (immutable)
    init_image: ImageTensor | None = None,
    previous: PreviousFrame | None = None,
    every: int = 0,
    resume: State | None = None,
    replay: Recipe | None = None,
    speed: Speed | None = None,
    reuse: Reuse | None = None,
) -> Iterator[Frame]:
    """Repaints the content image in the style of the style image, frame by frame.

    Closing the generator stops the work; no background thread is left.

    Args:
        content: The picture whose scene is kept.
        style: The style image, of any size; or several, to be mixed.
        settings: All settings of the run.
        masks: Where each style is used, and where the content stays as it is.
        init_image: Start picture with the content's aspect ratio, in place of `settings.init`.
        previous: The last frame of a film, moved to this one. The run then has the full size only,
            begins from it where the frames look alike, keeps its matches there where they are about
            as similar, and is held to it by a term of its own.
        every: Yield a frame every so many iterations, too; 0 for milestones only.
        resume: A frame's `state()`, to continue after that frame exactly. Pictures and settings
            must be the same; the number of iterations may be larger.
        replay: Recipe of the picture to make again. Its settings are passed separately
            (`settings_of`). The first frame reports a different precision or memory plan.
        speed: Speed of this machine in runs of this kind, for the first estimates of the time left;
            None if unknown.
        reuse: Keeps the network and the activations of the styles for the next run.

    Yields:
        The start picture (iteration 0), the milestones, and the picture after the last iteration.

    Raises:
        ImageError: A picture is not an `ImageTensor` or is too small or too narrow for the
            network, the start picture has another aspect ratio than the content, or `previous` is
            not of the size of the result.
        SettingsError: The device does not exist or has too little memory for this size even in
            strips, or `replay` needs a start picture and none is given.
        StateError: `resume` is damaged, or the state of another run.
        WeightsError: The weights are not available.
    """
    started = time.monotonic()
    styles = [style] if isinstance(style, torch.Tensor) else [*style]
    events: list[Message] = []
    if replay is not None:
        check_start_image(replay, init_image)
    ran_out = False
    while True:
        progress = None
        try:
            start = init_image, resume, reuse or Reuse(0), previous
            job = prepare(content, styles, settings, masks, *start)
            progress = Progress(
                identity=job.identity,
                scales=[*map(tuple, job.passes)],
                conditions=pack(job.used),
                planned_bytes=job.plan.bytes,
            )
            if not ran_out:
                replayed = change_of_conditions(replay, job.used[-1]) if replay else None
                events += filter(None, [job.change, replayed])
            place = (resume["scale"], resume["pass"]["iteration"]) if resume else (0, 0)
            clock = Clock(
                started, job.passes, *place, speed=speed or GUESSED_SPEEDS[job.device.type]
            )
            yield from _stylize(job, every, resume, clock, events, progress)
            return
        except (MemoryError, RuntimeError) as error:
            if not memory_is_exhausted(error) or progress is None:
                raise
        forget_unused_memory()
        settings = replace(settings, memory_gb=_MEMORY_FACTOR * progress.planned_bytes / 1e9)
        if progress.shown is not None:
            resume, ran_out = progress.state(), True
        elif not ran_out:
            events.clear()  # the next plan has events of its own
        if _EXHAUSTED not in events:
            events.append(_EXHAUSTED)


_MEMORY_FACTOR = 0.85
"""Memory for the next attempt, relative to the plan that ran out of memory."""

_EXHAUSTED = Message("memory.exhausted")


def _stylize(
    job: Job,
    every: int,
    resume: State | None,
    clock: Clock,
    events: list[Message],
    progress: Progress,
) -> Iterator[Frame]:
    """Yields the frames of a prepared run, pass by pass.

    Args:
        events: Messages for the next frame; each frame clears the list.
        progress: Kept up to date.
    """
    image, first = begin_run(job, resume), resume["scale"] if resume else 0
    current = None
    for number in range(first, len(job.passes)):
        state = move(resume, job.device) if resume and number == first else None
        first_is_shown = state["shown"] if state else number > 0
        current, start = begin(job, number, image, current, state)
        iterates = _optimize(job, number, current, start, state and state["pass"])
        del start, state  # `optimize` frees their canvases
        image = yield from _frames(
            job, number, current, iterates, every, clock, events, progress, first_is_shown
        )


def _frames(
    job: Job,
    number: int,
    current: Pass,
    iterates: Iterator[Iterate],
    every: int,
    clock: Clock,
    events: list[Message],
    progress: Progress,
    first_is_shown: bool,
) -> Iterator[Frame]:
    """Yields the frames of one pass; returns its last picture.

    Args:
        first_is_shown: Whether the frame of the first iterate has been yielded.
    """
    milestones = set(plan_milestones(job.settings.iterations))
    scale, later = job.passes[number], job.passes[number + 1 :]
    sizes = [size[:2] for size in join_passes(job.passes)]
    before = sum(earlier.iterations for earlier in job.passes[:number])
    if first_is_shown:
        iterate = next(iterates)
    for iterate in iterates:
        iteration = before + iterate.iteration
        seconds, seconds_left = clock.tick(number, iterate.iteration)
        progress.scale, progress.before, progress.save = number, before, iterate.state
        progress.matches = current.matched and current.matched.state
        due = iteration in milestones or (every and iteration % every == 0)
        picture = iterate.image if due else None
        finished = job.finish(picture, scale) if due else None
        progress.shown = iteration  # nothing can fail from here on
        if iterate.event:
            reason = iterate.event
            events.append(Message("guard.restart", iteration=iteration, reason=reason))
        if due:
            ends = iterate.iteration == scale.iterations
            yield Frame(
                image=finished,
                iteration=iteration,
                scale=(sizes.index(scale[:2]) + 1, len(sizes)),
                scale_ends=ends and all(other[:2] != scale[:2] for other in later),
                losses=iterate.losses,
                seconds=seconds,
                seconds_left=seconds_left,
                milestone=iteration in milestones,
                note=job.note,
                events=tuple(events),
                state=partial(progress.state, iteration),
                recipe=make_recipe(job.given, job.identity, iteration, job.used),
                carry=partial(carry, picture, current.matched and current.matched.cells),
            )
            events.clear()
    return iterate.image


def _optimize(
    job: Job, number: int, current: Pass, start: ImageTensor, state: State | None
) -> Iterator[Iterate]:
    """The iterates of a pass, from `start`, or from where its state was saved."""
    scale, settings = job.passes[number], job.settings
    return optimize(
        current.objective,
        start,
        job.choice.canvas(scale.height, scale.width, job.device),
        current.optimizer,
        scale.iterations,
        guarded=ENGINES[settings.engine].guarded,
        average=settings.average,
        eased=job.choice.eased[min(number, 1)] if can_ease(settings) else 0,
        resume=state,
    )
