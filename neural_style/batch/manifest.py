"""Manifests: tables of pictures to paint, as CSV or JSON Lines, checked before any work starts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from neural_style.batch.jobs import Picture
from neural_style.batch.places import absolute, join, read_text, stamp, stem_of
from neural_style.errors import ImageError, NeuralStyleError, SettingsError, quoted
from neural_style.images.files import check_ending
from neural_style.messages import Message
from neural_style.settings.knob import check_knob, read_knob
from neural_style.settings.presets import DEFAULT_QUALITY, MANNERS, PRESETS, choose_preset
from neural_style.settings.settings import Settings, knobs

PICTURES = ("content", "style")
OPTIONAL = ("output", "manner", "preset")


class Problem(NamedTuple):
    """What is wrong with a row.

    Attributes:
        number: Number of the row, from 1, as `Row.number`.
        message: What is wrong.
    """

    number: int
    message: Message


class Row(NamedTuple):
    """A row of a manifest, as it was written.

    Attributes:
        number: Line in the file; the header of a CSV file is line 1.
        values: Column → value; empty values are left out.
    """

    number: int
    values: dict[str, Any]


class Defaults(NamedTuple):
    """What holds where a row says nothing.

    Attributes:
        styles: Absolute paths of style images.
        manner, preset: As in `choose_preset`.
        settings: Settings given as flags: knob → value.
        ending: Ending of the results' names.
        bits: Bits per channel of the results.
    """

    styles: tuple[str, ...] = ()
    manner: str | None = None
    preset: str | None = None
    settings: Mapping[str, Any] = {}
    ending: str = ".png"
    bits: int = 8


def read_manifest(path: str) -> list[Row]:
    """The rows of a manifest.

    Args:
        path: A .csv file with a header, or a .jsonl or .ndjson file with one object per line.

    Raises:
        ImageError: It cannot be read, has no rows, or has another ending.
        SettingsError: A column is unknown, or a line is not valid.
    """
    ending = path.rpartition(".")[2].lower()
    if ending == "csv":
        rows = list(_read_csv(read_text(path), path))
    elif ending in ("jsonl", "ndjson"):
        rows = list(_read_lines(read_text(path), path))
    else:
        raise ImageError("batch.unknown_manifest", path=path)
    if not rows:
        raise ImageError("batch.no_rows", path=path)
    return rows


def _read_csv(text: str, path: str) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        if len(header) == 1 and (found := re.search(r"[\t;|]", header[0])):
            what = Message("batch.separator", given=quoted(found[0]))
            raise SettingsError("batch.row", row=1, what=what)
        _check_columns(header, 1)
        for values in lines:
            number = lines.line_num
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                counts = {"columns": len(header), "values": len(values)}
                raise SettingsError("batch.row", row=number, what=Message("batch.count", **counts))
            pairs = zip(header, map(str.strip, values), strict=True)
            yield Row(number, {name: value for name, value in pairs if value})
    except csv.Error as error:
        reason = Message("batch.no_csv", reason=str(error))
        raise SettingsError("batch.row", row=lines.line_num, what=reason) from error


def _read_lines(text: str, path: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            reason = Message("batch.no_json", reason=str(error))
            raise SettingsError("batch.row", row=number, what=reason) from error
        except (ValueError, RecursionError) as error:  # a limit of Python
            reason = Message("batch.too_large")
            raise SettingsError("batch.row", row=number, what=reason) from error
        if not isinstance(values, dict):
            reason = Message("batch.no_json", reason=quoted(values))
            raise SettingsError("batch.row", row=number, what=reason)
        _check_columns(values, number)
        yield Row(
            number, {name: value for name, value in values.items() if value not in ("", None)}
        )


def _check_columns(names: Iterable[str], number: int) -> None:
    known = (*PICTURES, *OPTIONAL, *knobs())
    names = list(names)
    for name in names:
        if name not in known:
            given = quoted(name)
            what = Message("batch.unknown_column", name=given, choices=known)
            raise SettingsError("batch.row", row=number, what=what)
        if names.count(name) > 1:
            what = Message("batch.doubled_column", name=name)
            raise SettingsError("batch.row", row=number, what=what)


def list_rows(contents: Sequence[str]) -> list[Row]:
    """Rows without a manifest: one for each content image."""
    return [Row(number, {"content": path}) for number, path in enumerate(contents, 1)]


class Planned(NamedTuple):
    """A job, and a digest of what is asked for: names and stamps of the pictures, settings."""

    job: Picture
    request: str


def plan_jobs(
    rows: Sequence[Row], base: str, folder: str, defaults: Defaults
) -> tuple[list[Planned], list[Problem]]:
    """A job for each row, and what is wrong with the rows that have none.

    Args:
        base: Folder that the rows' paths are relative to.
        folder: Folder of the results.
    """
    planner = _Planner(base, folder, defaults)
    planned: list[Planned] = []
    problems: list[Problem] = []
    for row in rows:
        try:
            planned.append(planner.plan(row))
        except NeuralStyleError as error:
            problems.append(Problem(row.number, error.message))
    inputs = planner.inputs
    for one in planned:
        if one.job.output in inputs:
            wrong = Message("batch.output_is_input", output=one.job.name)
            problems.append(Problem(one.job.number, wrong))
    return [one for one in planned if one.job.output not in inputs], problems


class _Planner:
    """Makes jobs of rows. Equal settings are one object, and each input is looked at once."""

    def __init__(self, base: str, folder: str, defaults: Defaults):
        self.base, self.folder, self.defaults = base, folder, defaults
        self.outputs: dict[str, int] = {}
        self.stamps: dict[str, str] = {}
        self.settings: dict[str, Settings] = {}

    @property
    def inputs(self) -> Collection[str]:
        """Paths of all pictures of the rows planned so far."""
        return self.stamps.keys()

    def plan(self, row: Row) -> Planned:
        values = dict(row.values)
        content = values.pop("content", None)
        if not isinstance(content, str):
            raise SettingsError("batch.no_content")
        named = _style_names(values.pop("style", None)) or self.defaults.styles
        if not named:
            raise SettingsError("batch.no_style")
        output = values.pop("output", None)
        if output is None:
            names = map(stem_of, (content, *named))
            output = "-".join(names) + self.defaults.ending
        name, bits = _word("output", output), self.defaults.bits
        check_ending(name, bits)
        job = Picture(
            number=row.number,
            name=name,
            content=absolute(join(self.base, content)),
            styles=tuple(absolute(join(self.base, path)) for path in named),
            output=absolute(join(self.folder, name)),
            settings=self._settings(values),
            bits=bits,
        )
        stamps = [self._stamp(path) for path in (job.content, *job.styles)]
        if job.output in self.outputs:
            other = self.outputs[job.output]
            raise SettingsError("batch.doubled_output", output=name, other=other)
        self.outputs[job.output] = row.number
        asked = [content, *named, *stamps, name, bits, _without_host(job.settings)]
        digest = hashlib.sha256(json.dumps(asked, default=dict).encode()).hexdigest()
        return Planned(job, digest)

    def _settings(self, values: dict[str, Any]) -> Settings:
        key = json.dumps(values, sort_keys=True)
        if key not in self.settings:
            self.settings[key] = _settings(values, self.defaults)
        return self.settings[key]

    def _stamp(self, path: str) -> str:
        if path not in self.stamps:
            found = stamp(path)
            if found is None:
                raise ImageError("batch.no_file", path=path)
            self.stamps[path] = found
        return self.stamps[path]


def _style_names(given: Any) -> tuple[str, ...]:
    """Names of the style images: a list, or text in which they are separated by semicolons."""
    if given is None:
        return ()
    names = given.split(";") if isinstance(given, str) else given
    if not isinstance(names, list):
        names = [names]
    names = [_word("style", name).strip() for name in names]
    return tuple(filter(None, names))


def _without_host(settings: Settings) -> dict[str, Any]:
    """The values of the settings that make the picture, not those of the host."""
    host = {name for name, about in knobs().items() if about.metadata["host"]}
    return {name: value for name, value in asdict(settings).items() if name not in host}


def _word(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise SettingsError("knob.word", name=name, given=quoted(given))
    return given


def _settings(values: dict[str, Any], defaults: Defaults) -> Settings:
    """The settings of a row: a preset, then those given as flags, then the row's own."""
    values = dict(values)
    manner, preset = (
        None if word is None else _word(name, word)
        for name, word in ((name, values.pop(name, None)) for name in ("manner", "preset"))
    )
    chosen = {name: _read(name, value) for name, value in values.items()}
    if manner is None and preset is None:
        manner = defaults.manner
    base = _preset(preset or defaults.preset or DEFAULT_QUALITY, manner)
    return replace(base, **{**defaults.settings, **chosen})


def _preset(name: str, manner: str | None) -> Settings:
    if manner is not None and manner not in MANNERS:
        given = quoted(manner)
        raise SettingsError("knob.choice", name="manner", choices=(*MANNERS,), given=given)
    if name not in PRESETS:
        given = quoted(name)
        raise SettingsError("knob.choice", name="preset", choices=(*PRESETS,), given=given)
    return choose_preset(name, manner)


def _read(name: str, value: Any) -> Any:
    """A knob's value: text as in the shell, or in JSON Lines the value as `Settings` takes it."""
    about = knobs()[name]
    if not isinstance(value, str):
        return check_knob(about, value)
    if about.metadata["words"] is None and not isinstance(about.default, str):
        with suppress(ValueError):  # `read_knob` refuses it, and names the knob's limits
            return read_knob(about, type(about.default)(value))
    return read_knob(about, value)
