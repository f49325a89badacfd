"""Queries of links to settings and results: made, read back, and invalid."""

from __future__ import annotations

import html
import shutil
from typing import Any
from urllib.parse import parse_qsl

import pytest

from neural_style import save_image
from neural_style.settings.knob import write_knob
from neural_style.web.page.links import EXAMPLES, make_query, make_result_query, read_query
from neural_style.web.page.status_view import status_html
from neural_style.web.run import status
from neural_style.web.run.call import page_knobs
from tests.conftest import picture

DEFAULTS = {name: write_knob(knob, knob.default) for name, knob in page_knobs().items()}


def values(**changes: Any) -> dict[str, Any]:
    """The values of all settings."""
    return DEFAULTS | changes


def read_back(query: str) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """What `read_query` makes of the query."""
    assert query.startswith("?")
    return read_query(dict(parse_qsl(query[1:])))


def test_query_has_no_defaults():
    assert make_query(None, None, values()) == "?"


def test_changed_settings_are_read_back():
    changes = {"iterations": 300, "style_weight": 33.3, "color": "luminance", "scale_shares": "5,2"}
    assert read_back(make_query(None, None, values(**changes))) == ({}, changes, [])


def test_query_has_example_pictures_but_no_others(tmp_path):
    content = shutil.copy(EXAMPLES / "content/dahlia.jpg", tmp_path / "copied-by-gradio.jpg")
    style = str(save_image(picture(64, 64), tmp_path / "church-at-auvers.jpg"))
    query = make_query(str(content), style, values())
    assert query == "?content=dahlia"
    assert read_back(query)[0] == {"content": str(EXAMPLES / "content/dahlia.jpg")}
    assert make_query(str(tmp_path / "gone.jpg"), None, values()) == "?"


def test_result_is_named_by_its_run_and_picture_without_host_paths(tmp_path):
    content = shutil.copy(EXAMPLES / "content/dahlia.jpg", tmp_path / "copied-by-gradio.jpg")
    query = make_result_query(str(content), None, "token-1_")
    assert dict(parse_qsl(query[1:])) == {
        "content": "dahlia",
        "result": "token-1_",
    }


OTHER = {
    "scale_shares": "5,2",
    "style_shares": "1,2",
    "style_scale": "2",
    "style_crop": "0,0,0.5,1",
    "content_layers": "relu3_1:1",
    "style_layers": "relu1_1:0.5,relu2_1:0.5",
}


@pytest.mark.parametrize("name", page_knobs())
def test_every_setting_is_read_back(name):
    metadata = page_knobs()[name].metadata
    changed = metadata["choices"][-1] if metadata["choices"] else metadata["low"]
    if changed is None:
        changed = OTHER[name]
    read = read_back(make_query(None, None, values(**{name: changed})))
    assert read == ({}, {name: changed} if changed != DEFAULTS[name] else {}, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iterations", "many"),
        ("iterations", "nan"),
        ("style_weight", "nan"),
        ("init", "/etc/passwd"),
        ("color", "mine"),
        ("style_layers", "relu1_1:x"),
        ("seed", "1.5"),
    ],
)
def test_invalid_value_is_ignored_with_a_message(name, text):
    pictures, settings, (message,) = read_query({name: text, "size": "256"})
    assert (pictures, settings) == ({}, {"size": 256})
    assert message.startswith(f"The link's value for {name} is not allowed and was ignored: {name}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iterations", "abc"),
        ("iterations", "1e9"),
        ("iterations", ""),
        ("size", "256.7"),
        ("seed", "nan"),
        ("style_weight", "much"),
    ],
)
def test_message_about_text_for_a_number_quotes_it(name, text):
    kind = "number" if name == "style_weight" else "whole number"
    (message,) = read_query({name: text})[2]
    assert f"was ignored: {name} must be a {kind} from " in message
    assert message.endswith(f"; it is '{text}'.")
    (message,) = read_query({name: text}, "zh")[2]
    assert f"已忽略：{name} 必须是 " in message
    assert message.endswith(f"不能是 '{text}'。")


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("content", "../../README", "content='../../README'"),
        ("content", "none", "content='none'"),
        ("style", "dahlia", "style='dahlia'"),
        ("network_weights", "hub", "'network_weights'"),
        ("n" * 99, "1", "'" + "n" * 39),
        ("content", "x" * 99, "content='" + "x" * 39),
    ],
)
def test_unknown_picture_or_parameter_is_ignored_with_a_message(name, text, shown):
    assert read_query({name: text}) == (
        {},
        {},
        [f"The link's parameter {shown} is unknown and was ignored."],
    )
    assert read_query({name: text}, "zh")[2] == [f"链接中的参数 {shown} 无法识别，已忽略。"]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("style", "<img src=x>", "style='<img src=x>'"),
        ("[Sign in](//evil)", "1", "'[Sign in](//evil)'"),
        ("<h1>PAY", "1", "'<h1>PAY'"),
        ("color", "<h1>PAY", "'<h1>PAY'"),
        ("init", "<h1>PAY", "'<h1>PAY'"),
        ("iterations", "<h1>", "'<h1>'"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_markup_of_a_link_is_quoted_and_escaped_in_the_status(name, text, shown, language):
    (message,) = read_query({name: text}, language)[2]
    assert shown in message
    page = status_html(status.noted(message))
    assert html.escape(shown) in page
    assert "<h1" not in page
    assert "<img" not in page


@pytest.mark.parametrize(
    ("name", "text", "limit"),
    [
        ("iterations", "999999", 2000),
        ("iterations", "9" * 400, 2000),
        ("seed", "-" + "9" * 400, 0),
        ("size", "9000", 1536),
        ("size", "1", 64),
        ("tv_weight", "-3", 0),
    ],
)
def test_number_out_of_range_is_clamped(name, text, limit):
    assert read_query({name: text}) == ({}, {name: limit}, [])


def test_parameters_of_gradio_and_the_host_are_skipped():
    assert read_query({"__theme": "dark", "__sign": "x"}) == ({}, {}, [])
