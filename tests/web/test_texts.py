"""The page's words, in both languages."""

from __future__ import annotations

import re
import string

import pytest

from neural_style.settings import knobs
from neural_style.web.checks import page_knobs
from neural_style.web.chinese import CHINESE, KNOBS_IN_CHINESE
from neural_style.web.texts import ENGLISH, knob_help, knob_label, say

HAN = re.compile("[\u4e00-\u9fff]")
BARE = {"failed"}
"""Nothing but punctuation around what is filled in."""


def blanks(text: str) -> set[tuple]:
    """What is to be filled in, and how."""
    return {(name, spec, how) for _, name, spec, how in string.Formatter().parse(text) if name}


def test_no_text_lacks_its_translation():
    assert CHINESE.keys() == ENGLISH.keys()
    assert KNOBS_IN_CHINESE.keys() == page_knobs().keys()


@pytest.mark.parametrize("key", ENGLISH)
def test_both_say_the_same_things(key):
    assert blanks(CHINESE[key]) == blanks(ENGLISH[key])
    assert key in BARE or HAN.search(CHINESE[key])
    assert not HAN.search(ENGLISH[key])


@pytest.mark.parametrize("name", page_knobs())
def test_each_knob_is_explained_in_both(name):
    assert knob_help(name) == knobs()[name].metadata["help"]
    assert all(HAN.search(tell(name, "zh")) for tell in (knob_label, knob_help))
    choices = knobs()[name].metadata["choices"]
    for choice in choices:  # a word that English explains, Chinese explains too
        if re.search(rf"\b{choice}[:,;.]", knob_help(name)) and name != "tv_form":
            assert choice in knob_help(name, "zh")


def test_a_language_that_is_not_spoken_is_english():
    for language in ("de", "", "zh-TW", "../zh"):
        assert say("stylize", language) == "Stylize"
        assert knob_label("style_weight", language) == "Style weight"
