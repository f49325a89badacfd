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
from typing import Any, NamedTuple

import torch

from neural_style.backbones import (
    BACKBONES,
    Backbone,
    check_layers,
    lean,
    mean_color,
    parse_layers,
)
from neural_style.color import finish_colors, is_gray, prepare_content
from neural_style.conditions import Conditions, pack
from neural_style.devices import (
    choose_device,
    choose_precision,
    forget_unused_memory,
    memory_is_exhausted,
    precision_name,
)
from neural_style.engines import ENGINES, Choice
from neural_style.features import Network, load_network
from neural_style.frame import Frame
from neural_style.images import resize
from neural_style.masks import Masks, fit_mask, leave, read_masks
from neural_style.memory import MemoryPlan, plan_memory
from neural_style.objective import (
    NEAREST,
    Emphasis,
    Objective,
    Wanted,
    make_objective,
    retarget,
)
from neural_style.optimize import optimize
from neural_style.optimizers import Optimizer, State
from neural_style.passes import MatchedPass, begin_pass, resume_pass
from neural_style.recipe import Recipe, change_of_conditions, make_recipe
from neural_style.resume import (
    identify,
    move,
    plan_rest,
    state_reached,
    state_shown,
    used_so_far,
)
from neural_style.schedule import (
    GUESSED_SPEEDS,
    STYLE_FITS,
    Clock,
    Scale,
    cost_of,
    join_passes,
    ladder,
    parse_shares,
    plan_passes,
)
from neural_style.settings import INITS, Settings, settle
from neural_style.start import check_parts, check_pictures, load_start, start_picture
from neural_style.statistics import STATISTICS
from neural_style.styles import (
    Style,
    at_scale,
    gather_styles,
    move_style,
    recolor_style,
    size_at_scale,
)
from neural_style.tensors import ImageTensor, Mask
from neural_style.tiling import Segments, cut_network
from neural_style.weights import load_weights


def stylize(
    content: ImageTensor,
    style: ImageTensor | Sequence[ImageTensor],
    settings: Settings = Settings(),  # noqa: B008 (immutable)
    *,
    masks: Masks = Masks(),  # noqa: B008 (immutable)
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
            the start picture cannot be read.
        SettingsError: The device is not there, or has too little memory for this size, in however
            small parts; or `resume` does not fit.
        WeightsError: The weights cannot be had.
    """
    started = time.monotonic()
    styles = [style] if isinstance(style, torch.Tensor) else [*style]
    events: list[str] = []
    told = False
    while True:
        newest: dict[str, Any] = {}
        try:
            job = _prepare(content, styles, settings, masks, resume)
            newest |= {"identity": job.identity, "scales": [*map(tuple, job.passes)]}
            newest |= {"conditions": pack(job.used), "planned": job.plan.bytes}
            if not told:
                replayed = change_of_conditions(replay, job.used[-1]) if replay else ""
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
_EXHAUSTED = "Memory ran out; on in smaller parts."


class _Job(NamedTuple):
    """A run, prepared: all that its passes share. Pictures are on the device.

    Attributes:
        given, settings: As they were given, but for the sizes of a continued run; and with the
            usual values in place of auto and 0.
        content, shown: The content image as the network sees it, and in its own colors.
        plan: For the memory.
        used: Conditions of the run so far.
        gray: Whether no picture has any color.
    """

    given: Settings
    settings: Settings
    backbone: Backbone
    network: Network
    segments: Segments
    emphasis: Emphasis
    content: ImageTensor
    shown: ImageTensor
    styles: list[Style]
    keep: Mask | None
    passes: list[Scale]
    plan: MemoryPlan
    note: str
    identity: dict[str, Any]
    used: list[Conditions]
    change: str
    gray: bool

    @property
    def matching(self) -> bool:
        return self.settings.statistic == NEAREST

    @property
    def choice(self) -> Choice:
        return ENGINES[self.settings.engine].optimizers[self.settings.optimizer]

    @property
    def device(self) -> torch.device:
        return self.content.device

    def finish(self, image: ImageTensor, size: Scale) -> ImageTensor:
        """A picture of the canvas as it is shown: a copy on the CPU."""
        shown = resize(self.shown, size.height, size.width)
        colors = self.settings.color, self.settings.color_strength
        image = leave(self.kept(size), shown, finish_colors(*colors, image, shown))
        return image.to("cpu", copy=True)

    def kept(self, size: Scale) -> Mask | None:
        """The keep mask at a size."""
        return None if self.keep is None else fit_mask(self.keep, size.height, size.width)


def _prepare(
    content: ImageTensor,
    pictures: Sequence[ImageTensor],
    settings: Settings,
    masks: Masks,
    resume: State | None,
) -> _Job:
    """Checks everything, loads the network and plans the run."""
    given, settings = settings, settle(settings)
    backbone = BACKBONES[settings.backbone]
    emphasis = _emphasis(backbone, settings)
    layers = {*emphasis.content_layers, *emphasis.style_layers}
    stages = backbone.build()
    check_layers(stages, layers, f"network {settings.backbone}")
    check_pictures(content, pictures, settings.size, backbone.smallest_side)
    *where, keep = read_masks(masks, content, pictures)
    styles = gather_styles(
        pictures, settings.style_weights, settings.style_scale, settings.style_crop, *where
    )
    check_parts([style.image for style in styles], backbone.smallest_side)
    if settings.init not in INITS:
        load_start(settings.init, content)  # refused before the work, not after
    device = choose_device(settings.device)
    weights = load_weights(settings.backbone, settings.weights)
    network = load_network(
        stages,
        weights.tensors,
        weights.units,
        device=device,
        dtype=choose_precision(settings.precision, device),
        pooling=settings.pooling,
        border=settings.border,
        layers=layers,
    )
    identity = identify(content, pictures, masks, settings, weights.digest)
    shown, colors = content.to(device), (settings.color, settings.color_strength)
    content = prepare_content(*colors, shown)
    styles = [recolor_style(move_style(style, device), shown, *colors) for style in styles]
    passes = plan_passes(
        *content.shape[-2:],
        settings.size,
        settings.scales,
        settings.iterations,
        backbone.smallest_side,
        factor=settings.scale_factor,
        shares=parse_shares(settings.scale_shares),
        matching=settings.statistic == NEAREST,
    )
    if resume is not None:
        planned, passes = passes, plan_rest(resume, identity, settings.iterations)
        if passes != planned:  # the recipe of what was added: all of it at the full size
            sizes = join_passes(passes)
            shares = ",".join(str(size.iterations) for size in sizes)
            given = replace(given, scales=len(sizes), scale_shares=shares)
    choice = ENGINES[settings.engine].optimizers[settings.optimizer]
    fit = STYLE_FITS[settings.style_fit]
    plan = plan_memory(
        network,
        layers,
        passes[-1],
        choice.history,
        choice.kept,
        device,
        settings.memory_gb,
        regions=len(masks.styles),
        styles=[size_at_scale(s, fit, passes[-1], backbone.smallest_side) for s in styles],
    )
    conditions = Conditions(precision_name(network.dtype), plan.rows, plan.history)
    used, change = used_so_far(resume, conditions)
    return _Job(
        given=given,
        settings=settings,
        backbone=backbone,
        network=network,
        segments=cut_network(network, layers, plan.rows),
        emphasis=emphasis,
        content=content,
        shown=shown,
        styles=styles,
        keep=None if keep is None else keep.to(device),
        passes=passes,
        plan=plan,
        note="; ".join(filter(None, [weights.source, plan.note])),
        identity=identity,
        used=used,
        change=change,
        gray=settings.statistic == NEAREST
        and all(is_gray(picture) for picture in [content, *(s.image for s in styles)]),
    )


def _stylize(
    job: _Job,
    every: int,
    resume: State | None,
    clock: Clock,
    events: list[str],
    newest: dict[str, Any],
) -> Iterator[Frame]:
    """The frames of a prepared run, pass by pass.

    Args:
        events: What the next frame is to tell.
        newest: Is given what `state_reached` needs.
    """
    milestones = set(ladder(job.settings.iterations))
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
                events.append(_EVENT.format(iteration=iteration, event=iterate.event))
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


def _start(job: _Job, resume: State | None) -> ImageTensor:
    """What the first pass begins from; by matches, the content, from which it makes its own."""
    settings = job.settings
    if resume is not None:
        return resume["pass"]["image"].to(job.device)
    if settings.init == "matched":
        return job.content
    init = settings.init if settings.init in INITS else load_start(settings.init, job.content)
    mean = mean_color(job.network.units)
    noise = settings.noise_ratio, settings.seed
    return start_picture(job.content, job.styles, init, job.passes[0], mean, *noise)


def _begin(
    job: _Job,
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
        look = job.network, job.segments, stored, _wanted(job, one), job.emphasis
        return image, resume_pass(*look, image)
    begun = begin_pass(
        job.network,
        job.segments,
        one,
        resize(job.content, one.height, one.width),
        _wanted(job, one),
        job.emphasis,
        image=image,
        before=before,
        is_first=number == 0,
        pieced=job.settings.init == "matched",
        preference=_LIKING * job.settings.noise_ratio,
        seed=job.settings.seed,
        number=number,
    )
    return begun.start, begun


def _objective(job: _Job, one: Scale, begun: MatchedPass | None) -> Objective:
    return make_objective(
        job.network,
        job.segments,
        resize(job.content, one.height, one.width),
        _wanted(job, one),
        job.emphasis,
        job.kept(one),
        matches=begun and begun.term,
        gray=job.gray,
    )


def _wanted(job: _Job, one: Scale) -> list[Wanted]:
    """The styles at the size at which their strokes are to be seen beside a canvas of that size."""
    fit, smallest = STYLE_FITS[job.settings.style_fit], job.backbone.smallest_side
    return [
        Wanted(at_scale(style, fit, one, smallest), style.share, style.where, style.part)
        for style in job.styles
    ]


def _optimizer(job: _Job, number: int, before: Optimizer | None) -> Optimizer:
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
    if settings.losses == "relative" or settings.statistic == NEAREST:
        return False
    return STATISTICS[settings.statistic].matrix is not None


_LIKING = 0.4
"""How much a noise ratio of 1 prefers some parts of a style, as a cosine. Chosen by looking."""

_EVENT = "Iteration {iteration}: {event}; on from the best picture, with shorter steps."


def _emphasis(backbone: Backbone, settings: Settings) -> Emphasis:
    matching = settings.statistic == NEAREST
    usual = backbone.match_layers if matching else backbone.style_layers
    return Emphasis(
        content_layers=parse_layers(settings.content_layers, backbone.content_layers),
        style_layers=lean(parse_layers(settings.style_layers, usual), settings.layer_exponent),
        content=settings.content_weight,
        style=settings.style_weight,
        tv=settings.tv_weight,
        tv_form=settings.tv_form,
        statistic=settings.statistic,
        units=settings.losses,
    )
