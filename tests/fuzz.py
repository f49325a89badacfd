"""Random changes of everything that is read from strangers: the last part of `make soak`.

`python -m tests.fuzz [--minutes 10] [TARGET …]`. Each target reads changed files or texts for that
time. It may refuse them by a `NeuralStyleError`; anything else ends with an error and the smallest
example that Hypothesis finds.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import os
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import torch
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as how
from hypothesis import strategies as st

from neural_style import Settings, load_image, stylize
from neural_style.errors import NeuralStyleError
from neural_style.images.files import read_shape
from neural_style.messages import Message
from neural_style.record.checkpoint import load_state, plan_rest, save_state
from neural_style.record.conditions import Conditions
from neural_style.record.recipe import (
    KEYWORD,
    Recipe,
    change_of_conditions,
    check_start_image,
    parse_recipe,
    settings_of,
)
from neural_style.web.page.links import read_query
from neural_style.web.run import finished, handlers, runs, serialization
from neural_style.web.run.addresses import picture_path
from neural_style.web.run.call import call_from_arguments
from neural_style.web.run.checks import parse_settings
from neural_style.web.run.outcome import LastPicture, LossPoint, Outcome, Progress
from neural_style.web.text.languages import LANGUAGES
from tests.conftest import picture
from tests.images.test_decode import gradient
from tests.images.test_heic import heic
from tests.images.test_reading import SMALL_FILES
from tests.web.stylize_calls import KNOBS, knob_values

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from((-1, 0, 2**31, 2**63, 10**30, 10**400))
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(("", "{", "{0.x}", "1,1", "nan", "../x", "a\0b", "<b>", "𝒳" * 9))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=9,
)


@st.composite
def changed(draw: Callable, document: Any, values: st.SearchStrategy = VALUES) -> Any:
    """The document of dicts and lists with one to four values changed, removed or added."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 4))):
        place = document
        while True:
            keys = [*place] if isinstance(place, dict) else [*range(len(place))]
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inside = isinstance(place[key], dict | list) and place[key]
            if inside and draw(st.integers(0, 3)):
                place = place[key]
                continue
            if draw(st.integers(0, 3)):
                place[key] = draw(values)
            else:
                del place[key]
            break
        if isinstance(place, dict) and not draw(st.integers(0, 5)):
            place[draw(st.text(max_size=9))] = draw(values)
    return document


@st.composite
def changed_text(draw: Callable, document: Any) -> str:
    """The changed document as JSON, now and then cut off, damaged, or nested deeply."""
    text = json.dumps(draw(changed(document)))
    match draw(st.integers(0, 9)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(st.text(max_size=5)) + text[at:]
        case 2:
            depth = draw(st.sampled_from((100, 5000, 200_000)))
            return text.replace("{", depth * "[", 1)
    return text


@st.composite
def changed_bytes(draw: Callable, files: list[bytes]) -> bytes:
    """One of the files with changed, moved, removed or repeated bytes."""
    data = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, min(len(data), draw(st.sampled_from((64, 512, 10**7))))))
        size = draw(st.sampled_from((1, 1, 2, 4, 4, 8, 64)))
        new = draw(st.binary(min_size=size, max_size=size) | st.sampled_from(_NUMBERS))
        match draw(st.integers(0, 5)):
            case 0:
                del data[at : at + size]
            case 1:
                data[at:at] = data[at : at + size] * 3
            case 2:
                del data[at:]
            case _:
                data[at : at + len(new)] = new
    return bytes(data)


_NUMBERS = tuple(
    number.to_bytes(size, order)
    for size in (1, 2, 4)
    for number in (0, 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
    for order in ("big", "little")
)
"""Bytes that often are sizes or places in a file."""


class Pictures:
    """The loader of pictures."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "picture"
        self.given = changed_bytes([*SMALL_FILES.values(), heic(gradient(40, 60))])

    def read(self, data: bytes) -> None:
        self.path.write_bytes(data)
        image = load_image(self.path, longest=50)
        assert image.shape[:2] == (1, 3)
        assert image.numel() > 0
        assert ((image >= 0) & (image <= 1)).all()
        assert all(read_shape(self.path))


class Recipes:
    """The parser of recipes."""

    def __init__(self, folder: Path) -> None:
        (frame,) = _frames(1)
        self.given = changed_text(json.loads(frame.recipe[KEYWORD]))

    def read(self, text: str) -> None:
        recipe = parse_recipe(text, "a.png")
        assert isinstance(recipe, Recipe)
        assert isinstance(settings_of(recipe), Settings)
        change = change_of_conditions(recipe, Conditions("fp32", {}, 5))
        assert change is None or str(change)
        check_start_image(recipe, None)


class Links:
    """The parser of links."""

    def __init__(self, folder: Path) -> None:
        names = st.sampled_from((*KNOBS, "content", "style", "result", "__theme"))
        texts = SCALARS.map(_as_text)
        self.given = st.dictionaries(names | st.text(max_size=9), texts, max_size=6) | st.text(
            max_size=200
        ).map(lambda text: dict(parse_qsl(text)))

    def read(self, query: dict[str, str]) -> None:
        for language in LANGUAGES:
            pictures, values, messages = read_query(query, language)
            assert all(Path(path).is_file() for path in pictures.values())
            assert all(isinstance(message, str) for message in messages)
        parse_settings(dict(zip(KNOBS, knob_values(), strict=True)) | values)


class Checkpoints:
    """The reader of checkpoints."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "run.pt"
        self.states = [frame.state() for frame in (*_frames(1), *_frames(1, statistic="gram"))]
        files = []
        for state in self.states:
            save_state(state, self.path)
            files.append(self.path.read_bytes())
        tensors = st.sampled_from((torch.zeros(0), torch.full((1, 3, 2, 2), torch.nan)))
        documents = [changed(_lists(state), VALUES | tensors) for state in self.states]
        self.given = st.one_of(*documents) | changed_bytes(files) | _pickles(files[0])

    def read(self, changed: Any) -> None:
        if isinstance(changed, bytes):
            self.path.write_bytes(changed)
        else:
            torch.save(changed, self.path)
        state = load_state(self.path)
        scales = plan_rest(state, self.states[0]["identity"], 50)
        assert sum(scale.iterations for scale in scales) == 50


class RunFiles:
    """The readers of a run's request and outcome, and of the browser's history."""

    def __init__(self, folder: Path) -> None:
        self.run = runs.create_run()
        pictures = [str(folder / "gradio" / name) for name in ("a.png", "b.png")]
        runs.write_call(self.run, call_from_arguments(*pictures, None, *knob_values()))
        for iteration in (0, 2):
            picture_path(self.run, iteration).touch()
        note = Message(
            "weights.from_file", backbone="vgg19", name="a", more=(Message("image.content"), 1.0)
        )
        points = tuple(LossPoint(number, {"content": 1.0, "style": 2.5}) for number in (0, 2))
        last = LastPicture(2, 4, 64, 96, 1.25, {"content": 1.0}, note)
        runs.write_outcome(self.run, Outcome(last, Progress(points, points), note))
        stored = [json.loads((self.run / name).read_text()) for name in ("call.json", "end.json")]
        history = [runs.result_name(self.run, 2)]
        self.given = st.tuples(
            *(
                st.just(json.dumps(document)) | changed_text(document)
                for document in (*stored, history)
            )
        )
        self.read([json.dumps(document) for document in (*stored, history)])

    def read(self, texts: Sequence[str]) -> None:
        call, end, history = texts
        for name, text in (("call.json", call), ("end.json", end)):
            (self.run / name).write_text(text, errors="surrogatepass")
        assert len(finished.read_history(history)) <= 1
        for language in LANGUAGES:
            assert isinstance(finished.result_title(self.run, language), str)
        finished.has_ended(self.run, 0)
        outcome = serialization.read_outcome(self.run / "end.json", self.run)
        for language in LANGUAGES:
            assert str(outcome.status(language))
            outcome.progress.gallery(self.run, language)
        outcome.progress.chart("en")
        runs.state_file(self.run).touch()
        handlers.seconds_to_continue(str(self.run), 5, "en")
        assert isinstance(finished.download_name(runs.read_call(self.run)), str)


TARGETS = {
    "pictures": Pictures,
    "recipes": Recipes,
    "links": Links,
    "checkpoints": Checkpoints,
    "run-files": RunFiles,
}


def _frames(count: int, **changes: Any) -> list:
    run = Settings(iterations=count, size=64, scales=1, **changes)
    return [*stylize(picture(64, 64, seed=1), picture(64, 64, seed=2), run)][-1:]


def _as_text(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # too many digits
        return "9" * 5000


def _lists(value: Any) -> Any:
    """The state with lists in place of tuples, which cannot be changed."""
    if isinstance(value, dict):
        return {key: _lists(one) for key, one in value.items()}
    return [*map(_lists, value)] if isinstance(value, list | tuple) else value


def _pickles(data: bytes) -> st.SearchStrategy:
    """The file of tensors with its pickle changed, and the checksum right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (pickle,) = (name for name in parts if name.endswith("data.pkl"))

    def packed(changed: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, part in (parts | {pickle: changed}).items():
                archive.writestr(name, part)
        return made.getvalue()

    return changed_bytes([parts[pickle]]).map(packed)


def fuzz(name: str, folder: Path, seconds: float) -> None:
    """Reads random changes for that time, and prints how many were read and refused."""
    target, outcomes = TARGETS[name](folder), Counter[str]()
    end = time.monotonic() + seconds

    def read(given_value: Any) -> None:
        try:
            target.read(given_value)
            outcomes["read"] += 1
        except NeuralStyleError as error:
            outcomes["refused"] += bool(str(error))

    checks = how(
        max_examples=100, database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    while time.monotonic() < end:
        seed(random.randrange(2**32))(checks(given(target.given)(read)))()
    print(f"{name}: {outcomes['read']} read, {outcomes['refused']} refused", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="of each target")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = f"{folder}/gradio"
        for name in options.targets or TARGETS:
            fuzz(name, Path(folder), 60 * options.minutes)


if __name__ == "__main__":
    main()
