"""The algorithm, from two pictures to frames. Read this first.

A picture is optimized until a fixed network sees in it the content of one image and the style of
another: Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (arXiv 1508.06576). It
grows from a small picture to the full size, so that broad shapes settle before fine strokes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from neural_style.devices import (
    forget_unused_memory,
    memory_is_exhausted,
)
from neural_style.images.color import luma
from neural_style.images.files import resize
from neural_style.images.masks import Masks
from neural_style.images.sizes import STYLE_FITS
from neural_style.messages import Message
from neural_style.network.backbones import mean_color
from neural_style.objective import (
    NEAREST,
    Objective,
    StyleTarget,
    make_objective,
    retarget,
)
from neural_style.objective.statistics import STATISTICS
from neural_style.optim.engines import ENGINES
from neural_style.optim.optimize import optimize
from neural_style.optim.optimizers import Optimizer, State
from neural_style.plan.clock import GUESSED_SPEEDS, Clock, cost_of
from neural_style.plan.schedule import Scale, join_passes, plan_milestones
from neural_style.record.checkpoint import (
    move,
    state_reached,
    state_shown,
)
from neural_style.record.conditions import pack
from neural_style.record.recipe import (
    Recipe,
    change_of_conditions,
    check_start_image,
    make_recipe,
)
from neural_style.run.frame import Frame
from neural_style.run.job import Job, prepare
from neural_style.run.passes import MatchedPass, begin_pass, resume_pass
from neural_style.run.start import start_picture
from neural_style.run.styles import at_scale
from neural_style.settings.settings import Settings
from neural_style.tensors import ImageTensor


def stylize(
    content: ImageTensor,
    style: ImageTensor | Sequence[ImageTensor],
    settings: Settings = Settings(),  # noqa: B008 (immutable)
    *,
    masks: Masks = Masks(),  # noqa: B008 (immutable)
    init_image: ImageTensor | None = None,
    every: int = 0,
    resume: State | None = None,
    replay: Recipe | None = None,
    speed: float = 0.0,
) -> Iterator[Frame]:
    """Repaints the content image in the manner of the style image, frame by frame.

    Closing the generator stops the work; nothing goes on behind it.

    Args:
        content: The picture whose scene is kept.
        style: The picture whose manner is taken, of any size; or several, to be mixed.
        settings: Every knob.
        masks: Which style is wanted where, and what is to stay as it is.
        init_image: The picture to start from, of the content's shape, in place of `settings.init`.
        every: Also yield a frame each time so many iterations are done; 0 for milestones alone.
        resume: What a frame's `state()` returned: goes on after that frame, as if there had been
            no break. The pictures and settings must be the same; the iterations may be more.
        replay: The recipe of the picture that is to be made again. The settings are not taken from
            it (`settings_of`); the first frame tells where precision or memory plan differ.
        speed: Of this machine with statistic gram, in pixels a second as `schedule.work` counts
            them, for the first estimates of the time left; 0 if not known.

    Yields:
        The start picture (iteration 0), the milestones, and the picture after the last iteration.

    Raises:
        ImageError: A picture is no `ImageTensor`, is too small or too narrow for the network, or
            the start picture is of another shape than the content.
        SettingsError: The device is not there, or has too little memory for this size, in however
            small parts; or `resume` does not fit; or `replay` was begun from a start picture, and
            none is given.
        WeightsError: The weights cannot be had.
    """
    started = time.monotonic()
    styles = [style] if isinstance(style, torch.Tensor) else [*style]
    events: list[Message] = []
    told = False
    if replay is not None:
        check_start_image(replay, init_image)
    while True:
        newest: dict[str, Any] = {}
        try:
            job = prepare(content, styles, settings, masks, init_image, resume)
            newest |= {"identity": job.identity, "scales": [*map(tuple, job.passes)]}
            newest |= {"conditions": pack(job.used), "planned": job.plan.bytes}
            if not told:
                replayed = change_of_conditions(replay, job.used[-1]) if replay else None
                events += filter(None, [job.change, replayed])
            pace = (speed or GUESSED_SPEEDS[job.device.type]) / cost_of(settings.statistic)
            place = (resume["scale"], resume["pass"]["iteration"]) if resume else (0, 0)
            clock = Clock(started, job.passes, *place, speed=pace)
            yield from _stylize(job, every, resume, clock, events, newest)
            return
        except (MemoryError, RuntimeError) as error:
            if not memory_is_exhausted(error) or "planned" not in newest:
                raise
        forget_unused_memory()
        settings = replace(settings, memory_gb=_LESS * newest["planned"] / 1e9)
        if "shown" in newest:
            resume, told = state_reached(newest), True
        elif not told:
            events.clear()  # told anew of the next plan
        if _EXHAUSTED not in events:
            events.append(_EXHAUSTED)


_LESS = 0.85
_EXHAUSTED = Message("memory.exhausted")


def _stylize(
    job: Job,
    every: int,
    resume: State | None,
    clock: Clock,
    events: list[Message],
    newest: dict[str, Any],
) -> Iterator[Frame]:
    """The frames of a prepared run, pass by pass.

    Args:
        events: What the next frame is to tell.
        newest: Is given what `state_reached` needs.
    """
    milestones = set(plan_milestones(job.settings.iterations))
    passes, sizes = job.passes, [size[:2] for size in join_passes(job.passes)]
    image, first = _start(job, resume), resume["scale"] if resume else 0
    begun, optimizer, objective = None, None, None
    for number, one in enumerate(passes[first:], first):
        reached = move(resume["pass"], job.device) if resume and number == first else None
        stored = move(resume["matches"], job.device) if reached else None
        before = sum(earlier.iterations for earlier in passes[:number])
        same_size = number > first and passes[number - 1][:2] == one[:2]
        start, begun = _begin(job, number, image, begun, reached, stored)
        if job.matching and same_size:
            objective = retarget(objective, begun.term)
        else:
            objective = _objective(job, one, begun)
        optimizer = _optimizer(job, number, optimizer)
        iterates = optimize(
            objective,
            start,
            job.choice.canvas(one.height, one.width, job.device),
            optimizer,
            one.iterations,
            guarded=ENGINES[job.settings.engine].guarded,
            average=job.settings.average,
            eased=job.choice.eased[min(number, 1)] if _can_ease(job.settings) else 0,
            resume=reached,
        )
        if resume["shown"] if reached else number > 0:
            iterate = next(iterates)  # already shown
        del start, reached, stored
        for iterate in iterates:
            iteration = before + iterate.iteration
            seconds, seconds_left = clock.read(number, iterate.iteration)
            newest.update(scale=number, before=before, save=iterate.state)
            newest["matches"] = begun and begun.state
            due = iteration in milestones or (every and iteration % every == 0)
            finished = job.finish(iterate.image, one) if due else None
            newest["shown"] = iteration  # as nothing can fail from here on
            if iterate.event:
                reason = iterate.event
                events.append(Message("guard.restart", iteration=iteration, reason=reason))
            if due:
                ends = iterate.iteration == one.iterations
                yield Frame(
                    image=finished,
                    iteration=iteration,
                    scale=(sizes.index(one[:2]) + 1, len(sizes)),
                    scale_ends=ends and all(later[:2] != one[:2] for later in passes[number + 1 :]),
                    losses=iterate.losses,
                    seconds=seconds,
                    seconds_left=seconds_left,
                    milestone=iteration in milestones,
                    note=job.note,
                    events=tuple(events),
                    state=partial(state_shown, newest, iteration),
                    recipe=make_recipe(job.given, job.identity, iteration, job.used),
                )
                events.clear()
        image = iterate.image


def _start(job: Job, resume: State | None) -> ImageTensor:
    """What the first pass begins from; by matches, the content, from which it makes its own."""
    settings = job.settings
    if resume is not None:
        return resume["pass"]["image"].to(job.device)
    if job.pieced:
        return job.content
    mean = mean_color(job.network.units)
    noise = settings.noise_ratio, settings.seed
    init = settings.init if job.init_image is None else job.init_image
    start = start_picture(job.content, job.styles, init, job.passes[0], mean, *noise)
    return luma(start).expand_as(start).clone() if job.gray else start


def _begin(
    job: Job,
    number: int,
    image: ImageTensor,
    before: MatchedPass | None,
    reached: State | None,
    stored: dict[str, Any] | None,
) -> tuple[ImageTensor, MatchedPass | None]:
    """The start picture of a pass, and its matches where the style is compared by them.

    Args:
        image: What the pass before has come to.
        before: That pass, in this run.
        reached, stored: Where a continued pass has come to, and the matches it had.
    """
    one = job.passes[number]
    if not job.matching:
        return image if reached else resize(image, one.height, one.width), None
    if reached:
        look = job.network, job.segments, stored, _style_targets(job, one), job.loss_config
        return image, resume_pass(*look, image)
    begun = begin_pass(
        job.network,
        job.segments,
        one,
        resize(job.content, one.height, one.width),
        _style_targets(job, one),
        job.loss_config,
        image=image,
        before=before,
        is_first=number == 0,
        pieced=job.pieced,
        preference=_SEED_PREFERENCE * job.settings.noise_ratio,
        seed=job.settings.seed,
        number=number,
    )
    return begun.start, begun


def _objective(job: Job, one: Scale, begun: MatchedPass | None) -> Objective:
    return make_objective(
        job.network,
        job.segments,
        resize(job.content, one.height, one.width),
        _style_targets(job, one),
        job.loss_config,
        job.kept(one),
        matches=begun and begun.term,
        gray=job.gray,
    )


def _style_targets(job: Job, one: Scale) -> list[StyleTarget]:
    """The styles at the size at which their strokes are to be seen beside a canvas of that size."""
    fit, smallest = STYLE_FITS[job.settings.style_fit], job.backbone.smallest_side
    return [
        StyleTarget(at_scale(style, fit, one, smallest), style.share, style.where, style.part)
        for style in job.styles
    ]


def _optimizer(job: Job, number: int, before: Optimizer | None) -> Optimizer:
    """The optimizer of a pass; by matches it goes on with what the pass before has learned."""
    one = job.passes[number]
    made = job.choice.make(job.settings.learning_rate, job.plan.history, job.choice.kept)
    if before is None or not job.matching:
        return made
    earlier = job.passes[number - 1]
    if earlier[:2] == one[:2]:
        before.retarget()
        return before
    made.start_from(before, one.height * one.width / (earlier.height * earlier.width))
    return made


def _can_ease(settings: Settings) -> bool:
    """Relative losses, from a start in the style's colors, are brought down as fast without."""
    if settings.loss_units == "relative" or settings.statistic == NEAREST:
        return False
    return STATISTICS[settings.statistic].matrix is not None


_SEED_PREFERENCE = 0.4
"""How much a noise ratio of 1 prefers some parts of a style, as a cosine. Chosen by looking."""
