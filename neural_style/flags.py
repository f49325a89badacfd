"""The shell's flags for settings, shared by its commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import Field
from typing import Any

from neural_style.settings.knob import read_knob, write_knob
from neural_style.settings.presets import (
    DEFAULT_MANNER,
    DEFAULT_QUALITY,
    MANNER_HELP,
    MANNERS,
    PRESETS,
)
from neural_style.settings.settings import knobs


def file_name(given: str) -> str:
    """Refuses an empty name, as an unset variable of a script leaves it."""
    if not given:
        raise argparse.ArgumentTypeError("the file name is empty: name a file or leave it out")
    return given


def add_preset_flags(command: argparse.ArgumentParser) -> None:
    """Adds --manner and --preset."""
    command.add_argument(
        "--manner",
        choices=MANNERS,
        help="how the style is imitated. "
        + " ".join(f"{name}: {what}" for name, what in MANNER_HELP.items())
        + f" (default: {DEFAULT_MANNER})",
    )
    command.add_argument(
        "--preset",
        choices=PRESETS,
        default=DEFAULT_QUALITY,
        help="settings to start from; flags change single ones. "
        f"{', '.join(MANNERS[DEFAULT_MANNER])} are those of the manner; the others have a manner "
        "of their own. " + _describe_presets(),
    )


def add_knobs(command: argparse.ArgumentParser, names: Iterable[str] | None = None) -> None:
    """Adds a flag for each knob, or for those named."""
    for name in knobs() if names is None else names:
        _add_flag(command, name, knobs()[name])


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given as flags."""
    given = {name: getattr(options, name, None) for name in knobs()}
    return {
        name: read_knob(knobs()[name], value) for name, value in given.items() if value is not None
    }


def _describe_presets() -> str:
    """Each preset with the settings that differ from the defaults."""
    described = []
    for name, preset in PRESETS.items():
        changed = [
            f"{knob} {write_knob(about, value)}"
            for knob, about in knobs().items()
            if (value := getattr(preset, knob)) != about.default
        ]
        described.append(f"{name}: {', '.join(changed) or 'the defaults'}")
    return "; ".join(described)


def _add_flag(command: argparse.ArgumentParser, name: str, about: Field) -> None:
    choices, or_path = about.metadata["choices"], about.metadata["or_path"]
    default = write_knob(about, about.default)
    listed = "|".join(choices) + ("|PATH" if or_path else "")
    command.add_argument(
        f"--{name.replace('_', '-')}",
        dest=name,
        type=type(default),
        metavar=listed or type(default).__name__.upper(),
        help=f"{about.metadata['help']} (default: {default})".replace("%", "%%"),
    )
