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
from neural_style.engines import ENGINES
from neural_style.features import load_network
from neural_style.frame import Frame
from neural_style.images import resize
from neural_style.masks import Masks, fit_mask, leave, read_masks
from neural_style.memory import plan_memory
from neural_style.objective import NEAREST, Emphasis, Wanted, make_objective
from neural_style.optimize import optimize
from neural_style.optimizers import State
from neural_style.passes import begin_pass, resume_pass
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
    cost_of,
    join_passes,
    ladder,
    parse_shares,
    plan_passes,
)
from neural_style.settings import INITS, Settings, settle
from neural_style.start import check_parts, check_pictures, load_start, start_picture
from neural_style.statistics import STATISTICS
from neural_style.styles import at_scale, gather_styles, move_style, recolor_style, size_at_scale
from neural_style.tensors import ImageTensor
from neural_style.tiling import cut_network
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
        given = content, styles, settings, masks, every, resume, replay, speed
        try:
            yield from _stylize(*given, told, started, events, newest)
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


def _stylize(
    content: ImageTensor,
    pictures: Sequence[ImageTensor],
    settings: Settings,
    masks: Masks,
    every: int,
    resume: State | None,
    replay: Recipe | None,
    speed: float,
    told: bool,
    started: float,
    events: list[str],
    newest: dict[str, Any],
) -> Iterator[Frame]:
    """`stylize` within one plan for the memory.

    Args:
        told: Whether a frame has told already how this run differs from another.
        started: When the run began.
        newest: Is given what `state_reached` needs, and the bytes planned for.
    """
    given_settings, settings = settings, settle(settings)
    engine = ENGINES[settings.engine]
    choice = engine.optimizers[settings.optimizer]
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
    given = None if settings.init in INITS else load_start(settings.init, content)
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
    shown_color, colors = content.to(device), (settings.color, settings.color_strength)
    content = prepare_content(*colors, shown_color)
    styles = [recolor_style(move_style(s, device), shown_color, *colors) for s in styles]
    keep = None if keep is None else keep.to(device)
    matching = settings.statistic == NEAREST
    scales = plan_passes(
        *content.shape[-2:],
        settings.size,
        settings.scales,
        settings.iterations,
        backbone.smallest_side,
        factor=settings.scale_factor,
        shares=parse_shares(settings.scale_shares),
        matching=matching,
    )
    if resume is None and settings.init == "matched":
        image, place, reached = content, 0, None
    elif resume is None:
        image = start_picture(
            content,
            styles,
            settings.init if given is None else given,
            scales[0],
            mean_color(weights.units),
            settings.noise_ratio,
            settings.seed,
        )
        place, reached = 0, None
    else:
        planned, scales = scales, plan_rest(resume, identity, settings.iterations)
        if scales != planned:  # the recipe of what was added: all of it at the full size
            sizes = join_passes(scales)
            shares = ",".join(str(size.iterations) for size in sizes)
            given_settings = replace(given_settings, scales=len(sizes), scale_shares=shares)
        place, reached = resume["scale"], move(resume["pass"], device)
        image = reached["image"]
    fit = STYLE_FITS[settings.style_fit]
    plan = plan_memory(
        network,
        layers,
        scales[-1],
        choice.history,
        choice.kept,
        device,
        settings.memory_gb,
        regions=len(masks.styles),
        styles=[size_at_scale(s, fit, scales[-1], backbone.smallest_side) for s in styles],
    )
    note = "; ".join(filter(None, [weights.source, plan.note]))
    conditions = Conditions(precision_name(network.dtype), plan.rows, plan.history)
    used, change = used_so_far(resume, conditions)
    if not told:
        changes = [change, change_of_conditions(replay, conditions) if replay else ""]
        events += filter(None, changes)
    segments = cut_network(network, layers, plan.rows)
    milestones = set(ladder(settings.iterations))
    # Relative losses, from a start in the style's colors, are brought down as fast without.
    can_ease = (
        settings.losses != "relative"
        and not matching
        and STATISTICS[settings.statistic].matrix is not None
    )
    gray = matching and all(is_gray(picture) for picture in [content, *(s.image for s in styles)])
    speed = (speed or GUESSED_SPEEDS[device.type]) / cost_of(settings.statistic)
    clock = Clock(started, scales, place, reached["iteration"] if reached else 0, speed=speed)
    newest |= {"identity": identity, "scales": [*map(tuple, scales)], "conditions": pack(used)}
    newest["planned"] = plan.bytes
    sizes = [size[:2] for size in join_passes(scales)]
    begun, optimizer = None, None
    for number, scale in enumerate(scales[place:], place):
        before = sum(earlier.iterations for earlier in scales[:number])
        scaled_content = resize(content, scale.height, scale.width)
        scaled_color = resize(shown_color, scale.height, scale.width)
        wanted = [
            Wanted(at_scale(s, fit, scale, backbone.smallest_side), s.share, s.where, s.part)
            for s in styles
        ]
        kept = None if keep is None else fit_mask(keep, scale.height, scale.width)
        same_size = number > place and scales[number - 1][:2] == scale[:2]
        if not matching:
            start = image if reached else resize(image, scale.height, scale.width)
        elif reached:
            stored = move(resume["matches"], device)
            begun = resume_pass(network, segments, stored, wanted, emphasis, image)
            start = image
        else:
            begun = begin_pass(
                network,
                segments,
                scale,
                scaled_content,
                wanted,
                emphasis,
                image=image,
                before=begun,
                is_first=number == 0,
                pieced=settings.init == "matched",
                preference=_LIKING * settings.noise_ratio,
                seed=settings.seed,
                number=number,
            )
            start = begun.start
        learned, optimizer = (
            optimizer,
            optimizer
            if matching and same_size
            else choice.make(settings.learning_rate, plan.history, choice.kept),
        )
        if matching and learned is optimizer:
            optimizer.retarget()
        elif matching and learned is not None:
            growth = scale.height * scale.width / (scales[number - 1][0] * scales[number - 1][1])
            optimizer.start_from(learned, growth)
        iterates = optimize(
            make_objective(
                network,
                segments,
                scaled_content,
                wanted,
                emphasis,
                kept,
                matches=begun and begun.term,
                gray=gray,
            ),
            start,
            choice.canvas(scale.height, scale.width, device),
            optimizer,
            scale.iterations,
            guarded=engine.guarded,
            average=settings.average,
            eased=choice.eased[min(number, 1)] if can_ease else 0,
            resume=reached,
        )
        if resume["shown"] if reached else number > 0:
            iterate = next(iterates)  # already shown
        reached = None
        for iterate in iterates:
            iteration = before + iterate.iteration
            seconds, seconds_left = clock.read(number, iterate.iteration)
            newest.update(scale=number, before=before, save=iterate.state)
            newest["matches"] = begun and begun.state
            due = iteration in milestones or (every and iteration % every == 0)
            if due:
                finished = finish_colors(*colors, iterate.image, scaled_color)
                finished = leave(kept, scaled_color, finished).to("cpu", copy=True)
            newest["shown"] = iteration  # as nothing can fail from here on
            if iterate.event:
                events.append(_EVENT.format(iteration=iteration, event=iterate.event))
            if due:
                yield Frame(
                    image=finished,
                    iteration=iteration,
                    scale=(sizes.index(scale[:2]) + 1, len(sizes)),
                    scale_ends=iterate.iteration == scale.iterations
                    and scale[:2] not in [following[:2] for following in scales[number + 1 :]],
                    losses=iterate.losses,
                    seconds=seconds,
                    seconds_left=seconds_left,
                    milestone=iteration in milestones,
                    note=note,
                    events=tuple(events),
                    state=partial(state_shown, newest, iteration),
                    recipe=make_recipe(given_settings, identity, iteration, used),
                )
                events.clear()
        image = iterate.image


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
