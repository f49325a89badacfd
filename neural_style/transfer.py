"""The algorithm, from two pictures to frames. Read this first.

A picture is optimized until a fixed network sees in it the content of one image and the style of
another: Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (arXiv 1508.06576). It
grows from a small picture to the full size, so that broad shapes settle before fine strokes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, no_type_check

import torch

from neural_style.backbones import BACKBONES, Backbone
from neural_style.color import COLOR_MODES, match_color
from neural_style.decode import fit
from neural_style.devices import choose_device, choose_precision, memory_in_words
from neural_style.errors import ImageError
from neural_style.features import Network, extract, load_network
from neural_style.images import LONGEST, load_image, resize
from neural_style.losses import content_loss, gram, mean_square, style_loss, tv_loss
from neural_style.optimize import OPTIMIZERS, Terms, optimize
from neural_style.schedule import Clock, Scale, ladder, plan_scales
from neural_style.settings import INITS, Settings
from neural_style.tensors import ImageTensor
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
        note: Where the network's weights come from.
    """

    image: ImageTensor
    iteration: int
    losses: dict[str, float]
    seconds: float
    seconds_left: float
    milestone: bool
    note: str


def stylize(
    content: ImageTensor,
    style: ImageTensor,
    settings: Settings = Settings(),  # noqa: B008 (immutable)
    *,
    every: int = 0,
) -> Iterator[Frame]:
    """Repaints the content image in the manner of the style image, frame by frame.

    Closing the generator stops the work; nothing goes on behind it.

    Args:
        content: The picture whose scene is kept.
        style: The picture whose manner is taken, of any size.
        settings: Every knob.
        every: Also yield a frame each time so many iterations are done; 0 for milestones alone.

    Yields:
        The start picture (iteration 0), the milestones, and the picture after the last iteration.

    Raises:
        ImageError: A picture is no `ImageTensor`, is too small or too narrow for the network, or
            the start picture cannot be read.
        SettingsError: The device is not there, or has too little memory for this size.
        WeightsError: The weights cannot be had.
    """
    started = time.monotonic()
    backbone = BACKBONES[settings.backbone]
    _check_pictures(content, style, settings.size, backbone.smallest_side)
    start = None if settings.init in INITS else load_image(settings.init, longest=LONGEST)
    device = choose_device(settings.device)
    weights = load_weights(settings.backbone, settings.weights)
    network = load_network(
        backbone.build(),
        weights.tensors,
        weights.units,
        device=device,
        dtype=choose_precision(settings.precision, device),
        pooling=settings.pooling,
    )
    mode = COLOR_MODES[settings.color]
    content, style = mode.prepare(content.to(device), style.to(device))
    scales = plan_scales(
        *content.shape[-2:],
        settings.size,
        settings.scales,
        settings.iterations,
        backbone.smallest_side,
    )
    choice = OPTIMIZERS[settings.optimizer]
    canvas_image = _start(content, style, start, scales[0], settings)
    milestones = set(ladder(settings.iterations))
    clock = Clock(started, scales)
    before = 0
    with memory_in_words(settings.size):
        for number, scale in enumerate(scales):
            scaled_content = resize(content, scale.height, scale.width)
            scaled_style = resize(style, *_style_size(style, scale, backbone.smallest_side))
            canvas_image = resize(canvas_image, scale.height, scale.width)
            iterates = optimize(
                objective(network, backbone, scaled_content, scaled_style, settings),
                canvas_image,
                choice.canvas(scale.height, scale.width, device),
                choice.make(settings.learning_rate or choice.rate),
                scale.iterations,
            )
            for iterate in iterates:
                if number > 0 and iterate.iteration == 0:
                    continue  # already shown, at the size before
                iteration = before + iterate.iteration
                canvas_image = iterate.image
                if iteration in milestones or (every and iteration % every == 0):
                    seconds, seconds_left = clock.read(number, iterate.iteration)
                    yield Frame(
                        image=mode.finish(iterate.image, scaled_content).to("cpu", copy=True),
                        iteration=iteration,
                        losses=iterate.losses,
                        seconds=seconds,
                        seconds_left=seconds_left,
                        milestone=iteration in milestones,
                        note=weights.source,
                    )
            before += scale.iterations


_OVERSHOOT = 1e-3
"""Rounding that a picture's values may show outside [0, 1]."""


def objective(
    network: Network,
    backbone: Backbone,
    content: ImageTensor,
    style: ImageTensor,
    settings: Settings,
) -> Terms:
    """The weighted terms to minimize, with their targets taken from the two pictures.

    Each layer's loss is relative: divided by the mean square of its target (`mean_square`).

    Args:
        content: At the size of the canvas.
        style: At the size at which its strokes are to be seen.
    """
    with torch.no_grad():
        content_targets = extract(network, content, backbone.content_layers)
        style_features = extract(network, style, backbone.style_layers)
        style_targets = {layer: gram(features) for layer, features in style_features.items()}
    content_shares = _relative(backbone.content_layers, content_targets)
    style_shares = _relative(backbone.style_layers, style_targets)
    layers = content_targets.keys() | style_targets.keys()

    def terms(image: ImageTensor) -> dict[str, torch.Tensor]:
        features = extract(network, image, layers)
        content_term = sum(
            share * content_loss(features[layer], content_targets[layer])
            for layer, share in content_shares.items()
        )
        style_term = sum(
            share * style_loss(features[layer], style_targets[layer])
            for layer, share in style_shares.items()
        )
        return {
            "content": settings.content_weight * content_term,
            "style": settings.style_weight * style_term,
            "tv": settings.tv_weight * tv_loss(image),
        }

    return terms


def _relative(
    shares: dict[str, float], targets: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    return {layer: share / mean_square(targets[layer]) for layer, share in shares.items()}


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


def _style_size(style: ImageTensor, scale: Scale, smallest_side: int) -> tuple[int, int]:
    """As long as the canvas, so that strokes keep their share of the picture; never enlarged."""
    height, width = style.shape[-2:]
    longest = max(height, width)
    needed = -(-smallest_side * longest // min(height, width))
    return fit(height, width, min(longest, max(scale.height, scale.width, needed)))


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
