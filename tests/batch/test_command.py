"""The shell's command `batch`, in this process."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from neural_style import load_image
from neural_style.batch import jobs
from neural_style.batch.ledger import DONE, FAILED, open_ledger, read_ledger
from neural_style.cli import main
from neural_style.interrupts import INTERRUPTED
from neural_style.plan.clock import Speed
from neural_style.record.recipe import read_recipe
from tests.batch.small_batches import batch, save_pictures, save_table

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with two content images and two styles."""
    save_pictures(tmp_path / "in", "a.png", "b.jpg")
    save_pictures(tmp_path, "one.png", "two.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def painted(monkeypatch):
    """The name of each picture that is painted, in order."""
    outputs, run = [], jobs.Picture.run

    def running(self, worker):
        outputs.append(self.name)
        return run(self, worker)

    monkeypatch.setattr(jobs.Picture, "run", running)
    return outputs


def states(folder) -> dict[str, str]:
    """How each picture ended; without the contact sheet, which is recorded too."""
    entries = read_ledger(folder / "out" / "ledger.jsonl")
    return {name: one.state for name, one in entries.items() if name != "contact-sheet.jpg"}


def test_a_folder_is_painted_and_done_once(folder, painted, capfd):
    arguments = "--content", "in", "--style", "one.png", "-o", "out"
    assert batch(*arguments) == 0
    assert painted == ["a-one.png", "b-one.png"]
    assert load_image("out/a-one.png").shape == (1, 3, 48, 64)
    assert read_recipe("out/b-one.png").settings["size"] == 64
    assert max(load_image("out/contact-sheet.jpg").shape) > 220
    assert "2 painted in" in capfd.readouterr().err
    assert batch(*arguments) == 0
    assert len(painted) == 2
    assert "2 done before" in capfd.readouterr().err


def test_a_picture_is_that_of_the_command_stylize(folder):
    assert batch("--content", "in/a.png", "--style", "one.png", "two.png", "-o", "out") == 0
    given = "in/a.png", "one.png", "two.png", "-o", "alone.png", "--size", "64"
    assert main(["stylize", *given, "--iterations", "2"]) == 0
    alone = (folder / "alone.png").read_bytes()
    assert (folder / "out" / "a-one-two.png").read_bytes() == alone


def test_changed_pictures_settings_and_lost_results_are_done_again(folder, painted):
    arguments = "--content", "in", "--style", "one.png", "-o", "out"
    assert batch(*arguments) == 0
    assert batch(*arguments, "--seed", "4") == 0
    assert len(painted) == 4
    save_pictures(folder / "in", "c.png")
    shutil.move(folder / "in" / "c.png", folder / "in" / "a.png")
    assert batch(*arguments, "--seed", "4") == 0
    assert painted[4:] == ["a-one.png"]
    (folder / "out" / "b-one.png").unlink()
    assert batch(*arguments, "--seed", "4") == 0
    assert painted[5:] == ["b-one.png"]


def test_results_may_have_folders_of_their_own_and_may_be_moved(folder, painted):
    row = {"content": "in/a.png", "style": "one.png", "output": "deep/er/a.png"}
    table = save_table(folder / "table.csv", row)
    assert batch(table, "-o", "out") == 0
    assert (folder / "out/deep/er/a.png").exists()
    shutil.move(folder / "out", folder / "kept")
    assert batch(table, "-o", folder / "kept") == 0
    assert painted == ["deep/er/a.png"]


class TestFailures:
    @pytest.fixture
    def table(self, folder):
        """A table whose second row cannot be painted: its picture is damaged."""
        whole = (folder / "in" / "b.jpg").read_bytes()
        (folder / "in" / "b.jpg").write_bytes(whole[: len(whole) // 2])
        rows = [{"content": f"in/{name}", "style": "one.png"} for name in ("b.jpg", "a.png")]
        return save_table(folder / "table.csv", *rows)

    def test_a_row_that_fails_does_not_stop_the_others(self, folder, table, painted, capfd):
        assert batch(table, "-o", "out") == 1
        assert states(folder) == {"b-one.png": FAILED, "a-one.png": DONE}
        told = capfd.readouterr().err
        assert "b-one.png: b.jpg is damaged" in told
        assert "1 painted in" in told
        assert "1 failed" in told

    def test_it_is_done_again_when_asked_for(self, folder, table, painted):
        batch(table, "-o", "out")
        assert batch(table, "-o", "out") == 1
        assert len(painted) == 2
        assert batch(table, "-o", "out", "--retry-failed") == 1
        assert painted[2:] == ["b-one.png"]
        save_pictures(folder / "in", "b.jpg")  # another picture is another request
        assert batch(table, "-o", "out") == 0
        assert states(folder) == {"b-one.png": DONE, "a-one.png": DONE}

    def test_memory_that_runs_out_is_a_failure_of_the_row(self, folder, table, monkeypatch, capfd):
        def exhausted(*arguments, **options):
            raise MemoryError

        monkeypatch.setattr(jobs, "stylize", exhausted)
        assert batch(table, "-o", "out") == 1
        assert "a-one.png: Memory ran out" in capfd.readouterr().err

    def test_an_error_of_the_program_is_not_hidden(self, folder, table, monkeypatch):
        def broken(*arguments, **options):
            raise RuntimeError("a mistake")

        monkeypatch.setattr(jobs, "stylize", broken)
        with pytest.raises(RuntimeError, match="a mistake"):
            batch(table, "-o", "out")


class TestRefusals:
    def test_wrong_rows_are_told_before_any_work(self, folder, painted, capfd):
        rows = [
            {"content": "in/a.png", "style": "one.png", "size": "64"},
            {"content": "in/c.png", "style": "one.png", "size": "64"},
            {"content": "in/b.jpg", "style": "one.png", "size": "1"},
        ]
        table = save_table(folder / "table.csv", *rows)
        assert batch(table, "-o", "out") == 2
        told = capfd.readouterr().err
        assert "row 3: There is no file in/c.png" in told.replace(f"{folder}/", "")
        assert "row 4: size must be a whole number from 64" in told
        assert painted == []
        assert not (folder / "out").exists()
        assert batch(table, "-o", "out", "--keep-going") == 1
        assert painted == ["a-one.png"]

    def test_files_of_others_are_not_replaced(self, folder, painted, capfd):
        save_pictures(folder / "out", "a-one.png")
        before = (folder / "out" / "a-one.png").read_bytes()
        arguments = "--content", "in", "--style", "one.png", "-o", "out"
        assert batch(*arguments) == 2
        assert "row 1: a-one.png exists" in capfd.readouterr().err
        assert batch(*arguments, "--keep-going") == 1
        assert painted == ["b-one.png"]
        assert (folder / "out" / "a-one.png").read_bytes() == before

    def test_a_result_that_was_begun_is_replaced(self, folder, painted):
        """The program was killed between writing the result and recording it."""
        arguments = "--content", "in/a.png", "--style", "one.png", "-o", "out"
        batch(*arguments)
        ledger = folder / "out" / "ledger.jsonl"
        ledger.write_text(ledger.read_text().splitlines()[0])
        part = folder / "out" / f".{'5e' * 8}.part"
        part.write_bytes(b"half")
        assert batch(*arguments) == 0
        assert painted == 2 * ["a-one.png"]
        assert not part.exists()

    def test_a_contact_sheet_of_somebody_else_stays(self, folder):
        save_pictures(folder / "in", "contact-sheet.jpg")
        before = (folder / "in" / "contact-sheet.jpg").read_bytes()
        assert batch("--content", "in", "--style", "one.png", "-o", "in") == 0
        assert (folder / "in" / "contact-sheet.jpg").read_bytes() == before
        assert (folder / "in" / "a-one.png").exists()

    def test_a_result_that_is_a_folder_is_told_before_any_work(self, folder, painted, capfd):
        (folder / "out" / "a-one.png").mkdir(parents=True)
        assert batch("--content", "in/a.png", "--style", "one.png", "-o", "out") == 2
        assert "a-one.png exists" in capfd.readouterr().err
        assert painted == []

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((), "Name a table of pictures, or give --content"),
            (("m.csv", "--content", "in"), "not both"),
            (("--content", "in"), "No style image is named"),
            (("--content", "out", "--style", "one.png"), "Cannot read out"),
            (("m.csv",), "Cannot read m.csv"),
            (("m.csv", "--workers", "2"), "--workers is for a Ray cluster"),
            (("--content", "in", "--style", "one.png", "--bits", "16", "--format", "jpg"), "16"),
        ],
    )
    def test_wrong_commands_are_told(self, folder, arguments, told, capfd):
        assert batch(*arguments, "-o", "out") == 2
        assert told in capfd.readouterr().err

    def test_two_programs_do_not_write_one_folder(self, folder, capfd):
        arguments = "--content", "in", "--style", "one.png", "-o", "out"
        (folder / "out").mkdir()
        with open_ledger(folder / "out" / "ledger.jsonl"):
            assert batch(*arguments) == 2
        assert "Another program is writing" in capfd.readouterr().err

    def test_a_missing_ray_is_told(self, folder, monkeypatch, capfd):
        monkeypatch.setitem(sys.modules, "ray", None)
        arguments = "--content", "in", "--style", "one.png", "-o", "out"
        assert batch(*arguments, "--address", "local") == 2
        assert "pip install 'ray>=2.40,<3'" in capfd.readouterr().err


def test_ctrl_c_keeps_what_is_done(folder, painted, monkeypatch, capfd):
    stylize, calls = jobs.stylize, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return stylize(*arguments, **options)

    monkeypatch.setattr(jobs, "stylize", interrupted)
    arguments = "--content", "in", "--style", "one.png", "-o", "out"
    assert batch(*arguments) == INTERRUPTED
    assert "Run the same command again" in capfd.readouterr().err
    assert batch(*arguments) == 0
    assert painted == ["a-one.png", "b-one.png", "b-one.png"]


def test_json_lines_tell_everything(folder, capfd):
    batch("--content", "in", "--style", "one.png", "-o", "out", "--json")
    told = capfd.readouterr()
    events = [json.loads(line) for line in told.out.splitlines()]
    assert [event["event"] for event in events] == ["begin", "done", "done", "end"]
    assert events[0]["jobs"] == 2
    assert events[1]["name"] == "a-one.png"
    assert events[1]["seconds_left"] >= 0
    assert events[2]["seconds_left"] == 0
    assert [events[-1][name] for name in ("done", "failed", "skipped")] == [2, 0, 0]
    assert told.err == ""


def test_a_dry_run_paints_nothing_and_tells_the_plan(folder, painted, monkeypatch, capfd):
    speed = Speed(1000.0, 0.1)
    monkeypatch.setattr("neural_style.batch.estimate.measure_speed", lambda *_: speed)
    arguments = "--content", "in", "--style", "one.png", "-o", "out", "--dry-run"
    assert batch(*arguments) == 0
    told = capfd.readouterr().out
    assert "2 to paint, 0 done before, 0 failed before." in told
    assert "GB of memory" in told
    assert "b-one.png" in told
    assert painted == []
    assert not (folder / "out").exists()
    assert batch(*arguments, "--json") == 0
    plan = json.loads(capfd.readouterr().out)
    assert plan["todo"] == 2
    assert plan["seconds"] > 0
