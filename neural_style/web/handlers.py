"""What happens when a button is pressed, or the API is called: checks, the run, its files."""

from __future__ import annotations

import inspect
import os
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import Field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from neural_style.backbones import BACKBONES
from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.images import LONGEST, load_image, load_with_alpha, save_image
from neural_style.masks import Masks
from neural_style.recipe import PICTURE, read_recipe
from neural_style.schedule import parse_shares, plan_scales
from neural_style.settings import INITS, Settings, check_knob, knobs, settle
from neural_style.tensors import ImageTensor, Mask
from neural_style.transfer import Frame, stylize
from neural_style.web import texts

PAGE_LIMITS = {"iterations": 2000, "size": 1536}
"""What one visit may cost, where that is less than the knob allows; the shell goes further."""

MAX_UPLOAD_MEGABYTES = 30

KEPT_SECONDS = 86_400
"""How long pictures stay on the server's disk."""

MOST_RESERVED_SECONDS = 120
"""A visitor without an account has two minutes of ZeroGPU a day."""

_SETUP_SECONDS = 10
_PIXELS_PER_SECOND = 5_000_000
"""Pixels × iterations a second on the full card that ZeroGPU lends: a guess, not yet measured."""

_YIELD_SECONDS = 0.25
_PREVIEW_SECONDS = 0.5
_PREVIEW_KEPT_SECONDS = 10
"""A browser at the end of a slow line may still be fetching it."""

_PREVIEWS_LEFT = 3

Outputs = tuple[str | None, list[tuple[str, str]], str]
"""The picture, the gallery as (file, caption), and the line above the picture."""


def page_knobs() -> dict[str, Field]:
    """The knobs that visitors may turn: all but those that belong to the host."""
    return {name: about for name, about in knobs().items() if not about.metadata["host"]}


def named_parameters(handler: Callable) -> Callable:
    """Gives a handler of `(content, style, init_image, *rest)` one named parameter for each of the
    rest: a value for every knob of the page, then the pictures of `texts.MORE_PICTURES`.

    The names, defaults and descriptions that API users see are read from the signature and the
    docstring; taking them from `Settings` keeps the two from drifting apart.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    pictures = [
        inspect.Parameter("content", kind, annotation=str),
        inspect.Parameter("style", kind, annotation=str),
        inspect.Parameter("init_image", kind, default=None, annotation=str | None),
    ]
    values = [
        inspect.Parameter(name, kind, default=about.default, annotation=type(about.default))
        for name, about in page_knobs().items()
    ]
    more = [
        inspect.Parameter(name, kind, default=None, annotation=str | None)
        for name in texts.MORE_PICTURES
    ]
    described = [
        f"content: {texts.CONTENT_HELP}",
        f"style: {texts.STYLE_HELP}",
        f"init_image: {texts.START_IMAGE_HELP}",
        *(f"{name}: {about.metadata['help']}" for name, about in page_knobs().items()),
        *(f"{name}: {help_}" for name, (_, help_) in texts.MORE_PICTURES.items()),
    ]
    handler.__signature__ = inspect.Signature([*pictures, *values, *more])
    handler.__doc__ = "\n".join([handler.__doc__, "", "Args:", *(f"    {x}" for x in described)])
    return handler


@named_parameters
def check_inputs(
    content: str | None, style: str | None, init_image: str | None, *rest: Any
) -> list[dict]:
    """Says of each input whether it will do, before anybody waits in line."""
    values, more = _split(rest)
    verdicts = [
        _verdict(_check_upload, "content", content, texts.NO_CONTENT),
        _verdict(_check_upload, "style", style, texts.NO_STYLE),
        _verdict(_check_upload, "init_image", init_image),
        *(
            _verdict(_check_value, name, about, value)
            for (name, about), value in zip(page_knobs().items(), values, strict=True)
        ),
        *(_verdict(_check_upload, name, path) for name, path in more.items()),
    ]
    if all(verdict["is_valid"] for verdict in verdicts):
        place = [*inspect.signature(check_inputs).parameters].index("iterations")
        verdicts[place] = _verdict(_check_together, init_image, values)
    return verdicts


@named_parameters
def reserve_seconds(
    content: str | None, style: str | None, init_image: str | None, *rest: Any
) -> int:
    """How long a run needs a ZeroGPU's full card, generously."""
    try:
        settings = _settings(init_image, _split(rest)[0])
    except SettingsError:
        return _SETUP_SECONDS  # the run itself will say what is wrong
    return _estimate(settings)


@named_parameters
def run_stylize(
    content: str | None, style: str | None, init_image: str | None, *rest: Any
) -> Iterator[Outputs]:
    """Repaints the content image in the manner of the style image; yields pictures as it goes.

    The last result's picture is a PNG file of the full size; the ones before are previews.
    """
    try:
        values, more = _split(rest)
        settings = _settings(init_image, values)
        _check_duration(settings)
        yield None, [], texts.PREPARING
        picture, alpha = load_with_alpha(
            _check_upload("content", content, texts.NO_CONTENT), longest=LONGEST
        )
        styles = [
            load_image(_check_upload("style", style, texts.NO_STYLE), longest=LONGEST),
            *_load_some(more, "style_2"),
        ]
        masks = Masks(
            styles=_load_some(more, "mask", "mask_2"),
            keep=next(iter(_load_some(more, "keep_mask")), None),
        )
        with closing(stylize(picture, styles, settings, masks=masks, every=1)) as frames:
            yield from _show(frames, settings, alpha)
    except NeuralStyleError as error:
        yield None, [], texts.failed(str(error))
        raise gr.Error(str(error), title=texts.ERROR_TITLE, print_exception=False) from error


def _split(rest: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, str | None]]:
    """The knobs' values, and the pictures that may be left out."""
    count = len(page_knobs())
    return rest[:count], dict(zip_longest(texts.MORE_PICTURES, rest[count:]))


def _load_some(more: dict[str, str | None], *names: str) -> list[ImageTensor]:
    """Those of the pictures that were given."""
    paths = [_check_upload(name, more[name]) for name in names]
    return [load_image(path, longest=LONGEST) for path in paths if path is not None]


def restore(path: str | None) -> list[Any]:
    """Every knob of the page as the recipe in a PNG has it."""
    try:
        recipe = read_recipe(_check_upload("recipe", path, texts.NO_RECIPE))
        chosen = {
            name: recipe.settings.get(name, about.default) for name, about in page_knobs().items()
        }
        if chosen["init"] == PICTURE:
            chosen["init"] = Settings().init
            gr.Info(texts.START_IMAGE_WANTED)
        return [_check_value(name, about, chosen[name]) for name, about in page_knobs().items()]
    except NeuralStyleError as error:
        raise gr.Error(str(error), title=texts.ERROR_TITLE, print_exception=False) from error


def _show(frames: Iterator[Frame], settings: Settings, alpha: Mask | None) -> Iterator[Outputs]:
    """Writes each milestone once, between them a cheap preview now and then; yields at every step.

    A step shorter than a quarter of a second shares its yield with the next. Only at a yield can a
    Stop or a closed tab reach the run. The last picture is as opaque as the content image.
    """
    folder = _sweep(Path(get_upload_folder()) / "runs") / secrets.token_urlsafe(16)
    gallery: list[tuple[str, str]] = []
    previews: deque[tuple[float, Path]] = deque()
    yielded = shown = 0.0
    event = ""
    try:
        for frame in frames:
            now = time.monotonic()
            event = frame.events[-1] if frame.events else event
            folder.mkdir(parents=True, exist_ok=True)
            if frame.milestone:
                ended = frame.iteration == settings.iterations
                picture = save_image(
                    frame.image,
                    folder / f"stylized-{frame.iteration:06d}.png",
                    frame.recipe,
                    alpha=alpha if ended else None,
                )
                gallery = [*gallery, (str(picture), texts.caption(frame.iteration, frame.losses))]
                shown = now
            elif now - shown >= _PREVIEW_SECONDS:
                picture = save_image(frame.image, folder / f"preview-{frame.iteration:06d}.jpg")
                previews.append((now, picture))
                shown = now
            elif now - yielded < _YIELD_SECONDS:
                continue
            while previews and now - previews[0][0] > _PREVIEW_KEPT_SECONDS:
                previews.popleft()[1].unlink(missing_ok=True)
            yielded = now
            yield str(picture), gallery, _status(frame, settings.iterations, event)
    finally:
        while len(previews) > _PREVIEWS_LEFT:
            previews.popleft()[1].unlink(missing_ok=True)


def _sweep(runs: Path) -> Path:
    """The folder of all runs, without those of yesterday: Gradio sweeps only what it has sent."""
    oldest = time.time() - KEPT_SECONDS
    for folder in runs.glob("*"):
        with suppress(FileNotFoundError):  # swept by another run
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
    return runs


def _status(frame: Frame, iterations: int, event: str) -> str:
    if frame.iteration == iterations:
        return texts.done(iterations, frame.losses, frame.seconds, frame.note)
    size = frame.image.shape[-2:]
    left = frame.seconds_left
    return texts.running(frame.iteration, iterations, tuple(size), frame.losses, left, event)


def _verdict(check: Callable, *arguments: Any) -> dict:
    try:
        check(*arguments)
    except SettingsError as error:
        return gr.validate(False, str(error))
    return gr.validate(True, "")


def _check_upload(name: str, path: str | None, missing: str = "") -> str | None:
    """The path, if it leads to an uploaded file: Gradio lets paths of the host through."""
    if path is None and missing:
        raise SettingsError(missing)
    try:
        uploaded = path is None or is_in_or_equal(path, get_upload_folder())
    except ValueError:  # not even a path
        uploaded = False
    if not uploaded:
        raise SettingsError(texts.NOT_UPLOADED.format(name=name))
    return path


def _settings(init_image: str | None, values: tuple[Any, ...]) -> Settings:
    given = {
        name: _check_value(name, about, value)
        for (name, about), value in zip(page_knobs().items(), values, strict=True)
    }
    if init_image is not None:
        given["init"] = _check_upload("init_image", init_image)
    return Settings(**given)


def _check_value(name: str, about: Field, value: Any) -> Any:
    """The value, if both its knob and the page allow it; a path from a visitor is no start."""
    if name == "init" and value not in INITS:
        raise SettingsError(texts.NOT_AN_UPLOAD.format(choices=", ".join(INITS), given=value))
    checked = check_knob(about, value)
    if name in PAGE_LIMITS and checked > PAGE_LIMITS[name]:
        raise SettingsError(texts.OVER_PAGE_LIMIT.format(name=name, limit=PAGE_LIMITS[name]))
    return checked


def _estimate(settings: Settings) -> int:
    """Seconds of a full card for a square picture, the most that a size can mean."""
    smallest = BACKBONES[settings.backbone].smallest_side
    scales = plan_scales(
        1,
        1,
        settings.size,
        settle(settings).scales,
        settings.iterations,
        smallest,
        factor=settings.scale_factor,
        shares=parse_shares(settings.scale_shares),
    )
    work = sum(scale.height * scale.width * scale.iterations for scale in scales)
    return _SETUP_SECONDS + round(work / _PIXELS_PER_SECOND)


def _check_together(init_image: str | None, values: tuple[Any, ...]) -> None:
    _check_duration(_settings(init_image, values))


def _check_duration(settings: Settings) -> None:
    seconds = _estimate(settings)
    if _on_zero_gpu() and seconds > MOST_RESERVED_SECONDS:
        raise SettingsError(texts.TOO_LONG.format(seconds=seconds, limit=MOST_RESERVED_SECONDS))


def _on_zero_gpu() -> bool:
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
