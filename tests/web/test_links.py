"""Links that open the page as it is."""

from __future__ import annotations

import shutil
from urllib.parse import parse_qsl

import pytest

from neural_style import save_image
from neural_style.settings.knob import write_knob
from neural_style.web.page.links import EXAMPLES, make_query, make_result_query, read_query
from neural_style.web.run.call import page_knobs
from tests.conftest import picture

USUAL = {name: write_knob(about, about.default) for name, about in page_knobs().items()}


def values(**changes) -> dict:
    return USUAL | changes


def back(query: str):
    assert query.startswith("?")
    return read_query(dict(parse_qsl(query[1:])))


def test_what_is_usual_is_not_in_it():
    assert make_query(None, None, values()) == "?"


def test_what_was_chosen_comes_back():
    chosen = {"iterations": 300, "style_weight": 33.3, "color": "luminance", "scale_shares": "5,2"}
    pictures, given, left_out = back(make_query(None, None, values(**chosen)))
    assert (pictures, given, left_out) == ({}, chosen, [])


def test_example_pictures_come_back_and_others_do_not(tmp_path):
    content = shutil.copy(EXAMPLES / "content/dahlia.jpg", tmp_path / "copied-by-gradio.jpg")
    style = str(save_image(picture(64, 64), tmp_path / "church-at-auvers.jpg"))
    query = make_query(str(content), style, values())
    assert query == "?content=dahlia"
    assert back(query)[0] == {"content": str(EXAMPLES / "content/dahlia.jpg")}
    assert make_query(str(tmp_path / "gone.jpg"), None, values()) == "?"


def test_a_result_is_named_by_its_run_and_picture_and_by_nothing_of_the_host(tmp_path):
    content = shutil.copy(EXAMPLES / "content/dahlia.jpg", tmp_path / "copied-by-gradio.jpg")
    query = make_result_query(str(content), None, "/tmp/gradio/runs/token-1_/stylized-000012.png")
    assert dict(parse_qsl(query[1:])) == {
        "content": "dahlia",
        "result": "token-1_/stylized-000012",
    }


OTHER = {
    "scale_shares": "5,2",
    "style_shares": "1,2",
    "style_scale": "2",
    "style_crop": "0,0,0.5,1",
    "content_layers": "relu3_1:1",
    "style_layers": "relu1_1:0.5,relu2_1:0.5",
}


def test_every_knob_may_be_in_it():
    for name, about in page_knobs().items():
        usual, choices = write_knob(about, about.default), about.metadata["choices"]
        other = choices[-1] if choices else about.metadata["low"]
        if other is None:
            other = OTHER[name]
        given = back(make_query(None, None, values(**{name: other})))[1]
        assert given == ({name: other} if other != usual else {})


@pytest.mark.parametrize(
    ("name", "word"),
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
def test_a_value_that_will_not_do_is_left_out_and_told(name, word):
    pictures, given, (said,) = read_query({name: word, "size": "256"})
    assert (pictures, given) == ({}, {"size": 256})
    assert said.startswith(f"The link's {name} is no value for it and was left out")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("iterations", "abc"),
        ("iterations", "1e9"),
        ("iterations", ""),
        ("size", "256.7"),
        ("seed", "nan"),
        ("style_weight", "much"),
    ],
)
def test_what_is_no_number_is_told_in_our_own_words(name, word):
    (said,) = read_query({name: word})[2]
    kind = "number" if name == "style_weight" else "whole number"
    assert f"left out: {name} must be a {kind} from " in said
    assert said.endswith(f"; it is '{word}'.")
    (said,) = read_query({name: word}, "zh")[2]
    assert f"{name} 必须是 " in said
    assert said.endswith(f"不能是 '{word}'。")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("content", "../../README"),
        ("content", "none"),
        ("style", "dahlia"),
        ("network_weights", "hub"),
    ],
)
def test_what_this_page_does_not_know_is_left_out_and_told(name, word):
    assert read_query({name: word})[:2] == ({}, {})
    assert "which this page does not know" in read_query({name: word})[2][0]
    assert "是本页面不认识的" in read_query({name: word}, "zh")[2][0]


@pytest.mark.parametrize(
    ("name", "word", "shown"),
    [
        ("style", "<img src=x>", r"style='\<img src=x\>'"),
        ("[Sign in](//evil)", "1", r"'\[Sign in\](//evil)'"),
        ("<h1>PAY", "1", r"'\<h1\>PAY'"),
        ("color", "<h1>PAY", r"'\<h1\>PAY'"),
        ("init", "<h1>PAY", r"'\<h1\>PAY'"),
        ("iterations", "<h1>", r"'\<h1\>'"),
    ],
)
def test_nobody_speaks_through_a_link(name, word, shown):
    for language in ("en", "zh"):
        (said,) = read_query({name: word}, language)[2]
        assert shown in said


@pytest.mark.parametrize(
    ("name", "word", "end"),
    [
        ("iterations", "999999", 2000),
        ("size", "9000", 1536),
        ("size", "1", 64),
        ("tv_weight", "-3", 0),
    ],
)
def test_a_number_beyond_its_range_is_brought_back_to_its_end(name, word, end):
    assert read_query({name: word}) == ({}, {name: end}, [])


def test_the_hosts_own_words_are_passed_over():
    assert read_query({"__theme": "dark", "__sign": "x"}) == ({}, {}, [])
