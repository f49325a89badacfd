"""The visitor's first choices, manner and quality: two radios that set knobs and follow them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import gradio as gr

from neural_style.settings.presets import DEFAULT_MANNER, DEFAULT_QUALITY, MANNERS, PRESETS
from neural_style.web.page.widgets import Said
from neural_style.web.run.call import page_knobs
from neural_style.web.text.texts import manner_help, translate

_OWN_PRESETS = [PRESETS[name] for qualities in MANNERS.values() for name in qualities.values()]

PRESET_KNOBS = [
    name
    for name, about in page_knobs().items()
    if any(getattr(preset, name) != about.default for preset in _OWN_PRESETS)
]
"""The knobs that the radios set: those in which any of their presets differs from the defaults."""


class MannerRadios(NamedTuple):
    """How the style is imitated, and how long the run may take."""

    manner: gr.Radio
    quality: gr.Radio


def manner_radios(said: Said) -> MannerRadios:
    """The two radios, at their defaults."""
    manner = said.make(
        gr.Radio,
        {
            "label": "manner",
            "info": manner_help,
            "choices": lambda language: [(translate(name, language), name) for name in MANNERS],
        },
        value=DEFAULT_MANNER,
        elem_id="manner",
    )
    quality = said.make(
        gr.Radio,
        {
            "label": "preset",
            "info": "preset_help",
            "choices": lambda language: [
                (translate(name, language), name) for name in MANNERS[DEFAULT_MANNER]
            ],
        },
        value=DEFAULT_QUALITY,
        elem_id="preset",
    )
    return MannerRadios(manner, quality)


def connect_manners(radios: MannerRadios, widgets: dict[str, gr.Component]) -> None:
    """Each radio sets the knobs of its preset, and the knobs set the radios, all in the browser."""
    turned = [widgets[name] for name in PRESET_KNOBS]
    here: dict[str, Any] = {"api_visibility": "private"}
    gr.on([radio.input for radio in radios], None, [*radios], turned, js=_SET_KNOBS, **here)
    gr.on([knob.change for knob in turned], None, turned, [*radios], js=_SET_RADIOS, **here)


_VALUES = json.dumps(
    {
        manner: {
            quality: [getattr(PRESETS[preset], name) for name in PRESET_KNOBS]
            for quality, preset in qualities.items()
        }
        for manner, qualities in MANNERS.items()
    }
)

_MANNERS_OF_STATISTICS = json.dumps(
    {PRESETS[qualities[DEFAULT_QUALITY]].statistic: name for name, qualities in MANNERS.items()}
)

_SET_KNOBS = f"""(manner, quality) => ({_VALUES})[manner][quality ?? "{DEFAULT_QUALITY}"]"""

_SET_RADIOS = f"""(...turned) => {{
  const statistic = turned[{PRESET_KNOBS.index("statistic")}];
  const manner = ({_MANNERS_OF_STATISTICS})[statistic] ?? "classic";
  const same = ([, values]) => `${{values}}` === `${{turned}}`;
  return [manner, Object.entries(({_VALUES})[manner]).find(same)?.[0] ?? null];
}}"""
