"""Generates docs/settings.md from `Settings`: `python -m neural_style.settings.table`."""

from __future__ import annotations

import sys
from dataclasses import Field

from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs

HEAD = "| name | default | values | what it does |\n|---|---|---|---|\n"

_PAGE = """# Settings

All settings of a run, with default, range and meaning. This file is generated from
`neural_style/settings/settings.py` by `make docs`; do not edit it by hand.

A setting has one name everywhere: `style_weight` is a field of `Settings` in Python, the flag
`--style-weight` in the shell, a parameter of the API and a key of the recipe in a PNG. A value that
is not allowed raises `SettingsError`. `auto`, and 0 where the description says so, stand for a
usual value that depends on other settings.

## Settings of the picture

{picture}
## Settings of the host

These belong to the machine that runs the program. Python and the shell have them; the page, the
API and the recipes do not.

{host}"""


def settings_page() -> str:
    """The text of docs/settings.md."""
    rows: dict[bool, list[str]] = {False: [], True: []}
    for about in knobs().values():
        rows[about.metadata["host"]].append(knob_row(about))
    return _PAGE.format(picture=HEAD + "".join(rows[False]), host=HEAD + "".join(rows[True]))


def knob_row(about: Field) -> str:
    """One setting as a row of a Markdown table, with its line break."""
    name, meaning = about.name, about.metadata["help"]
    default = write_knob(about, about.default)
    return f"| `{name}` | `{default}` | {_values(about)} | {meaning} |\n"


def _values(about: Field) -> str:
    low, high, choices = (about.metadata[key] for key in ("low", "high", "choices"))
    if choices:
        listed = ", ".join(f"`{choice}`" for choice in choices)
        return listed + (" or a path" if about.metadata["or_path"] else "")
    return "as described" if low is None else f"{low:,} to {high:,}"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
