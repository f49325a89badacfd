"""Messages: every code has a text, and messages and errors can be pickled."""

from __future__ import annotations

import ast
import copy
import pickle
import string
from pathlib import Path

import pytest

from neural_style import NeuralStyleError, errors
from neural_style.english import ENGLISH
from neural_style.messages import Message, all_of, render
from neural_style.web.text.english import ENGLISH as PAGE_ENGLISH
from neural_style.web.text.texts import PageError

PACKAGE = Path(__file__).parents[1] / "neural_style"
PAGE_TEXTS = PACKAGE / "web/text"
TABLES = {PACKAGE / "english.py", *PAGE_TEXTS.glob("*.py")} - {PAGE_TEXTS / "texts.py"}
SOURCES = {
    str(path.relative_to(PACKAGE)): ast.parse(path.read_text())
    for path in sorted({*PACKAGE.rglob("*.py")} - TABLES)
}
ERRORS = tuple(
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, NeuralStyleError)
)
ERROR_NAMES = {error.__name__ for error in ERRORS}
FILES_WITH_VARIABLE_CODES = {"errors.py", "optim/optimize.py"}
"""Files that make messages from codes in variables."""


def calls() -> list:
    """Calls that make a message or raise an error; those of the page only with a literal code."""
    found = []
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name not in {"Message", "PageError", *ERROR_NAMES}:
                continue
            literal = isinstance(node.args[0], ast.Constant)
            if literal or not (path in FILES_WITH_VARIABLE_CODES or path.startswith("web/")):
                found.append(pytest.param(path, node, id=f"{path}:{node.lineno}"))
    return found


CALLS = calls()


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(("path", "call"), CALLS)
def test_each_message_has_a_text_and_its_values(path, call):
    code = ast.literal_eval(call.args[0])
    page = PAGE_ENGLISH if path.startswith("web/") else {}
    wanted = placeholders((ENGLISH | page)[code])
    given = {keyword.arg for keyword in call.keywords}
    assert given - {None} <= wanted
    assert None in given or given == wanted  # None: values are passed as **dict


def test_each_text_is_used():
    words = {
        node.value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    assert ENGLISH.keys() <= words


@pytest.mark.parametrize(("path", "call"), CALLS)
def test_message_values_are_not_sentences(path, call):
    for value in (keyword.value for keyword in call.keywords):
        for part in ast.walk(value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                assert " " not in part.value.strip()


def test_str_fills_in_values_including_nested_messages():
    size = Message(
        "file.too_many_bytes", name="a.png", bytes=1234, limits=Message("file.no_ending")
    )
    assert str(size) == "a.png has 1,234 bytes. (none)"
    assert str(Message("state.of_another_run", different=("size", Message("image.masks")))) == (
        "The state is that of another run; these differ: size, masks. Give the same pictures and "
        "settings; only the iterations may grow."
    )


def test_render_uses_the_given_table_for_nested_messages():
    table = {"list.separator": "; ", "a": "[{b}]", "c": "{d:.1f}"}
    message = Message("a", b=(Message("c", d=0.25), "x", 3))
    assert render(message, table) == "[0.2; x; 3]"


def test_all_of_joins_messages():
    words = [Message("memory.no_strips"), "fp32", Message("memory.history", steps=4)]
    assert str(all_of(words)) == "no strips and fp32 and 4 steps remembered"
    assert all_of(words[:1]) == words[0]


def test_equal_messages_have_equal_hashes():
    one, same = Message("guard.rose", best=1.0, risen=2.0), Message("guard.rose", risen=2, best=1)
    assert one == same
    assert len({one, same, Message("guard.rose", best=1.0, risen=3.0)}) == 2


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_survive_pickle_and_copy(kind):
    sent = kind("mask.black", mask=Message("image.mask_numbered", number=2))
    sent.add_note("of a test")
    for error in (pickle.loads(pickle.dumps(sent)), copy.copy(sent)):
        assert type(error) is kind
        assert error.message == sent.message
        assert str(error) == "The mask (2) is black all over. Paint white where it applies."
        assert error.__notes__ == ["of a test"]


def test_page_error_survives_pickle():
    error = pickle.loads(pickle.dumps(PageError("no_content")))
    assert type(error) is PageError
    assert error.message == Message("no_content")
    assert str(error) == PAGE_ENGLISH["no_content"]
