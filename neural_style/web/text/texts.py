"""Texts of the page and of the core's messages, in the language of the request."""

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


def say(key: str, language: str = DEFAULT_LANGUAGE, **values: str | int | float | Message) -> str:
    """The page's text of that key, filled in."""
    return localize(Message(key, **values), language)


class PageError(SettingsError):
    """What the page refuses that the core would take; its code is a key of this `ENGLISH`."""

    def __str__(self) -> str:
        return localize(self.message)


_MARKUP = re.compile(r"[\\`*\[\]<>&#~|@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""Of Markdown, and HTML within it; an underline inside a word is none."""


def plain(words: object) -> str:
    """Words that may be anybody's, for a place that takes Markdown: shown as they are written."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(str(words).split()))


def duration(seconds: float, language: str = DEFAULT_LANGUAGE) -> str:
    """A duration with its units: "1 min 56 s"."""
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
    """What each manner does, a line each, in Markdown."""
    lines = {name: say(f"{name}_help", language) for name in MANNER_HELP}
    return say("manner_help", language, **lines)


def caption(iteration: int, losses: dict[str, float], language: str = DEFAULT_LANGUAGE) -> str:
    """Under a picture of the gallery."""
    return say("caption", language, iteration=iteration, loss=sum(losses.values()))


def running(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    scale: tuple[int, int],
    losses: dict[str, float],
    seconds_left: float,
    event: Message,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """The line above the picture while it is being made, and under it what is going on."""
    line = say(
        "running",
        language,
        iteration=iteration,
        iterations=iterations,
        height=size[0],
        width=size[1],
        scale=scale[0],
        scales=scale[1],
        terms=_terms(losses),
        left=duration(seconds_left, language),
    )
    return f"{line}<br><sub>{localize(event, language)}</sub>"


def done(
    iterations: int,
    losses: dict[str, float],
    seconds: float,
    note: Message,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """The line above the finished picture."""
    time = duration(seconds, language)
    line = say("done", language, iterations=iterations, time=time, terms=_terms(losses))
    return f"{line}<br><sub>{localize(note, language)}</sub>"


def stopped(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    losses: dict[str, float],
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """The line above the picture of a run that was stopped."""
    return say(
        "stopped",
        language,
        iteration=iteration,
        iterations=iterations,
        height=size[0],
        width=size[1],
        terms=_terms(losses),
    )


def failed(reason: Message, language: str = DEFAULT_LANGUAGE) -> str:
    """The line above the picture when it could not be made; the reason may quote anybody."""
    words = plain(localize(reason, language))
    return say("failed", language, title=Message("error_title"), message=words)


def _terms(losses: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
