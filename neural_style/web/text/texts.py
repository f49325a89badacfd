"""Texts of the page and of the core's messages in a given language, by key."""

from __future__ import annotations

import re

from neural_style.errors import SettingsError
from neural_style.messages import Message, render
from neural_style.plan.clock import in_words
from neural_style.settings.presets import MANNER_HELP
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES, Language


def localize(message: Message, language: str = DEFAULT_LANGUAGE) -> str:
    """The text of a message of the core or the page, in English if the language is unknown."""
    return render(message, _language(language).texts)


def translate(
    key: str, language: str = DEFAULT_LANGUAGE, **values: str | int | float | Message
) -> str:
    """The page's text of that key in the language, with its placeholders filled in."""
    return localize(Message(key, **values), language)


class PageError(SettingsError):
    """A request that the page refuses and the core would accept; its code is a key of `ENGLISH`."""

    def __str__(self) -> str:
        return localize(self.message)


_MARKDOWN_SYNTAX = re.compile(
    r"[\\`*\[\]<>&#~|@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.", re.IGNORECASE
)
"""Characters with a meaning in Markdown or HTML; underscores inside words have none."""


def escape_markdown(text: object) -> str:
    """The text on one line, with the syntax of Markdown and HTML escaped; for untrusted input."""
    return _MARKDOWN_SYNTAX.sub(r"\\\g<0>", " ".join(str(text).split()))


def format_duration(seconds: float, language: str = DEFAULT_LANGUAGE) -> str:
    """A duration with translated units: "1 min 56 s"."""
    units = _language(language).duration_units
    return " ".join(units.get(word, word) for word in in_words(seconds).split())


def knob_label(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The label of a setting's component."""
    return _language(language).knobs[name].label


def knob_help(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The help text of a setting's component."""
    return _language(language).knobs[name].help


def _language(code: str) -> Language:
    return LANGUAGES.get(code, LANGUAGES[DEFAULT_LANGUAGE])


def manner_help(language: str = DEFAULT_LANGUAGE) -> str:
    """Markdown with one line for each manner: what it does."""
    lines = {name: translate(f"{name}_help", language) for name in MANNER_HELP}
    return translate("manner_help", language, **lines)


def caption(iteration: int, losses: dict[str, float], language: str = DEFAULT_LANGUAGE) -> str:
    """The caption of a picture in the gallery."""
    return translate("caption", language, iteration=iteration, loss=sum(losses.values()))


def running_status(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    scale: tuple[int, int],
    losses: dict[str, float],
    seconds_left: float,
    event: Message,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """The status line during a run, with the current event on a second line.

    Args:
        size: Height and width of the canvas.
        scale: Number of the current scale, and number of scales.
        event: What the run is doing, such as a restart of the optimizer.
    """
    line = translate(
        "running",
        language,
        iteration=iteration,
        iterations=iterations,
        height=size[0],
        width=size[1],
        scale=scale[0],
        scales=scale[1],
        terms=_format_losses(losses),
        left=format_duration(seconds_left, language),
    )
    return f"{line}<br><sub>{localize(event, language)}</sub>"


def done_status(
    iterations: int,
    losses: dict[str, float],
    seconds: float,
    note: Message,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """The status line of a finished run.

    Args:
        note: Source of the network's weights and the memory plan.
    """
    time = format_duration(seconds, language)
    line = translate(
        "done", language, iterations=iterations, time=time, terms=_format_losses(losses)
    )
    return f"{line}<br><sub>{localize(note, language)}</sub>"


def stopped_status(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    losses: dict[str, float],
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """The status line of a stopped run; `size` is the height and width of its picture."""
    return translate(
        "stopped",
        language,
        iteration=iteration,
        iterations=iterations,
        height=size[0],
        width=size[1],
        terms=_format_losses(losses),
    )


def failure_status(reason: Message, language: str = DEFAULT_LANGUAGE) -> str:
    """The status line of a failed run. The reason is escaped: it may quote user input."""
    text = escape_markdown(localize(reason, language))
    return translate("failed", language, title=Message("error_title"), message=text)


def _format_losses(losses: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
