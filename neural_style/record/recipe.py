"""What a picture was made of and how, kept inside its PNG; nothing of who made it.

Digests say whether pictures are the same ones, and give nothing of them away.
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
"""Of the recipe's chunk of text in a PNG."""

_DIGESTS = ("content image", "style image", "masks", "start image", "network's weights")
_FORMAT = 3


class Recipe(NamedTuple):
    """How a picture was made.

    Attributes:
        settings: Every knob but the host's.
        digests: Of content image, style images, masks, start image (None where there was none)
            and the network's weights.
        iteration: The one whose picture it is.
        conditions: Those of the run, in order of use; mostly one.
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
    """The text to be kept in a PNG.

    Args:
        settings: As they were given.
        identity: What `identify` says of the run.
        used: Its conditions, in order of use.
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
    """The recipe that a PNG carries.

    Raises:
        ImageError: There is no such file, or it is no picture, or carries no recipe.
        SettingsError: The recipe is of a newer version, or damaged.
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
    return _parse(text, path.name)


@no_type_check  # it may be anything
def _parse(text: str, name: str) -> Recipe:
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
    """This version and the one that made a recipe, and what to do, for a message."""
    maker = made_with.get("neural-style-space")
    remedy = Message("recipe.use_that_version")
    if maker in (__version__, None):
        remedy = Message("recipe.use_as_saved")
    made = Message("recipe.unknown_version") if maker is None else f"{maker!s:.40}"
    return {"version": __version__, "maker": made, "remedy": remedy}


def settings_of(recipe: Recipe, **host: Any) -> Settings:
    """The settings to make the picture again.

    Args:
        host: Knobs of this machine.

    Raises:
        SettingsError: A knob means nothing here.
    """
    return Settings(**recipe.settings, **host)


def check_start_image(recipe: Recipe, init_image: ImageTensor | None) -> None:
    """Refuses to make a picture again without the picture from which it was begun.

    Raises:
        SettingsError: There was one, and none is given.
    """
    if recipe.digests["start image"] is not None and init_image is None:
        raise SettingsError("recipe.start_wanted")


def differences(recipe: Recipe, text: dict[str, str]) -> list[str]:
    """What is not what the recipe was made with.

    Args:
        text: `make_recipe` of the run that is to make the picture again.
    """
    here = _parse(text[KEYWORD], "this run").digests
    return [name for name in _DIGESTS if here[name] != recipe.digests[name]]


def change_of_conditions(recipe: Recipe, now: Conditions) -> Message | None:
    """How the conditions of this run differ from the recipe's; None where they do not."""
    change = compare(recipe.conditions, now)
    return Message("recipe.changed", **change) if change else None
