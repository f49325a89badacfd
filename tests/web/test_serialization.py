"""Stored requests and outcomes of runs: read back unchanged, or refused if damaged."""

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
from neural_style.web.run import finished, handlers, runs, serialization, status
from neural_style.web.run.addresses import picture_path
from neural_style.web.run.call import call_from_arguments, named_values
from neural_style.web.run.outcome import LastPicture, LossPoint, Outcome, Progress
from neural_style.web.run.status import Status
from neural_style.web.text.texts import PageError, localize
from tests.conftest import picture
from tests.web.stylize_calls import knob_values

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
LAST_PICTURE = LastPicture(2, 4, 64, 96, 1.25, {"content": 1.0, "style": 2.5}, NOTE)
OUTCOME = Outcome(LAST_PICTURE, PROGRESS)


@pytest.fixture
def folder(sent: list[str]) -> Path:
    """The folder of a run that was stopped at iteration 2 of 4."""
    made = runs.create_run()
    runs.write_call(made, call_from_arguments(*sent, None, *knob_values()))
    for iteration in (0, 2):
        save_image(picture(64, 96), picture_path(made, iteration))
    runs.state_file(made).touch()
    runs.write_outcome(made, OUTCOME)
    return made


@pytest.mark.parametrize(
    "outcome",
    [
        OUTCOME,
        Outcome(),
        Outcome(
            failure=Message(
                "picture.too_small", image=Message("image.content"), size="1×1", least=9
            )
        ),
        Outcome(LAST_PICTURE, PROGRESS, Message("guard.rose", best=math.inf, risen=-math.inf)),
    ],
    ids=["stopped", "without a picture", "failed", "failed with a picture"],
)
def test_outcome_is_read_back_unchanged(outcome, folder):
    runs.write_outcome(folder, outcome)
    assert runs.last_outcome(folder) == runs.wait_for_outcome(folder, 0) == outcome
    for language in ("en", "zh"):
        assert runs.last_outcome(folder).status(language) == outcome.status(language)


def test_call_is_read_back_unchanged(sent, folder):
    call = call_from_arguments(
        *sent, None, *knob_values(seed=7, style_shares="1,2"), sent[0], language="zh"
    )
    runs.write_call(folder, call)
    assert runs.read_call(folder) == call


def test_files_have_named_fields_and_a_format_version(folder):
    for name, fields in (
        ("call.json", {"pictures", "values", "language"}),
        ("end.json", {"reached", "milestones", "losses", "failure"}),
    ):
        record = json.loads((folder / name).read_text())
        assert record.keys() == {"format", *fields}
        assert record["format"] == 1


def test_stored_outcome_is_shown_in_the_language_of_the_request(folder):
    for language, headline in (
        ("en", "Stopped after 2 of 4 steps"),
        ("zh", "已在第 2 步停止，共 4 步"),
    ):
        assert finished.finish_run(str(folder), "", language).status.headline == headline


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
    """Makes a file's text without the value at that place."""

    def change(record: Any) -> str:
        place = record
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        return json.dumps(record)

    return change


def text(content: str) -> Callable[[Any], str]:
    """Replaces the text of a file."""
    return lambda record: content


ANY_FILE = {
    "empty": text(""),
    "truncated": lambda record: json.dumps(record)[:-20],
    "no JSON": text("no JSON"),
    "list": lambda record: json.dumps([*record.values()]),
    "number": text("7"),
    "null": text("null"),
    "deep": text("[" * 100_000),
    "number of many digits": text("1" * 10_000),
    "no format": without("format"),
    "additional field": changed("more", to=1),
}
"""Changes that damage any file."""

OUTCOME_FILE = {
    "no milestones": without("milestones"),
    "no iteration": without("reached", "iteration"),
    "iteration above the plan": changed("reached", "iteration", to=10**9),
    "iterations above the page limit": changed("reached", "planned", to=10**9),
    "negative iteration": changed("reached", "iteration", to=-1),
    "iteration as a float": changed("reached", "iteration", to=2.0),
    "iteration true": changed("reached", "iteration", to=True),
    "iteration as text": changed("reached", "iteration", to="2"),
    "iteration without a picture": changed("reached", "iteration", to=1),
    "path of a picture": changed("reached", "picture", to="/etc/passwd"),
    "height 0": changed("reached", "height", to=0),
    "huge width": changed("reached", "width", to=10**6),
    "seconds NaN": changed("reached", "seconds", to=math.nan),
    "seconds infinite": changed("reached", "seconds", to=math.inf),
    "seconds beyond floats": lambda record: json.dumps(record).replace("1.25", "1e999"),
    "negative seconds": changed("reached", "seconds", to=-1),
    "losses NaN": changed("reached", "losses", "style", to=math.nan),
    "losses as text": changed("reached", "losses", to="none"),
    "losses as a list": changed("reached", "losses", to=[1.0, 2.5]),
    "no last picture": changed("reached", to=None),
    "last picture as a list": changed("reached", to=[2, 4]),
    "milestones as text": changed("milestones", to="all"),
    "milestone as a list": changed("milestones", 0, to=["/etc/passwd", 0, {}]),
    "milestone without a picture": changed("milestones", 0, "iteration", to=1),
    "milestone as a path": changed("milestones", 0, "iteration", to="../0"),
    "milestones out of order": changed("milestones", 0, "iteration", to=3),
    "empty milestones": changed("milestones", to=[]),
    "losses after the last picture": changed("losses", 2, "iteration", to=3),
    "loss NaN": changed("losses", 2, "losses", "style", to=math.nan),
    "note as text": changed("reached", "note", to="vgg19"),
    "note with an unknown code": changed("reached", "note", "code", to="none.such"),
    "note without a value": without("reached", "note", "values", "plan"),
    "note with text for a number": changed(
        "reached", "note", "values", "plan", "values", "needed", to="much"
    ),
    "note with NaN": changed("reached", "note", "values", "plan", "values", "needed", to=math.nan),
    "failure as text": changed("failure", to="It failed."),
    "failure with a list as code": changed("failure", to={"code": ["a"], "values": {}}),
}
"""Changes that damage the file of an outcome."""

CALL_FILE = {
    "no pictures": without("pictures"),
    "no content": without("pictures", "content"),
    "content null": changed("pictures", "content", to=None),
    "content of the host": changed("pictures", "content", to="/etc/passwd"),
    "content outside the folder": changed("pictures", "content", to="../../private.png"),
    "content as a number": changed("pictures", "content", to=7),
    "content as a list": changed("pictures", "content", to=["a.png"]),
    "content as no valid path": changed("pictures", "content", to="a\0b"),
    "mask of the host": changed("pictures", "mask", to="/etc/passwd"),
    "unknown picture": changed("pictures", "style_9", to=None),
    "values as a list": changed("values", to=[4, 64]),
    "unknown setting": changed("values", "device", to="cpu"),
    "missing setting": without("values", "seed"),
    "iterations above the page limit": changed("values", "iterations", to=10**9),
    "iterations NaN": changed("values", "iterations", to=math.nan),
    "iterations null": changed("values", "iterations", to=None),
    "unknown choice": changed("values", "init", to="/etc/passwd"),
    "contradicting values": changed(
        "values", to=named_values(*knob_values(scales=3, scale_shares="5,2"))
    ),
    "unknown language": changed("language", to="de"),
    "language as a list": changed("language", to=[]),
}
"""Changes that damage the file of a call."""

DAMAGED = [
    *(pytest.param("end.json", change, id=f"end: {name}") for name, change in OUTCOME_FILE.items()),
    *(pytest.param("call.json", change, id=f"call: {name}") for name, change in CALL_FILE.items()),
    *(
        pytest.param(file, change, id=f"{file[:-5]}: {name}")
        for file in ("end.json", "call.json")
        for name, change in ANY_FILE.items()
    ),
]


def check_refusals(folder: Path, code: str) -> None:
    """Checks that finishing and continuing the run fail with the message, in both languages."""
    for language in ("en", "zh"):
        failed = status.failed(Message(code), language)
        outputs = finished.finish_run(str(folder), "", language)
        assert outputs == finished.FinishedOutputs(status=failed)
        shown: list[Any] = []
        with pytest.raises(gr.Error) as error:
            shown.extend(handlers.run_continue(str(folder), 5, language))
        (last,) = shown
        assert (last.picture, last.status) == (None, failed)
        assert error.value.message == failed.detail
        assert handlers.gpu_seconds_to_continue(str(folder), 5, language) > 0
        assert handlers.seconds_to_continue(str(folder), 5, language) == 0.0
    assert finished.make_film(str(folder)) is None


@pytest.mark.parametrize(("name", "change"), DAMAGED)
def test_damaged_file_is_refused(name, change, folder):
    file = folder / name
    file.write_text(change(json.loads(file.read_text())))
    check_refusals(folder, "kept_damaged")
    read = runs.last_outcome if name == "end.json" else runs.read_call
    with pytest.raises(PageError) as error:
        read(folder)
    assert error.value.message == Message("kept_damaged")
    if name == "end.json":
        with pytest.raises(gr.Error, match="The files of that run on this server are damaged"):
            finished.picture_for_reuse(str(folder), "en")
    else:
        assert finished.result_title(folder, "en") == ""


@pytest.mark.parametrize("name", ["end.json", "call.json"])
@pytest.mark.parametrize("version", [0, 2, "1", None, [], math.nan])
def test_file_of_unknown_format_version_is_refused(version, name, folder):
    file = folder / name
    file.write_text(changed("format", to=version)(json.loads(file.read_text())))
    check_refusals(folder, "kept_unknown")


def test_file_that_is_not_utf8_is_refused(folder):
    (folder / "end.json").write_bytes(b"\xff\xfe\x00")
    check_refusals(folder, "kept_damaged")


def test_folder_in_place_of_the_file_is_refused(folder):
    file = folder / "end.json"
    file.unlink()
    file.mkdir()
    check_refusals(folder, "kept_damaged")


def test_outcome_whose_picture_is_missing_is_refused(folder):
    picture_path(folder, 0).unlink()
    check_refusals(folder, "kept_damaged")


def test_missing_call_is_refused(folder):
    (folder / "call.json").unlink()
    check_refusals(folder, "kept_damaged")


def test_damaged_picture_fails_finishing_and_opening(folder):
    picture_path(folder, 2).write_bytes(picture_path(folder, 2).read_bytes()[:500])
    failed = finished.finish_run(str(folder), "", "en").status
    assert failed.kind == "failed"
    name = picture_path(folder, 2).name
    assert failed.detail.startswith(f"{name} is damaged or cut short")
    shared = finished.share_result(str(folder), "en")
    opened, settings, (message,) = finished.open_shared_result(shared, "en")
    assert (opened, settings) == (None, {})
    assert message.startswith("neural-style-space.png ")
    assert finished.make_film(str(folder)) is None


def test_damaged_state_fails_the_continuation(folder, watch):
    shown: list[Any] = []
    with pytest.raises(gr.Error, match=r"state.pt is no run's state"):
        shown.extend(handlers.run_continue(str(folder), 5, "en"))
    outcome = runs.last_outcome(folder)
    assert (outcome.last_picture, outcome.progress) == (LAST_PICTURE, PROGRESS)
    assert outcome.status("en") == shown[-1].status
    assert finished.picture_for_reuse(str(folder), "en") == str(picture_path(folder, 2))


def test_outcome_that_cannot_be_written_raises_file_error(folder):
    (folder / "end.json").unlink()
    (folder / "end.json").mkdir()
    with pytest.raises(FileError, match=r"Cannot write end\.json: Is a directory") as error:
        runs.write_outcome(folder, OUTCOME)
    assert "end.json" in localize(error.value.message, "zh")
    assert {file.name for file in folder.iterdir()} == {*("end.json", "call.json", "state.pt")}


def test_values_of_other_types_are_stored_as_text(folder):
    failure = Message("file.unreadable", name=Path("a.png"), reason="gone")
    serialization.write_outcome(folder / "end.json", Outcome(failure=failure))
    failed = Status("failed", "That did not work", str(failure))
    assert runs.last_outcome(folder).status("en") == failed
