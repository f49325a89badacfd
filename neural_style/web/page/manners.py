"""The radios for manner and quality, which set the settings of a preset and follow them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import gradio as gr

from neural_style.settings.knob import write_knob
from neural_style.settings.presets import DEFAULT_MANNER, DEFAULT_QUALITY, MANNERS, PRESETS
from neural_style.web.page.widgets import Localizer
from neural_style.web.run.call import page_knobs
from neural_style.web.run.checks import parse_settings
from neural_style.web.run.cost import expected_seconds, is_allowed
from neural_style.web.text.texts import format_duration, translate

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

_MANNER_PRESETS = [PRESETS[name] for qualities in MANNERS.values() for name in qualities.values()]

PRESET_KNOBS = [
    name
    for name, field in page_knobs().items()
    if any(getattr(preset, name) != field.default for preset in _MANNER_PRESETS)
]
"""The settings that the radios set: those in which a preset differs from the defaults."""


class MannerRadios(NamedTuple):
    """How the style is imitated, and how much time the run takes."""

    manner: gr.Radio
    quality: gr.Radio


def manner_radios(localizer: Localizer) -> MannerRadios:
    """Creates the two radios with their defaults."""
    manner = localizer.create(
        gr.Radio,
        {
            "label": "manner",
            "info": "manner_help",
            "choices": lambda language: [(translate(name, language), name) for name in MANNERS],
        },
        value=DEFAULT_MANNER,
        elem_id="manner",
    )
    quality = localizer.create(
        gr.Radio,
        {
            "label": "preset",
            "choices": lambda language: [
                (translate(name, language), name) for name in MANNERS[DEFAULT_MANNER]
            ],
        },
        value=DEFAULT_QUALITY,
        elem_id="preset",
    )
    return MannerRadios(manner, quality)


def timed_qualities(
    manner: str, values: dict[str, Any], shape: tuple[int, int] | None, language: str
) -> list[tuple[str, str]]:
    """The choices of the radio for quality, each with the estimated time of its run, or that it is
    longer than the host allows.

    Args:
        values: Values of all settings; those of `PRESET_KNOBS` are replaced by each preset's.
        shape: Height and width of the content image.

    Raises:
        SettingsError: Another value is not allowed.
    """
    choices = []
    for quality, preset in MANNERS.get(manner, MANNERS[DEFAULT_MANNER]).items():
        chosen = {n: write_knob(page_knobs()[n], getattr(PRESETS[preset], n)) for n in PRESET_KNOBS}
        chosen |= {"scale_shares": "auto"}  # the chosen ones may be for another number of sizes
        settings = parse_settings(values | chosen)
        time = translate("over_limit", language)
        if is_allowed(settings):
            seconds = rounded(expected_seconds(settings, shape))
            time = format_duration(seconds, language).replace(" ", _NO_BREAK_SPACE)
        choices.append((f"{translate(quality, language)} · {time}", quality))
    return choices


def rounded(seconds: float) -> float:
    """The seconds with the precision that an estimate has."""
    step = 1 if seconds < 20 else 5 if seconds < 90 else 30
    return max(1, step * round(seconds / step))


def connect_manners(radios: MannerRadios, widgets: dict[str, gr.Component]) -> None:
    """Connects the radios and the components of the settings, by JavaScript only."""
    knob_widgets = [widgets[name] for name in PRESET_KNOBS]
    in_browser: dict[str, Any] = {"api_visibility": "private"}
    gr.on(
        [radio.input for radio in radios],
        None,
        [*radios],
        knob_widgets,
        js=_SET_KNOBS,
        **in_browser,
    )
    gr.on(
        [knob.change for knob in knob_widgets],
        None,
        knob_widgets,
        [*radios],
        js=_SET_RADIOS,
        **in_browser,
    )


_VALUES = json.dumps(
    {
        manner: {
            quality: [getattr(PRESETS[preset], name) for name in PRESET_KNOBS]
            for quality, preset in qualities.items()
        }
        for manner, qualities in MANNERS.items()
    }
)
"""JSON: values of `PRESET_KNOBS` by manner and quality."""

_MANNERS_OF_STATISTICS = json.dumps(
    {PRESETS[qualities[DEFAULT_QUALITY]].statistic: name for name, qualities in MANNERS.items()}
)
"""JSON: manner by statistic."""

_SET_KNOBS = f"""(manner, quality) => ({_VALUES})[manner][quality ?? "{DEFAULT_QUALITY}"]"""

_SET_RADIOS = f"""(...turned) => {{
  const statistic = turned[{PRESET_KNOBS.index("statistic")}];
  const manner = ({_MANNERS_OF_STATISTICS})[statistic] ?? "classic";
  const same = ([, values]) => `${{values}}` === `${{turned}}`;
  return [manner, Object.entries(({_VALUES})[manner]).find(same)?.[0] ?? null];
}}"""
