"""What happens when a button is pressed, or the API is called: the run, its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.images.files import LONGEST, load_image, load_with_alpha
from neural_style.images.masks import Masks, load_styles
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
from neural_style.web.run import runs
from neural_style.web.run.call import Call, call_of, named_parameters, named_values, page_knobs
from neural_style.web.run.checks import (
    MAX_UPLOAD_MEGABYTES,
    PAGE_LIMITS,
    check_upload,
    check_value,
    refusal,
    settings_of,
)
from neural_style.web.run.cost import (
    check_cost,
    expected_seconds,
    machine_speed,
    reserved_seconds,
)
from neural_style.web.run.end import End
from neural_style.web.run.show import Outputs, Show
from neural_style.web.text import texts
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import (
    PageError,
    escape_markdown,
    format_duration,
    localize,
    translate,
)

_SETUP_SECONDS = 10


@named_parameters
def reserve_seconds(*arguments: Any, **named: Any) -> int:
    """How long a run needs a ZeroGPU's full card, generously."""
    try:
        return reserved_seconds(settings_of(call_of(*arguments, **named).values))
    except SettingsError:
        return _SETUP_SECONDS  # the run itself will say what is wrong


@named_parameters
def run_stylize(*arguments: Any, **named: Any) -> Iterator[Outputs]:
    """Repaints the content image in the manner of the style image; yields pictures as it goes.

    The last result's picture is a PNG file of the full size; the ones before are previews.
    """
    call = call_of(*arguments, **named)
    try:
        settings = settings_of(call.values)
        check_cost(settings)
        folder = runs.new_run()
        runs.write_call(folder, call)
        yield from _run(folder, call, settings)
    except NeuralStyleError as error:
        yield _refused(error, call.language)
        raise refusal(error, call.language) from error


@named_parameters
def run_stylize_image(*arguments: Any, **named: Any) -> Iterator[str | None]:
    """Repaints the content image in the manner of the style image; gives the finished picture.

    The picture is a PNG file of the full size. For pictures on the way, use `stylize`.
    """
    with closing(run_stylize(*arguments, **named)) as results:
        for shown in results:
            yield shown.picture


def reserve_more_seconds(run: str | None, more: Any, language: str) -> int:
    """How long to go on needs a ZeroGPU's full card, generously."""
    try:
        return reserved_seconds(_continued(run, more).rest)
    except SettingsError:
        return _SETUP_SECONDS


def run_continue(run: str | None, more: Any, language: str) -> Iterator[Outputs]:
    """Goes on with the run for so many iterations more, exactly from where it ended."""
    try:
        continued = _continued(run, more)
        check_cost(continued.rest)
        call = replace(continued.call, language=language)
        yield from _run(continued.folder, call, continued.settings, continued.end)
    except NeuralStyleError as error:
        yield _refused(error, language)
        raise refusal(error, language) from error


@dataclass(frozen=True)
class _Continued:
    """A run that is to be continued.

    Attributes:
        end: How it ended.
        settings: What was asked for, with more iterations.
        rest: A run as long as what is left of this one, at its full size.
    """

    folder: Path
    call: Call
    end: End
    settings: Settings
    rest: Settings


def _continued(run: str | None, more: Any) -> _Continued:
    """The run with so many iterations more.

    Raises:
        SettingsError: There is no such run, its state is gone, what is kept of it is damaged, or
            that is too many.
    """
    if run and runs.find_result(run):
        raise PageError("shared_ends_here")
    folder = runs.find_run(run)
    end = runs.last_end(folder) if folder else None
    if folder is None or end is None or end.reached is None:
        raise PageError("nothing_to_continue")
    if not runs.state_file(folder).exists():
        raise PageError("state_gone")
    call = runs.read_call(folder)
    reached, about = end.reached, page_knobs()["iterations"]
    goal = check_value(about, reached.iteration + check_value(about, more))
    settings = replace(settings_of(call.values), iterations=max(goal, reached.planned))
    left = settings.iterations - reached.iteration
    rest = replace(settings, iterations=left, scales=1, scale_shares=())
    return _Continued(folder, call, end, settings, rest)


def _refused(error: NeuralStyleError, language: str) -> Outputs:
    return Outputs(None, [], texts.failure_status(error.message, language), None, None)


def restored(path: str | None) -> tuple[dict[str, Any], Recipe]:
    """The value of every knob of the page as the recipe in a PNG has it, and that recipe.

    Raises:
        NeuralStyleError: It has none that this page could follow.
    """
    recipe = read_recipe(check_upload("recipe", path))
    chosen = recipe_settings(recipe)
    values = {n: write_knob(about, getattr(chosen, n)) for n, about in page_knobs().items()}
    settings_of(values)
    return values, recipe


def restore(path: str | None, language: str = DEFAULT_LANGUAGE) -> list[Any]:
    """The values of `restored`, for the knobs' widgets."""
    try:
        values, recipe = restored(path)
    except NeuralStyleError as error:
        raise refusal(error, language) from error
    if recipe.digests["start image"] is not None:
        gr.Info(translate("start_image_wanted", language))
    return [*values.values()]


def estimate(language: str, *values: Any) -> str:
    """How long a run with these values will take here, in words."""
    try:
        settings = settings_of(named_values(*values))
    except SettingsError as error:
        return escape_markdown(localize(error.message, language))
    return translate(
        "estimate", language, time=format_duration(expected_seconds(settings), language)
    )


def info() -> dict:
    """What this service is: its version, networks, manners with their presets, presets, limits."""
    usual = Settings()
    return {
        "version": __version__,
        "backbones": [*BACKBONES],
        "manners": {
            name: {"help": MANNER_HELP[name], "presets": qualities}
            for name, qualities in MANNERS.items()
        },
        "presets": {
            name: {
                knob: write_knob(about, getattr(preset, knob))
                for knob, about in page_knobs().items()
                if getattr(preset, knob) != getattr(usual, knob)
            }
            for name, preset in PRESETS.items()
        },
        "limits": PAGE_LIMITS | {"upload_megabytes": MAX_UPLOAD_MEGABYTES},
        "languages": [*LANGUAGES],
    }


def _run(
    folder: Path, call: Call, settings: Settings, before: End | None = None
) -> Iterator[Outputs]:
    """The run that was asked for, from its start, or from the state in its folder."""
    show = Show(folder, settings, call.language, before)
    runs.begin(folder)
    try:
        yield show.opening("preparing" if before is None else "going_on")
        state = None if before is None else load_state(runs.state_file(folder))
        content, alpha = load_with_alpha(
            check_upload("content", call.pictures["content"]), longest=LONGEST
        )
        paths = {
            name: check_upload(name, path)
            for name, path in call.pictures.items()
            if name != "content" and (path is not None or name == "style")
        }
        painted = [paths.pop(name) for name in ("style", "style_2") if name in paths]
        styles, parts = load_styles(painted, longest=LONGEST)
        drawn = {name: load_image(path, longest=LONGEST) for name, path in paths.items()}
        masks = Masks(
            styles=[drawn[name] for name in ("mask", "mask_2") if name in drawn],
            parts=parts,
            keep=drawn.get("keep_mask"),
        )
        load_weights(settings.backbone, settings.network_weights)  # cached, for the run asks again
        yield show.opening("looking")
        options = {"every": 1, "resume": state, "speed": machine_speed()}
        options |= {"masks": masks, "init_image": drawn.get("init_image")}
        with closing(stylize(content, styles, settings, **options)) as frames:
            yield from show.frames(frames, alpha)
    except NeuralStyleError as error:
        show.failure = error.message
        raise
    finally:
        show.end()
