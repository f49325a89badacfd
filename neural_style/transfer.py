"""The algorithm, from two pictures to frames. Read this first.

A picture is optimized until a fixed network sees in it the content of one image and the style of
another: Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (arXiv 1508.06576). It
grows from a small picture to the full size, so that broad shapes settle before fine strokes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, no_type_check

import torch

from neural_style.backbones import BACKBONES, Backbone, parse_layers
from neural_style.color import finish_colors, match_color, prepare_colors
from neural_style.decode import fit
from neural_style.devices import (
    choose_device,
    choose_precision,
    forget_unused_memory,
    memory_is_exhausted,
)
from neural_style.errors import ImageError, NeuralStyleError
from neural_style.features import load_network
from neural_style.images import LONGEST, load_image, resize
from neural_style.memory import plan_memory
from neural_style.objective import Emphasis, make_objective
from neural_style.optimize import optimize
from neural_style.optimizers import ENGINES, State
from neural_style.resume import identify, move, plan_rest
from neural_style.schedule import STYLE_FITS, Clock, Scale, ladder, plan_scales
from neural_style.settings import INITS, Settings, settle
from neural_style.statistics import STATISTICS
from neural_style.tensors import ImageTensor
from neural_style.tiling import cut_network
from neural_style.weights import load_weights


class Frame(NamedTuple):
    """A picture on its way.

    Attributes:
        image: The best picture so far at the current scale, on the CPU; a copy that stays as it is.
        iteration: Optimizer steps taken, over all scales.
        losses: The weighted terms of the objective, "content", "style" and "tv", of this very
            picture (before the content's colors are put back, where that is asked for); their sum
            is what is minimized. Comparable within one scale only.
        seconds: Time since the start of the run.
        seconds_left: Estimated time to the end.
        milestone: On the ladder 0, 1, 2, 5, 10, 20, 50, …, or the last.
        note: Where the network's weights come from, and how memory is spared where it must be.
        events: What the guard did since the frame before, a sentence each.
        state: Makes what `stylize` goes on from exactly, given as its `resume`: `torch.save` keeps
            it, `torch.load(…, weights_only=True)` brings it back. To be asked for before the next
            frame.
    """

    image: ImageTensor
    iteration: int
    losses: dict[str, float]
    seconds: float
    seconds_left: float
    milestone: bool
    note: str
    events: tuple[str, ...]
    state: Callable[[], State]


def stylize(
    content: ImageTensor,
    style: ImageTensor,
    settings: Settings = Settings(),  # noqa: B008 (immutable)
    *,
    every: int = 0,
    resume: State | None = None,
) -> Iterator[Frame]:
    """Repaints the content image in the manner of the style image, frame by frame.

    Closing the generator stops the work; nothing goes on behind it.

    Args:
        content: The picture whose scene is kept.
        style: The picture whose manner is taken, of any size.
        settings: Every knob.
        every: Also yield a frame each time so many iterations are done; 0 for milestones alone.
        resume: What a frame's `state()` returned: goes on after that frame, as if there had been
            no break. The pictures and settings must be the same; the iterations may be more.

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
    events: list[str] = []
    while True:
        newest: dict[str, Any] = {}
        try:
            yield from _stylize(content, style, settings, every, resume, started, events, newest)
            return
        except (MemoryError, RuntimeError) as error:
            if not memory_is_exhausted(error) or "planned" not in newest:
                raise
        forget_unused_memory()
        settings = replace(settings, memory_gb=_LESS * newest["planned"] / 1e9)
        resume = _state(newest) if "save" in newest else resume
        if _EXHAUSTED not in events:
            events.append(_EXHAUSTED)


_LESS = 0.85
_EXHAUSTED = "Memory ran out; on in smaller parts."


def _stylize(
    content: ImageTensor,
    style: ImageTensor,
    settings: Settings,
    every: int,
    resume: State | None,
    started: float,
    events: list[str],
    newest: dict[str, Any],
) -> Iterator[Frame]:
    """`stylize` within one plan for the memory.

    Args:
        started: When the run began.
        events: To be told with the next frame.
        newest: Is given what `_state` needs, and the bytes planned for.
    """
    settings = settle(settings)
    engine = ENGINES[settings.engine]
    choice = engine.optimizers[settings.optimizer]
    backbone = BACKBONES[settings.backbone]
    emphasis = _emphasis(backbone, settings)
    layers = {*emphasis.content_layers, *emphasis.style_layers}
    _check_pictures(content, style, settings.size, backbone.smallest_side)
    given = None if settings.init in INITS else load_image(settings.init, longest=LONGEST)
    device = choose_device(settings.device)
    weights = load_weights(settings.backbone, settings.weights)
    network = load_network(
        backbone.build(),
        weights.tensors,
        weights.units,
        device=device,
        dtype=choose_precision(settings.precision, device),
        pooling=settings.pooling,
        border=settings.border,
    )
    identity = identify(content, style, settings, weights.digest)
    shown_color, colors = content.to(device), (settings.color, settings.color_strength)
    content, style = prepare_colors(*colors, shown_color, style.to(device))
    if resume is None:
        scales = plan_scales(
            *content.shape[-2:],
            settings.size,
            settings.scales,
            settings.iterations,
            backbone.smallest_side,
        )
        place, reached, image = 0, None, _start(content, style, given, scales[0], settings)
    else:
        scales = plan_rest(resume, identity, settings.iterations)
        place, reached = resume["scale"], move(resume["pass"], device)
        image = reached["image"]
    plan = plan_memory(network, layers, scales[-1], choice.history, device, settings.memory_gb)
    note = "; ".join(filter(None, [weights.source, plan.note]))
    segments = cut_network(network, layers, plan.rows)
    milestones = set(ladder(settings.iterations))
    clock = Clock(started, scales, place, reached["iteration"] if reached else 0)
    newest |= {"identity": identity, "scales": [tuple(scale) for scale in scales]}
    newest["planned"] = plan.bytes
    for number, scale in enumerate(scales[place:], place):
        before = sum(earlier.iterations for earlier in scales[:number])
        scaled_content = resize(content, scale.height, scale.width)
        scaled_color = resize(shown_color, scale.height, scale.width)
        style_size = STYLE_FITS[settings.style_fit](
            *style.shape[-2:], scale, backbone.smallest_side
        )
        scaled_style = resize(style, *style_size)
        iterates = optimize(
            make_objective(network, segments, scaled_content, scaled_style, emphasis),
            image if reached else resize(image, scale.height, scale.width),
            choice.canvas(scale.height, scale.width, device),
            choice.make(settings.learning_rate, plan.history),
            scale.iterations,
            guarded=engine.guarded,
            eased=choice.eased[min(number, 1)] if STATISTICS[settings.statistic].matrix else 0,
            resume=reached,
        )
        if reached or number > 0:
            iterate = next(iterates)  # already shown
        reached = None
        for iterate in iterates:
            iteration = before + iterate.iteration
            newest.update(iteration=iteration, scale=number, save=iterate.state)
            if iterate.event:
                events.append(_EVENT.format(iteration=iteration, event=iterate.event))
            if iteration in milestones or (every and iteration % every == 0):
                seconds, seconds_left = clock.read(number, iterate.iteration)
                shown = finish_colors(*colors, iterate.image, scaled_color)
                yield Frame(
                    image=shown.to("cpu", copy=True),
                    iteration=iteration,
                    losses=iterate.losses,
                    seconds=seconds,
                    seconds_left=seconds_left,
                    milestone=iteration in milestones,
                    note=note,
                    events=tuple(events),
                    state=partial(_save, newest, iteration),
                )
                events.clear()
        image = iterate.image


_EVENT = "Iteration {iteration}: {event}; on from the best picture, with shorter steps."


def _save(newest: dict[str, Any], iteration: int) -> State:
    if newest["iteration"] != iteration:
        raise NeuralStyleError(
            f"Only the newest frame's state can be had, that of iteration {newest['iteration']}; "
            f"this frame is of {iteration}. Ask for it before the next frame."
        )
    return _state(newest)


def _state(newest: dict[str, Any]) -> State:
    common = {key: newest[key] for key in ("identity", "scales", "scale")}
    return common | {"pass": newest["save"]()}


_OVERSHOOT = 1e-3
"""Rounding that a picture's values may show outside [0, 1]."""


def _start(
    content: ImageTensor,
    style: ImageTensor,
    given: ImageTensor | None,
    scale: Scale,
    settings: Settings,
) -> ImageTensor:
    """The picture before the first step, at the first scale."""
    generator = torch.Generator().manual_seed(settings.seed)
    noise = torch.rand(1, 3, scale.height, scale.width, generator=generator).to(content.device)
    if settings.init == "noise":
        return noise
    if given is not None:
        picture = given.to(content.device)
    elif settings.init == "recolored":
        picture = match_color(content, style)
    else:
        picture = content
    picture = resize(picture, scale.height, scale.width)
    return torch.lerp(picture, noise, settings.noise_ratio)


def _emphasis(backbone: Backbone, settings: Settings) -> Emphasis:
    return Emphasis(
        content_layers=parse_layers(settings.content_layers, backbone.content_layers),
        style_layers=parse_layers(settings.style_layers, backbone.style_layers),
        content=settings.content_weight,
        style=settings.style_weight,
        tv=settings.tv_weight,
        statistic=settings.statistic,
        relative=settings.losses == "relative",
    )


@no_type_check  # says in words what a type checker would
def _check_pictures(content: Any, style: Any, size: int, smallest_side: int) -> None:
    for name, picture in (("content", content), ("style", style)):
        shape = tuple(getattr(picture, "shape", ()))
        if (
            not isinstance(picture, torch.Tensor)
            or (len(shape), *shape[:2]) != (4, 1, 3)
            or picture.dtype != torch.float32
        ):
            raise ImageError(
                f"The {name} image must be a float32 tensor of shape (1, 3, height, width), as "
                f"load_image gives it; it is {type(picture).__name__} "
                f"{getattr(picture, 'dtype', '')} {shape}."
            )
        if not (picture.min() >= -_OVERSHOOT and picture.max() <= 1 + _OVERSHOOT):
            raise ImageError(
                f"The {name} image has values from {picture.min():.3g} to {picture.max():.3g}; "
                "they must lie in [0, 1]. Divide 0–255 by 255."
            )
        height, width = picture.shape[-2:]
        if min(height, width) < smallest_side:
            raise ImageError(
                f"The {name} image is {width}×{height}; the network needs {smallest_side} pixels a "
                "side. Use a larger one."
            )
    height, width = content.shape[-2:]
    scaled = fit(height, width, size)
    if min(scaled) < smallest_side:
        raise ImageError(
            f"The content image is {width}×{height}, so narrow that at size {size} it would be "
            f"{scaled[1]}×{scaled[0]}; the network needs {smallest_side} pixels a side. "
            "Crop it, or choose a larger size."
        )
