"""What the page keeps of a run comes back as it was, or is told to be damaged, in one sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from neural_style import FileError, save_image
from neural_style.messages import Message
from neural_style.web.run import cost, finished, handlers, runs, serialization
from neural_style.web.run.call import call_from_arguments, named_values
from neural_style.web.run.json_files import write_json
from neural_style.web.run.outcome import LastPicture, LossPoint, Outcome, Progress, picture_path
from neural_style.web.text.texts import PageError, failure_status, localize, translate
from tests.conftest import picture
from tests.web.test_handlers import values

NOTE = Message(
    "run.note",
    source=Message("weights.from_file", backbone="vgg19", name="tiny"),
    plan=Message("memory.plan", needed=1.5, means=(Message("memory.no_strips"), "fp32")),
)
PROGRESS = Progress(
    milestones=(
        LossPoint(0, {"content": 0.0, "style": 4.0}),
        LossPoint(2, {"content": 1.0, "style": 2.5}),
    ),
    losses=tuple(LossPoint(iteration, {"content": 1.0, "style": 2.5}) for iteration in range(3)),
)
REACHED = LastPicture(2, 4, 64, 96, 1.25, {"content": 1.0, "style": 2.5}, NOTE)
END = Outcome(REACHED, PROGRESS)


@pytest.fixture
def folder(sent: list[str]) -> Path:
    """That of a run stopped at iteration 2 of 4."""
    made = runs.create_run()
    runs.write_call(made, call_from_arguments(*sent, None, *values()))
    for iteration in (0, 2):
        save_image(picture(64, 96), picture_path(made, iteration))
    runs.state_file(made).touch()
    runs.write_outcome(made, END)
    return made


def shut(folder: Path, name: str) -> Path:
    return runs.private_folder() / folder.name / name


@pytest.mark.parametrize(
    "end",
    [
        END,
        Outcome(),
        Outcome(
            failure=Message(
                "picture.too_small", image=Message("image.content"), size="1×1", least=9
            )
        ),
        Outcome(REACHED, PROGRESS, Message("guard.rose", best=math.inf, risen=-math.inf)),
    ],
)
def test_an_end_comes_back_as_it_was(end, folder):
    runs.write_outcome(folder, end)
    assert runs.last_outcome(folder) == runs.wait_for_outcome(folder, 0) == end
    for language in ("en", "zh"):
        assert runs.last_outcome(folder).status_line(language) == end.status_line(language)


def test_a_call_comes_back_as_it_was(sent, folder):
    call = call_from_arguments(
        *sent, None, *values(seed=7, style_shares="1,2"), sent[0], language="zh"
    )
    runs.write_call(folder, call)
    assert runs.read_call(folder) == call


def test_what_is_kept_has_names_and_a_format(folder):
    for name, fields in (
        ("call.json", {"pictures", "values", "language"}),
        ("end.json", {"reached", "milestones", "losses", "failure"}),
    ):
        record = json.loads(shut(folder, name).read_text())
        assert record.keys() == {"format", *fields}
        assert record["format"] == 1


def test_a_line_is_in_the_readers_language(folder):
    assert finished.finish_run(str(folder), None, "zh").status.startswith("**已停止**。第 2 次迭代")
    assert finished.finish_run(str(folder), None, "en").status.startswith(
        "**Stopped.** Iteration 2 of 4"
    )


def changed(*path: str | int, to: Any) -> Callable[[Any], str]:
    """Makes a file's text with another value at that place."""

    def change(record: Any) -> str:
        place = record
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        return json.dumps(record)

    return change


def without(*path: str | int) -> Callable[[Any], str]:
    def change(record: Any) -> str:
        place = record
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        return json.dumps(record)

    return change


def text(words: str) -> Callable[[Any], str]:
    return lambda record: words


ANY_FILE = {
    "empty": text(""),
    "cut short": lambda record: json.dumps(record)[:-20],
    "no JSON": text("no JSON"),
    "a list, as by position": lambda record: json.dumps([*record.values()]),
    "a number": text("7"),
    "null": text("null"),
    "deep": text("[" * 100_000),
    "a number of many digits": text("1" * 10_000),
    "no format": without("format"),
    "one field more": changed("more", to=1),
}
OF_END = {
    "no milestones": without("milestones"),
    "no iteration": without("reached", "iteration"),
    "iteration beyond what was planned": changed("reached", "iteration", to=10**9),
    "iterations beyond the page": changed("reached", "planned", to=10**9),
    "iteration below 0": changed("reached", "iteration", to=-1),
    "iteration half": changed("reached", "iteration", to=2.0),
    "iteration true": changed("reached", "iteration", to=True),
    "iteration in words": changed("reached", "iteration", to="2"),
    "another iteration": changed("reached", "iteration", to=1),
    "a name with a path": changed("reached", "picture", to="/etc/passwd"),
    "a size of nothing": changed("reached", "height", to=0),
    "a huge size": changed("reached", "width", to=10**6),
    "seconds NaN": changed("reached", "seconds", to=math.nan),
    "seconds endless": changed("reached", "seconds", to=math.inf),
    "seconds huge": lambda record: json.dumps(record).replace("1.25", "1e999"),
    "seconds below 0": changed("reached", "seconds", to=-1),
    "losses NaN": changed("reached", "losses", "style", to=math.nan),
    "losses in words": changed("reached", "losses", to="none"),
    "losses a list": changed("reached", "losses", to=[1.0, 2.5]),
    "nothing reached": changed("reached", to=None),
    "reached a list": changed("reached", to=[2, 4]),
    "milestones a word": changed("milestones", to="all"),
    "a milestone a list": changed("milestones", 0, to=["/etc/passwd", 0, {}]),
    "a milestone without a picture": changed("milestones", 0, "iteration", to=1),
    "a milestone elsewhere": changed("milestones", 0, "iteration", to="../0"),
    "milestones out of order": changed("milestones", 0, "iteration", to=3),
    "no milestone": changed("milestones", to=[]),
    "a point beyond": changed("losses", 2, "iteration", to=3),
    "a point NaN": changed("losses", 2, "losses", "style", to=math.nan),
    "a note in words": changed("reached", "note", to="vgg19"),
    "a note unknown": changed("reached", "note", "code", to="none.such"),
    "a note without a value": without("reached", "note", "values", "plan"),
    "a note with a word for a number": changed(
        "reached", "note", "values", "plan", "values", "needed", to="much"
    ),
    "a note with NaN": changed(
        "reached", "note", "values", "plan", "values", "needed", to=math.nan
    ),
    "a failure in words": changed("failure", to="It failed."),
    "a failure of another kind": changed("failure", to={"code": ["a"], "values": {}}),
}
OF_CALL = {
    "no pictures": without("pictures"),
    "no content": without("pictures", "content"),
    "content null": changed("pictures", "content", to=None),
    "content of the host": changed("pictures", "content", to="/etc/passwd"),
    "content beside the folder": changed("pictures", "content", to="../../private.png"),
    "content a number": changed("pictures", "content", to=7),
    "content a list": changed("pictures", "content", to=["a.png"]),
    "content no path": changed("pictures", "content", to="a\0b"),
    "a mask of the host": changed("pictures", "mask", to="/etc/passwd"),
    "an unknown picture": changed("pictures", "style_9", to=None),
    "values a list": changed("values", to=[4, 64]),
    "an unknown knob": changed("values", "device", to="cpu"),
    "a knob too few": without("values", "seed"),
    "iterations beyond the page": changed("values", "iterations", to=10**9),
    "iterations NaN": changed("values", "iterations", to=math.nan),
    "iterations null": changed("values", "iterations", to=None),
    "a choice unknown": changed("values", "init", to="/etc/passwd"),
    "values that contradict each other": changed(
        "values", to=named_values(*values(scales=3, scale_shares="5,2"))
    ),
    "a language unknown": changed("language", to="de"),
    "a language of no kind": changed("language", to=[]),
}
DAMAGED = [
    *(pytest.param("end.json", change, id=f"end: {name}") for name, change in OF_END.items()),
    *(pytest.param("call.json", change, id=f"call: {name}") for name, change in OF_CALL.items()),
    *(
        pytest.param(file, change, id=f"{file[:-5]}: {name}")
        for file in ("end.json", "call.json")
        for name, change in ANY_FILE.items()
    ),
]


def told(folder: Path, language: str) -> set[str]:
    """The sentences with which everything that asks for the run's end or its call is answered."""
    sentences = set()
    found = finished.finish_run(str(folder), None, language)
    assert found == finished.FinishedOutputs(status=found.status, is_error=True)
    sentences.add(found.status)
    shown = []
    with pytest.raises(gr.Error) as error:
        shown.extend(handlers.run_continue(str(folder), 5, language))
    (last,) = shown
    sentences.add(last.status)
    assert last.picture is None
    assert error.value.message in {
        translate(key, language) for key in ("kept_damaged", "kept_unknown")
    }
    assert handlers.gpu_seconds_to_continue(str(folder), 5, language) > 0
    return sentences


@pytest.mark.parametrize(("name", "change"), DAMAGED)
def test_what_is_damaged_is_told_in_one_sentence(name, change, folder):
    file = shut(folder, name)
    file.write_text(change(json.loads(file.read_text())))
    for language in ("en", "zh"):
        assert told(folder, language) == {failure_status(Message("kept_damaged"), language)}
    read = runs.last_outcome if name == "end.json" else runs.read_call
    with pytest.raises(PageError) as error:
        read(folder)
    assert error.value.message == Message("kept_damaged")
    if name == "end.json":
        with pytest.raises(gr.Error, match="What this server has kept of that run is damaged"):
            finished.picture_for_reuse(str(folder), "en")


@pytest.mark.parametrize("name", ["end.json", "call.json"])
@pytest.mark.parametrize("version", [0, 2, "1", None, [], math.nan])
def test_so_is_what_is_of_an_unknown_format(version, name, folder):
    file = shut(folder, name)
    file.write_text(changed("format", to=version)(json.loads(file.read_text())))
    for language in ("en", "zh"):
        assert told(folder, language) == {failure_status(Message("kept_unknown"), language)}


def test_so_are_bytes_and_a_folder_in_a_files_place(folder):
    file = shut(folder, "end.json")
    file.write_bytes(b"\xff\xfe\x00")
    assert told(folder, "en") == {failure_status(Message("kept_damaged"))}
    file.unlink()
    file.mkdir()
    assert told(folder, "en") == {failure_status(Message("kept_damaged"))}


def test_so_is_a_picture_that_is_gone(folder):
    picture_path(folder, 0).unlink()
    assert told(folder, "en") == {failure_status(Message("kept_damaged"))}


def test_so_is_a_call_that_is_gone(folder):
    shut(folder, "call.json").unlink()
    assert told(folder, "en") == {failure_status(Message("kept_damaged"))}


def test_a_damaged_picture_is_told_of_too(folder):
    picture_path(folder, 2).write_bytes(picture_path(folder, 2).read_bytes()[:500])
    found = finished.finish_run(str(folder), None, "en")
    assert found.is_error
    assert "stylized-000002.png is damaged or cut short" in found.status.replace("\\", "")
    name = runs.result_name(finished.picture_for_reuse(str(folder), "en"))
    opened, knobs, (line,) = finished.open_shared_result(name, "en")
    assert (opened, knobs) == (None, {})
    assert "stylized-000002.png" in line.replace("\\", "")


def test_a_damaged_state_is_told_of_too(folder, watch):
    shown = []
    with pytest.raises(gr.Error, match=r"state.pt is no run's state"):
        shown.extend(handlers.run_continue(str(folder), 5, "en"))
    end = runs.last_outcome(folder)
    assert (end.last_picture, end.progress) == (REACHED, PROGRESS)
    assert end.status_line("en") == shown[-1].status
    assert finished.picture_for_reuse(str(folder), "en") == str(picture_path(folder, 2))


def test_an_end_that_cannot_be_kept_is_told_of(folder):
    shut(folder, "end.json").unlink()
    shut(folder, "end.json").mkdir()
    with pytest.raises(FileError, match=r"Cannot write end\.json: Is a directory") as error:
        runs.write_outcome(folder, END)
    assert "end.json" in localize(error.value.message, "zh")
    assert {file.name for file in shut(folder, "end.json").parent.iterdir()} == {
        *("end.json", "call.json", "state.pt")
    }


def test_a_run_that_has_no_place_is_refused_in_words(sent, uploads):
    (uploads / "runs").touch()
    with pytest.raises(gr.Error, match=r"Cannot make the folder .*: Not a directory"):
        list(handlers.run_stylize(*sent, None, *values()))


@pytest.mark.parametrize(
    "words",
    [
        *("", "{", "[]", "7", "null", '{"pixels_per_second": 9}', '{"format": 2}'),
        *(f'{{"format": 1, "pixels_per_second": {x}}}' for x in ("NaN", "1e999", "-1", "0", '"9"')),
    ],
)
def test_a_damaged_speed_is_no_speed(words, uploads):
    guess = cost.machine_speed()
    (uploads / "speed.json").write_text(words)
    assert cost.machine_speed() == guess
    write_json(uploads / "speed.json", {"pixels_per_second": 5e5})
    assert cost.machine_speed() == 5e5


def test_odd_things_in_a_message_are_kept_as_their_words(folder):
    failure = Message("file.unreadable", name=Path("a.png"), reason="gone")
    serialization.write_outcome(shut(folder, "end.json"), Outcome(failure=failure))
    assert runs.last_outcome(folder).status_line("en") == Outcome(failure=failure).status_line("en")
