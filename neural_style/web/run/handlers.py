"""Handlers of the page's events and the API's endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.errors import FileError, NeuralStyleError, SettingsError
from neural_style.images.files import LONGEST, load_image, load_with_alpha
from neural_style.images.masks import Masks, load_styles
from neural_style.messages import Message
from neural_style.network.backbones import BACKBONES
from neural_style.network.weights import load_weights
from neural_style.record.checkpoint import load_state
from neural_style.record.recipe import Recipe, read_recipe
from neural_style.record.recipe import settings_of as recipe_settings
from neural_style.settings.knob import write_knob
from neural_style.settings.presets import MANNER_HELP, MANNERS, PRESETS
from neural_style.settings.settings import Settings
from neural_style.transfer import stylize
from neural_style.version import __version__
from neural_style.web.run import runs, status
from neural_style.web.run.call import (
    Call,
    call_from_arguments,
    page_knobs,
    with_stylize_signature,
)
from neural_style.web.run.checks import (
    MAX_UPLOAD_MEGABYTES,
    PAGE_LIMITS,
    check_upload,
    check_value,
    gradio_error,
    parse_settings,
)
from neural_style.web.run.cleanup import kept
from neural_style.web.run.cost import (
    check_cost,
    expected_seconds,
    machine_speed,
    reserved_seconds,
)
from neural_style.web.run.outcome import Outcome
from neural_style.web.run.view import Outputs, RunView
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import (
    PageError,
    localize,
    translate,
)

_FALLBACK_GPU_SECONDS = 10


@with_stylize_signature
def gpu_seconds(*arguments: Any, **named: Any) -> int:
    """Seconds of ZeroGPU's full card to reserve for a run, generously."""
    try:
        return reserved_seconds(parse_settings(call_from_arguments(*arguments, **named).values))
    except SettingsError:
        return _FALLBACK_GPU_SECONDS  # the run reports the error


@with_stylize_signature
def run_stylize(*arguments: Any, **named: Any) -> Iterator[Outputs]:
    """Repaints the content image in the manner of the style image; yields pictures as it goes.

    The last result's picture is a PNG file of the full size; the ones before are previews.
    """
    call = call_from_arguments(*arguments, **named)
    folder = None
    try:
        settings = parse_settings(call.values)
        check_cost(settings)
        folder = runs.create_run()
        yield from _run_in(folder, call, settings)
    except NeuralStyleError as error:
        yield _error_outputs(error, folder, call.language)
        raise gradio_error(error, call.language) from error


@with_stylize_signature
def run_stylize_image(*arguments: Any, **named: Any) -> Iterator[str | None]:
    """Repaints the content image in the manner of the style image; gives the finished picture.

    The picture is a PNG file of the full size. For pictures on the way, use `stylize`.
    """
    with closing(run_stylize(*arguments, **named)) as results:
        for shown in results:
            yield shown.picture


@with_stylize_signature
def run_seconds(*arguments: Any, **named: Any) -> float:
    """The estimated duration of a run on this machine."""
    try:
        return expected_seconds(parse_settings(call_from_arguments(*arguments, **named).values))
    except SettingsError:
        return 0.0  # the run reports the error


def seconds_to_continue(run: str | None, more: Any, language: str) -> float:
    """The estimated duration of a continuation on this machine; 0 if it cannot begin."""
    try:
        return expected_continuation_seconds(run, more)
    except SettingsError:
        return 0.0  # the run reports the error


def expected_continuation_seconds(run: str | None, more: Any) -> float:
    """The estimated duration of a continuation on this machine.

    Raises:
        SettingsError: It cannot begin.
    """
    continuation = _prepare_continuation(run, more)
    return expected_seconds(continuation.remaining, continuation.shape)


def gpu_seconds_to_continue(run: str | None, more: Any, language: str) -> int:
    """Seconds of ZeroGPU's full card to reserve for a continuation, generously."""
    try:
        return reserved_seconds(_prepare_continuation(run, more).remaining)
    except SettingsError:
        return _FALLBACK_GPU_SECONDS


def run_continue(run: str | None, more: Any, language: str) -> Iterator[Outputs]:
    """Continues a run from its saved state for `more` iterations, and yields its outputs."""
    folder = None
    try:
        continuation = _prepare_continuation(run, more)
        check_cost(continuation.remaining)
        folder = continuation.folder
        call = replace(continuation.call, language=language)
        yield from _run(folder, call, continuation.settings, continuation.outcome)
    except NeuralStyleError as error:
        yield _error_outputs(error, folder, language)
        raise gradio_error(error, language) from error


@dataclass(frozen=True)
class _Continuation:
    """A run that is to be continued.

    Attributes:
        outcome: Its outcome so far.
        settings: The requested settings, with more iterations.
        remaining: Settings of a run that costs as much as the remaining iterations.
        shape: Height and width of the picture.
    """

    folder: Path
    call: Call
    outcome: Outcome
    settings: Settings
    remaining: Settings
    shape: tuple[int, int]


def _prepare_continuation(run: str | None, more: Any) -> _Continuation:
    """Loads and checks the run for `more` iterations.

    Raises:
        SettingsError: There is no such run, its state is gone, its files are damaged, or the
            iterations exceed the limit.
    """
    if runs.find_shared(run):
        raise PageError("shared_ends_here")
    folder = runs.find_run(run)
    outcome = runs.last_outcome(folder) if folder else None
    if run and folder is None:
        raise PageError("result_deleted")
    if folder is None or outcome is None or outcome.last_picture is None:
        raise PageError("nothing_to_continue")
    if not runs.state_file(folder).exists():
        raise PageError("state_gone")
    call = runs.read_call(folder)
    reached, field = outcome.last_picture, page_knobs()["iterations"]
    try:
        goal = check_value(field, reached.iteration + check_value(field, more))
    except SettingsError as error:
        most = PAGE_LIMITS[field.name] - reached.iteration
        if not most:
            raise
        raise PageError("no_such_steps", most=most) from error
    settings = replace(parse_settings(call.values), iterations=max(goal, reached.planned))
    left = settings.iterations - reached.iteration
    remaining = replace(settings, iterations=left, scales=1, scale_shares=())
    shape = reached.height, reached.width
    return _Continuation(folder, call, outcome, settings, remaining, shape)


def _error_outputs(error: NeuralStyleError, folder: Path | None, language: str) -> Outputs:
    field = "by" if error.message.code == "no_such_steps" else ""
    failed = status.failed(error.message, language, field)
    return Outputs(None, [], failed, None, None if folder is None else str(folder))


def read_recipe_values(path: str | None) -> tuple[dict[str, Any], Recipe]:
    """The values of the page's components from the recipe in a PNG, and the recipe.

    Raises:
        NeuralStyleError: There is no recipe, or the page does not support it.
    """
    recipe = read_recipe(check_upload("recipe", path))
    chosen = recipe_settings(recipe)
    values = {n: write_knob(field, getattr(chosen, n)) for n, field in page_knobs().items()}
    parse_settings(values)
    return values, recipe


def restore(path: str | None, language: str = DEFAULT_LANGUAGE) -> list[Any]:
    """Event handler: the values of the components for settings, from the recipe in a PNG."""
    try:
        values, recipe = read_recipe_values(path)
    except NeuralStyleError as error:
        raise gradio_error(error, language) from error
    if recipe.digests["start image"] is not None:
        gr.Info(translate("start_image_wanted", language))
    return [*values.values()]


def service_info(weights: Message) -> dict:
    """What this service is: its version, networks, manners with their presets, presets, limits.

    Args:
        weights: Source of the weights that it has loaded.
    """
    defaults = Settings()
    return {
        "version": __version__,
        "weights": localize(weights),
        "backbones": [*BACKBONES],
        "manners": {
            name: {"help": MANNER_HELP[name], "presets": qualities}
            for name, qualities in MANNERS.items()
        },
        "presets": {
            name: {
                knob: write_knob(field, getattr(preset, knob))
                for knob, field in page_knobs().items()
                if getattr(preset, knob) != getattr(defaults, knob)
            }
            for name, preset in PRESETS.items()
        },
        "limits": PAGE_LIMITS | {"upload_megabytes": MAX_UPLOAD_MEGABYTES},
        "languages": [*LANGUAGES],
    }


def run_call(call: Call, settings: Settings) -> Iterator[Outputs]:
    """Runs the request in a new folder; yields its outputs.

    Raises:
        NeuralStyleError: The run failed.
    """
    folder = runs.create_run()
    yield from _run_in(folder, call, settings)


def _run_in(folder: Path, call: Call, settings: Settings) -> Iterator[Outputs]:
    runs.write_call(folder, call)
    yield from _run(folder, call, settings)


def _run(
    folder: Path, call: Call, settings: Settings, previous: Outcome | None = None
) -> Iterator[Outputs]:
    """Runs `stylize` and yields its outputs; continues from the saved state after `previous`."""
    with kept(folder), closing(_outputs(folder, call, settings, previous)) as outputs:
        yield from outputs


def _outputs(
    folder: Path, call: Call, settings: Settings, previous: Outcome | None
) -> Iterator[Outputs]:
    view = RunView(folder, settings, call.language, previous)
    runs.mark_started(folder)
    listening = True
    try:
        yield view.preparing_outputs("preparing" if previous is None else "going_on")
        state = None if previous is None else load_state(runs.state_file(folder))
        content, alpha = load_with_alpha(
            check_upload("content", call.pictures["content"]), longest=LONGEST
        )
        paths = {
            name: check_upload(name, path)
            for name, path in call.pictures.items()
            if name != "content" and (path is not None or name == "style")
        }
        style_paths = [paths.pop(name) for name in ("style", "style_2") if name in paths]
        styles, opacity = load_styles(style_paths, longest=LONGEST)
        other_pictures = {name: load_image(path, longest=LONGEST) for name, path in paths.items()}
        masks = Masks(
            styles=[other_pictures[name] for name in ("mask", "mask_2") if name in other_pictures],
            parts=opacity,
            keep=other_pictures.get("keep_mask"),
        )
        load_weights(settings.backbone, settings.network_weights)  # cached for `stylize`
        yield view.preparing_outputs("looking")
        options = {"every": 1, "resume": state, "speed": machine_speed(settings)}
        options |= {"masks": masks, "init_image": other_pictures.get("init_image")}
        with closing(stylize(content, styles, settings, **options)) as frames:
            yield from view.frame_outputs(frames, alpha)
    except GeneratorExit:
        listening = False
        raise
    except NeuralStyleError as error:
        view.failure = error.message
        raise
    finally:
        with nullcontext() if listening else suppress(FileError):
            view.finish()
