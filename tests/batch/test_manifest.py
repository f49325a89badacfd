"""Tables of pictures: rows, settings, results' names, and what is refused."""

from __future__ import annotations

import json

import pytest

from neural_style import ImageError, Settings, SettingsError
from neural_style.batch.manifest import Defaults, Row, list_rows, plan_jobs, read_manifest
from neural_style.settings.presets import PRESETS
from tests.batch.small_batches import save_pictures


@pytest.fixture
def folder(tmp_path):
    save_pictures(tmp_path, "a.png", "b.jpg", "one.png", "two.png")
    return tmp_path


@pytest.fixture
def plan(folder):
    """Plans rows whose paths are relative to `folder`; returns jobs, and problems by row."""

    def planned(*rows, **defaults):
        numbered = [Row(number, values) for number, values in enumerate(rows, 2)]
        jobs, problems = plan_jobs(numbered, str(folder), "/out", Defaults(**defaults))
        told = {problem.number: str(problem.message) for problem in problems}
        return [one.job for one in jobs], told

    return planned


def written(tmp_path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return str(path)


class TestReading:
    def test_csv_has_a_header_and_skips_empty_lines_and_values(self, tmp_path):
        text = '\ufeffcontent, style,size\r\na.png,"x, y.png",64\r\n\r\nb.png,,\r\n'
        assert read_manifest(written(tmp_path, "m.csv", text)) == [
            Row(2, {"content": "a.png", "style": "x, y.png", "size": "64"}),
            Row(4, {"content": "b.png"}),
        ]

    def test_json_lines_keep_the_types(self, tmp_path):
        rows = [{"content": "a.png", "style": ["x.png", "y.png"], "size": 64}, {"content": "b.png"}]
        text = "\n\n".join(map(json.dumps, rows))
        assert read_manifest(written(tmp_path, "m.jsonl", text)) == [
            Row(1, rows[0]),
            Row(3, rows[1]),
        ]

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            ("m.csv", "content,sise\na,1", "row 1: there is no column 'sise'. Use some of content"),
            ("m.csv", "content,content\na,b", "row 1: the column content appears twice"),
            ("m.csv", "content,size\na,1,2", "row 2: there are 3 values for 2 columns"),
            ("m.csv", 'content\n"a', "row 2: this is not CSV: "),
            ("m.csv", "content\n", "has no rows"),
            ("m.csv", "", "has no rows"),
            ("m.jsonl", '{"content": "a"}\n{', "row 2: this is not a JSON object: "),
            ("m.csv", "content;style\na;b", "row 1: columns are separated by ';'"),
            ("m.jsonl", '{"seed": ' + 5000 * "9" + "}", "row 1: a number has too many digits"),
            ("m.jsonl", '{"size": ' + 100_000 * "[", "row 1: a number has too many digits"),
            ("m.jsonl", "[1]", "row 1: this is not a JSON object: [1]"),
            ("m.jsonl", '{"iteration": 3}', "row 1: there is no column 'iteration'"),
            ("m.txt", "content", "is no table known here"),
        ],
    )
    def test_faults_are_told_with_their_row(self, tmp_path, name, text, told):
        with pytest.raises((ImageError, SettingsError)) as refused:
            read_manifest(written(tmp_path, name, text))
        assert told in str(refused.value)

    def test_missing_and_binary_files_are_refused(self, tmp_path):
        with pytest.raises(ImageError, match="Cannot read"):
            read_manifest(str(tmp_path / "m.csv"))
        (tmp_path / "m.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ImageError, match="is not text in UTF-8"):
            read_manifest(str(tmp_path / "m.csv"))

    def test_lines_end_at_line_feeds_only(self, tmp_path):
        path = written(tmp_path, "m.jsonl", '{"content": "a\u2028b\x85.png"}\n')
        assert read_manifest(path) == [Row(1, {"content": "a\u2028b\x85.png"})]


class TestPlanning:
    def test_paths_are_relative_to_the_table_and_results_named_after_the_pictures(
        self, plan, folder
    ):
        jobs, problems = plan(
            {"content": "a.png", "style": "one.png"},
            {"content": str(folder / "b.jpg"), "style": "one.png; two.png"},
            {"content": "b.jpg", "style": ["two.png"], "output": "sub.webp"},
        )
        assert problems == {}
        assert [job.output for job in jobs] == [
            *("/out/a-one.png", "/out/b-one-two.png", "/out/sub.webp"),
        ]
        assert [job.content for job in jobs] == [
            str(folder / name) for name in ("a.png", "b.jpg", "b.jpg")
        ]
        assert jobs[1].styles == (str(folder / "one.png"), str(folder / "two.png"))

    def test_settings_come_from_preset_flags_and_row_in_that_order(self, plan):
        style = {"style": "one.png"}
        jobs, problems = plan(
            {"content": "a.png", "output": "1.png"} | style,
            {"content": "a.png", "output": "2.png", "preset": "quick"} | style,
            {"content": "a.png", "output": "3.png", "manner": "classic", "seed": "7"} | style,
            {"content": "a.png", "output": "4.png", "preset": "johnson", "size": 200} | style,
            {"content": "a.png", "output": "5.png", "style_scale": "2"} | style,
            {"content": "a.png", "output": "6.png", "style_scale": [2, 1], "tv_weight": "1.5"}
            | style,
            preset="fine",
            settings={"seed": 3},
        )
        assert problems == {}
        seen = [(job.settings.seed, job.settings.size, job.settings.statistic) for job in jobs]
        assert seen == [
            (3, 1024, "nearest"),
            (3, 256, "nearest"),
            (7, 1024, "gram"),
            (3, 200, "gram"),
            (3, 1024, "nearest"),
            (3, 1024, "nearest"),
        ]
        assert jobs[3].settings.iterations == PRESETS["johnson"].iterations
        assert [jobs[4].settings.style_scale, jobs[5].settings.style_scale] == [(2.0,), (2.0, 1.0)]
        assert jobs[5].settings.tv_weight == 1.5

    def test_equal_settings_are_one_object(self, plan):
        row = {"content": "a.png", "style": "one.png", "seed": "1"}
        jobs, _ = plan(*(row | {"output": f"{k}.png"} for k in range(3)))
        assert jobs[0].settings is jobs[1].settings is jobs[2].settings
        assert jobs[0].settings == Settings(seed=1)

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ({"style": "one.png"}, "No content image is named"),
            ({"content": "a.png"}, "No style image is named"),
            ({"content": "c.png", "style": "one.png"}, "There is no file "),
            ({"content": "a\0.png", "style": "one.png"}, "Cannot read "),
            ({"content": "\ud800.png", "style": "one.png"}, "Cannot read "),
            ({"content": "data:abc", "style": "one.png"}, "There is no file "),
            ({"content": "a.png", "style": "one.png;three.png"}, "three.png"),
            ({"content": "a.png", "style": 3}, "style must be a word; it is 3"),
            ({"content": "a.png", "style": "one.png", "size": "big"}, "size must be a whole"),
            ({"content": "a.png", "style": "one.png", "size": "9"}, "from 64 to 4,096; it is 9"),
            ({"content": "a.png", "style": "one.png", "size": True}, "it is True"),
            ({"content": "a.png", "style": "one.png", "manner": "oil"}, "manner must be one of"),
            ({"content": "a.png", "style": "one.png", "preset": "best"}, "preset must be one of"),
            (
                {"content": "a.png", "style": "one.png", "preset": "crowson", "manner": "classic"},
                "The preset crowson is not one of manner classic",
            ),
            ({"content": "a.png", "style": "one.png", "output": "a.psd"}, "the ending .psd"),
            ({"content": "a.png", "style": "one.png", "output": "same.png"}, "also that of row 2"),
            (
                {"content": "a.png", "style": "one.png", "output": "../in/a.png"},
                "would replace a picture that is read",
            ),
        ],
    )
    def test_wrong_rows_are_told_and_the_others_planned(self, folder, row, told):
        save_pictures(folder / "in", "a.png")
        good = {"content": "a.png", "style": "../one.png", "output": "same.png"}
        row = dict(row)
        if isinstance(row.get("style"), str):
            row["style"] = ";".join(f"../{name}" for name in row["style"].split(";"))
        if row.get("output", "").startswith("../in"):
            row["output"] = str(folder / "in" / "a.png")
        jobs, problems = plan_jobs(
            [Row(2, good), Row(3, row)], str(folder / "in"), str(folder / "out"), Defaults()
        )
        assert [problem.number for problem in problems] == [3]
        assert told in str(problems[0].message)
        assert [one.job.number for one in jobs] == [2]

    def test_a_request_changes_with_pictures_and_settings_only(self, folder):
        def request(size=64, device="auto"):
            rows = list_rows([str(folder / "a.png")])
            style, settings = (str(folder / "one.png"),), {"size": size, "device": device}
            [one], _ = plan_jobs(rows, "", "/out", Defaults(styles=style, settings=settings))
            return one.request

        first = request()
        assert request() == request(device="cpu") == first
        assert request(size=65) != first
        save_pictures(folder, "two.png")
        assert request() == first
        (folder / "one.png").write_bytes((folder / "two.png").read_bytes())
        assert request() != first
