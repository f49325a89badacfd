"""Recipes: settings and digests of the inputs, stored in a PNG, to make the picture again.

A recipe has no names of files or people, and of the input pictures only SHA-256 digests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, no_type_check

import torch
from PIL import Image

from neural_style.errors import ImageError, SettingsError
from neural_style.images.decode import DECODER_ERRORS
from neural_style.images.files import check_file
from neural_style.messages import Message
from neural_style.record.conditions import Conditions, compare, pack, unpack
from neural_style.settings.settings import Settings, knobs
from neural_style.tensors import ImageTensor
from neural_style.version import __version__

KEYWORD = "neural-style-space"
"""Keyword of the PNG text chunk that holds the recipe."""

_DIGESTS = ("content image", "style image", "masks", "start image", "network's weights")
_FORMAT = 3


class Recipe(NamedTuple):
    """How a picture was made.

    Attributes:
        settings: All settings except the host's.
        digests: SHA-256 of content image, style images, masks, start image (None where there was
            none) and the network's weights.
        iteration: The iteration of this picture.
        conditions: Conditions of the run, in order of use; usually one.
        made_with: Versions of the program and of torch.
    """

    settings: dict[str, Any]
    digests: dict[str, Any]
    iteration: int
    conditions: list[Conditions]
    made_with: dict[str, str]


def make_recipe(
    settings: Settings, identity: dict[str, Any], iteration: int, used: Sequence[Conditions]
) -> dict[str, str]:
    """The text chunks for a PNG.

    Args:
        settings: As they were given, before `resolve_auto`.
        identity: `identify` of the run.
        used: Conditions of the run, in order of use.
    """
    host = {name for name, about in knobs().items() if about.metadata["host"]}
    chosen = {name: value for name, value in asdict(settings).items() if name not in host}
    recipe = {
        "format": _FORMAT,
        "settings": chosen,
        "digests": {name: identity[name] for name in _DIGESTS},
        "iteration": iteration,
        "conditions": pack(used),
        "made with": {"neural-style-space": __version__, "torch": torch.__version__},
    }
    return {"Software": f"neural-style-space {__version__}", KEYWORD: json.dumps(recipe)}


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe in a PNG.

    Raises:
        ImageError: There is no such file, or it is not a PNG, or has no recipe.
        SettingsError: The recipe is of another version, or damaged.
    """
    path = Path(path)
    check_file(path)
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.load()
            text = picture.text.get(KEYWORD)
    except DECODER_ERRORS as error:
        raise ImageError("recipe.not_a_png", name=path.name) from error
    if text is None:
        raise ImageError("recipe.none", name=path.name)
    return parse_recipe(text, path.name)


@no_type_check  # the parsed JSON may be anything
def parse_recipe(text: str, name: str) -> Recipe:
    """The recipe from its text in a PNG.

    Args:
        name: Name of the file, for messages.

    Raises:
        SettingsError: The recipe is of another version, or damaged.
    """
    try:
        stored = json.loads(text)
        made_with = dict(stored["made with"])
        if stored["format"] != _FORMAT:
            raise SettingsError("recipe.unknown_format", name=name, **_versions(made_with))
        recipe = Recipe(
            settings=dict(stored["settings"]),
            digests={kind: stored["digests"][kind] for kind in _DIGESTS},
            iteration=int(stored["iteration"]),
            conditions=unpack(stored["conditions"]),
            made_with=made_with,
        )
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise SettingsError("recipe.damaged", name=name) from error
    unknown = [knob for knob in recipe.settings if knob not in knobs()]
    if unknown:
        knob = f"{unknown[0]!r:.40}"
        raise SettingsError("recipe.unknown_knob", name=name, knob=knob, **_versions(made_with))
    return recipe


def _versions(made_with: dict[str, Any]) -> dict[str, str | Message]:
    """Values for a message: this version, the one that made the recipe, and the remedy."""
    maker = made_with.get("neural-style-space")
    remedy = Message("recipe.use_that_version")
    if maker in (__version__, None):
        remedy = Message("recipe.use_as_saved")
    made = Message("recipe.unknown_version") if maker is None else f"{maker!s:.40}"
    return {"version": __version__, "maker": made, "remedy": remedy}


def settings_of(recipe: Recipe, **host: Any) -> Settings:
    """The settings to make the picture again.

    Args:
        host: Settings of this machine.

    Raises:
        SettingsError: A value is not valid in this version.
    """
    return Settings(**recipe.settings, **host)


def check_start_image(recipe: Recipe, init_image: ImageTensor | None) -> None:
    """Checks that a start picture is given if the recipe needs one.

    Raises:
        SettingsError: It needs one, and none is given.
    """
    if recipe.digests["start image"] is not None and init_image is None:
        raise SettingsError("recipe.start_wanted")


def differences(recipe: Recipe, text: dict[str, str]) -> list[str]:
    """Names of the inputs that differ from those of the recipe.

    Args:
        text: `make_recipe` of the run that makes the picture again.
    """
    here = parse_recipe(text[KEYWORD], "this run").digests
    return [name for name in _DIGESTS if here[name] != recipe.digests[name]]


def change_of_conditions(recipe: Recipe, now: Conditions) -> Message | None:
    """A message about conditions that differ from the recipe's; None if they do not."""
    change = compare(recipe.conditions, now)
    return Message("recipe.changed", **change) if change else None
