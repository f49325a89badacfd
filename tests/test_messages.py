"""Messages: every code has a text, and messages and errors can be pickled."""

from __future__ import annotations

import ast
import copy
import pickle
import string
from pathlib import Path

import pytest

from neural_style import FileError, ImageError, NeuralStyleError, SettingsError, WeightsError
from neural_style.english import ENGLISH
from neural_style.messages import Message, all_of, render
from neural_style.web.text.english import ENGLISH as PAGE_ENGLISH
from neural_style.web.text.texts import PageError

PACKAGE = Path(__file__).parents[1] / "neural_style"
TABLES = ("english.py", "chinese.py", "core_chinese.py")
SOURCES = {
    str(path.relative_to(PACKAGE)): ast.parse(path.read_text())
    for path in PACKAGE.rglob("*.py")
    if path.name not in TABLES
}
ERRORS = (NeuralStyleError, FileError, ImageError, SettingsError, WeightsError)
FAMILY = {error.__name__ for error in ERRORS}
PASSED_ON = {"errors.py", "optim/optimize.py"}
"""Files that make messages from codes in variables."""


def calls() -> list:
    """Wherever the core makes a message or raises an error; the page, where the code is written."""
    found = []
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name not in {"Message", "PageError", *FAMILY}:
                continue
            literal = isinstance(node.args[0], ast.Constant)
            if literal or not (path in PASSED_ON or path.startswith("web/")):
                found.append(pytest.param(path, node, id=f"{path}:{node.lineno}"))
    return found


CALLS = calls()


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(("path", "call"), CALLS)
def test_each_message_has_a_text_and_the_values_that_it_asks_for(path, call):
    code = ast.literal_eval(call.args[0])
    page = PAGE_ENGLISH if path.startswith("web/") else {}
    wanted = placeholders((ENGLISH | page)[code])
    given = {keyword.arg for keyword in call.keywords}
    assert given - {None} <= wanted
    assert None in given or given == wanted  # None stands for a dict's


def test_each_text_is_used():
    words = {
        node.value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    assert ENGLISH.keys() <= words


@pytest.mark.parametrize(("path", "call"), CALLS)
def test_no_value_of_a_message_is_a_sentence(path, call):
    for value in (keyword.value for keyword in call.keywords):
        for part in ast.walk(value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                assert " " not in part.value.strip()


def test_values_are_filled_in_and_those_of_them_that_are_messages_first():
    size = Message(
        "file.too_many_bytes", name="a.png", bytes=1234, limits=Message("file.no_ending")
    )
    assert str(size) == "a.png has 1,234 bytes. (none)"
    assert str(Message("state.of_another_run", different=("size", Message("image.masks")))) == (
        "The state is that of another run; these differ: size, masks. Give the same pictures and "
        "settings; only the iterations may grow."
    )


def test_a_message_is_rendered_in_the_language_of_the_table_all_through():
    table = {"list.separator": "; ", "a": "[{b}]", "c": "{d:.1f}"}
    message = Message("a", b=(Message("c", d=0.25), "x", 3))
    assert render(message, table) == "[0.2; x; 3]"


def test_several_messages_become_one():
    words = [Message("memory.no_strips"), "fp32", Message("memory.history", steps=4)]
    assert str(all_of(words)) == "no strips and fp32 and 4 steps remembered"
    assert all_of(words[:1]) == words[0]


def test_equal_messages_are_one_in_a_set():
    one, same = Message("guard.rose", best=1.0, risen=2.0), Message("guard.rose", risen=2, best=1)
    assert one == same
    assert len({one, same, Message("guard.rose", best=1.0, risen=3.0)}) == 2


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_arrives_whole_in_another_process(kind):
    sent = kind("mask.black", mask=Message("image.mask_numbered", number=2))
    sent.add_note("of a test")
    for error in (pickle.loads(pickle.dumps(sent)), copy.copy(sent)):
        assert type(error) is kind
        assert error.message == sent.message
        assert str(error) == "The mask (2) is black all over. Paint white where it applies."
        assert error.__notes__ == ["of a test"]


def test_an_error_of_the_page_arrives_whole_in_another_process():
    error = pickle.loads(pickle.dumps(PageError("no_content")))
    assert str(error) == "Choose a content image: the picture to repaint."
