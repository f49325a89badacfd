"""The page's languages: a registry that every other module reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from neural_style.english import ENGLISH as CORE_ENGLISH
from neural_style.settings.settings import knobs
from neural_style.web.text.chinese import CHINESE, CHINESE_DURATION_UNITS, CHINESE_KNOBS
from neural_style.web.text.choices import CHINESE_CHOICES, ENGLISH_CHOICES
from neural_style.web.text.core_chinese import CORE_CHINESE
from neural_style.web.text.english import ENGLISH, ENGLISH_LABELS


class KnobTexts(NamedTuple):
    """Label and help text of a setting's component, and words for its values by value."""

    label: str
    help: str
    choices: Mapping[str, str]


@dataclass(frozen=True)
class Language:
    """A language of the page with its translation tables.

    Attributes:
        code: ISO 639-1 code. Browsers whose language begins with it get this language.
        page: The page's texts, with the keys of `english.ENGLISH`.
        core: The core's messages, with the codes of `neural_style.english.ENGLISH`.
        knobs: Texts by name of the setting.
        duration_units: Translations of the units "h", "min" and "s"; a missing one stays as it is.
        texts: `page` and `core` in one table.
    """

    code: str
    page: Mapping[str, str]
    core: Mapping[str, str]
    knobs: Mapping[str, KnobTexts]
    duration_units: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", {**self.core, **self.page})


_ENGLISH_KNOBS = {
    name: KnobTexts(label, knobs()[name].metadata["help"], ENGLISH_CHOICES.get(name, {}))
    for name, label in ENGLISH_LABELS.items()
}

_CHINESE_KNOBS = {
    name: KnobTexts(*texts, CHINESE_CHOICES.get(name, {})) for name, texts in CHINESE_KNOBS.items()
}

LANGUAGES = {
    language.code: language
    for language in (
        Language("en", ENGLISH, CORE_ENGLISH, _ENGLISH_KNOBS),
        Language("zh", CHINESE, CORE_CHINESE, _CHINESE_KNOBS, CHINESE_DURATION_UNITS),
    )
}
"""The supported languages by code."""

DEFAULT_LANGUAGE = "en"
"""Used for unsupported languages, and as the default of the API."""
