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
    """Repaints the content image in the style of the style image, frame by frame.

    Closing the generator stops the work; no background thread is left.

    Args:
        content: The picture whose scene is kept.
        style: The style image, of any size; or several, to be mixed.
        settings: All settings of the run.
        masks: Where each style is used, and where the content stays as it is.
        init_image: Start picture with the content's aspect ratio, in place of `settings.init`.
        every: Yield a frame every so many iterations, too; 0 for milestones only.
        resume: A frame's `state()`, to continue after that frame exactly. Pictures and settings
            must be the same; the number of iterations may be larger.
        replay: Recipe of the picture to make again. Its settings are passed separately
            (`settings_of`). The first frame reports a different precision or memory plan.
        speed: Speed of this machine with statistic gram, in pixels per second as `clock.work`
            counts them, for the first estimates of the time left; 0 if unknown.

    Yields:
        The start picture (iteration 0), the milestones, and the picture after the last iteration.

    Raises:
        ImageError: A picture is not an `ImageTensor` or is too small or too narrow for the
            network, or the start picture has another aspect ratio than the content.
        SettingsError: The device does not exist or has too little memory for this size even in
            strips, `resume` does not fit, or `replay` needs a start picture and none is given.
        WeightsError: The weights are not available.
    """
    started = time.monotonic()
    styles = [style] if isinstance(style, torch.Tensor) else [*style]
    events: list[Message] = []
    conditions_reported = False
    if replay is not None:
        check_start_image(replay, init_image)
    while True:
        newest: dict[str, Any] = {}
        try:
            job = prepare(content, styles, settings, masks, init_image, resume)
            newest |= {"identity": job.identity, "scales": [*map(tuple, job.passes)]}
            newest |= {"conditions": pack(job.used), "planned": job.plan.bytes}
            if not conditions_reported:
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
        settings = replace(settings, memory_gb=_MEMORY_FACTOR * newest["planned"] / 1e9)
        if "shown" in newest:
            resume, conditions_reported = state_reached(newest), True
        elif not conditions_reported:
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
    newest: dict[str, Any],
) -> Iterator[Frame]:
    """Yields the frames of a prepared run, pass by pass.

    Args:
        events: Messages for the next frame; each frame clears the list.
        newest: Updated with what `state_reached` needs.
    """
    milestones = set(plan_milestones(job.settings.iterations))
    passes, sizes = job.passes, [size[:2] for size in join_passes(job.passes)]
    image, first = _start(job, resume), resume["scale"] if resume else 0
    matched, optimizer, objective = None, None, None
    for number, scale in enumerate(passes[first:], first):
        pass_state = move(resume["pass"], job.device) if resume and number == first else None
        matches = move(resume["matches"], job.device) if pass_state else None
        before = sum(earlier.iterations for earlier in passes[:number])
        same_size = number > first and passes[number - 1][:2] == scale[:2]
        start, matched = _begin(job, number, image, matched, pass_state, matches)
        if job.matching and same_size:
            objective = retarget(objective, matched.term)
        else:
            objective = _objective(job, scale, matched)
        optimizer = _optimizer(job, number, optimizer)
        iterates = optimize(
            objective,
            start,
            job.choice.canvas(scale.height, scale.width, job.device),
            optimizer,
            scale.iterations,
            guarded=ENGINES[job.settings.engine].guarded,
            average=job.settings.average,
            eased=job.choice.eased[min(number, 1)] if _can_ease(job.settings) else 0,
            resume=pass_state,
        )
        if resume["shown"] if pass_state else number > 0:
            iterate = next(iterates)  # its frame has been yielded
        del start, pass_state, matches
        for iterate in iterates:
            iteration = before + iterate.iteration
            seconds, seconds_left = clock.tick(number, iterate.iteration)
            newest.update(scale=number, before=before, save=iterate.state)
            newest["matches"] = matched and matched.state
            due = iteration in milestones or (every and iteration % every == 0)
            finished = job.finish(iterate.image, scale) if due else None
            newest["shown"] = iteration  # nothing can fail from here on
            if iterate.event:
                reason = iterate.event
                events.append(Message("guard.restart", iteration=iteration, reason=reason))
            if due:
                ends = iterate.iteration == scale.iterations
                later_sizes = [later[:2] for later in passes[number + 1 :]]
                yield Frame(
                    image=finished,
                    iteration=iteration,
                    scale=(sizes.index(scale[:2]) + 1, len(sizes)),
                    scale_ends=ends and scale[:2] not in later_sizes,
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
    """The start picture of the first pass; the content where patches will replace it."""
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
    pass_state: State | None,
    matches: dict[str, Any] | None,
) -> tuple[ImageTensor, MatchedPass | None]:
    """The start picture of a pass, and its matches with statistic nearest.

    Args:
        image: Result of the previous pass.
        before: The previous pass of this run.
        pass_state, matches: State and matches of an interrupted pass.
    """
    scale = job.passes[number]
    if not job.matching:
        return image if pass_state else resize(image, scale.height, scale.width), None
    styles = _style_targets(job, scale)
    if pass_state:
        network = job.network, job.segments
        return image, resume_pass(*network, matches, styles, job.loss_config, image)
    matched = begin_pass(
        job.network,
        job.segments,
        scale,
        resize(job.content, scale.height, scale.width),
        styles,
        job.loss_config,
        image=image,
        before=before,
        is_first=number == 0,
        pieced=job.pieced,
        preference=_SEED_PREFERENCE * job.settings.noise_ratio,
        seed=job.settings.seed,
        number=number,
    )
    return matched.start, matched


def _objective(job: Job, scale: Scale, matched: MatchedPass | None) -> Objective:
    return make_objective(
        job.network,
        job.segments,
        resize(job.content, scale.height, scale.width),
        _style_targets(job, scale),
        job.loss_config,
        job.keep_at(scale),
        matches=matched and matched.term,
        gray=job.gray,
    )


def _style_targets(job: Job, scale: Scale) -> list[StyleTarget]:
    """The styles, resized for a canvas of that scale."""
    fit, smallest = STYLE_FITS[job.settings.style_fit], job.backbone.smallest_side
    return [
        StyleTarget(at_scale(style, fit, scale, smallest), style.share, style.where, style.part)
        for style in job.styles
    ]


def _optimizer(job: Job, number: int, before: Optimizer | None) -> Optimizer:
    """The optimizer of a pass; with statistic nearest it continues from the previous one."""
    scale = job.passes[number]
    made = job.choice.make(job.settings.learning_rate, job.plan.history, job.choice.history_dtype)
    if before is None or not job.matching:
        return made
    earlier = job.passes[number - 1]
    if earlier[:2] == scale[:2]:
        before.retarget()
        return before
    made.start_from(before, scale.height * scale.width / (earlier.height * earlier.width))
    return made


def _can_ease(settings: Settings) -> bool:
    """Whether easing helps: relative losses fall as fast without it."""
    if settings.loss_units == "relative" or settings.statistic == NEAREST:
        return False
    return STATISTICS[settings.statistic].matrix is not None


_SEED_PREFERENCE = 0.4
"""`preference` of `match_cells` at a noise ratio of 1. Chosen by looking."""
