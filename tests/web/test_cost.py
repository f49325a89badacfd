"""Estimates: GPU seconds to reserve, the duration of runs, and the speed of the machine."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from neural_style import Settings, load_image
from neural_style.devices import choose_device
from neural_style.objective import STYLE_STATISTICS
from neural_style.plan.clock import GUESSED_SPEEDS, Speed
from neural_style.plan.estimate import seconds_of_run
from neural_style.web.run import adapters, cost, handlers, runs, view
from neural_style.web.run.handlers import gpu_seconds, run_seconds, run_stylize
from neural_style.web.run.json_files import write_json
from neural_style.web.text.texts import PageError
from tests.web.stylize_calls import complete_run, knob_values

SKETCH = Settings(iterations=30, size=256)
SHAPE = (192, 256)

ONE_SCALE = Settings(iterations=7, size=128, scales=1, statistic="gram")


def duration(settings: Settings, shape: tuple[int, int]) -> float:
    """Expected seconds of the run from its first frame to its last."""
    return seconds_of_run(settings, shape, cost.machine_speed(settings), begun=True)


@pytest.fixture
def known_speed(uploads) -> None:
    """Stores the speeds of the machine: 100,000 pixels per second in all runs."""
    write_json(uploads / "speed.json", {"nearest": 1e5, "gram": 1e5})


class TestGpuSeconds:
    def test_more_iterations_and_larger_sizes_reserve_more(self, sent):
        def seconds(iterations: int, size: int) -> int:
            return gpu_seconds(*sent, None, *knob_values(iterations=iterations, size=size))

        assert type(seconds(200, 512)) is int
        assert seconds(200, 512) < seconds(1000, 512) < seconds(2000, 512)
        assert seconds(200, 512) < seconds(200, 1024) < seconds(200, 1536)
        assert seconds(1, 64) >= 1

    @pytest.mark.slow
    def test_more_iterations_of_a_continuation_reserve_more(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values(size=1536, iterations=1)))
        few, many = (handlers.gpu_seconds_to_continue(folder, more, "en") for more in (10, 1000))
        assert type(few) is int
        assert few < many


class TestExpectedSeconds:
    # Ten iterations of 0.06 s and of 100,000 pixels per second: a start counts as three steps.
    @pytest.mark.parametrize(
        ("shape", "seconds"),
        [
            ((1, 1), 10 * (128 * 128 / 1e5 + 0.06)),
            ((1, 2), 10 * (64 * 128 / 1e5 + 0.06)),
            ((3000, 1500), 10 * (128 * 64 / 1e5 + 0.06)),
            (None, 10 * (96 * 128 / 1e5 + 0.06)),
        ],
        ids=["square", "wide", "upright", "typical photograph"],
    )
    def test_shape_of_the_content_image_sets_the_canvas(self, known_speed, shape, seconds):
        assert cost.expected_seconds(ONE_SCALE, shape) == pytest.approx(seconds)

    def test_each_kind_of_run_has_its_speed(self, uploads, known_speed):
        before = [cost.expected_seconds(Settings(statistic=name)) for name in STYLE_STATISTICS]
        write_json(uploads / "speed.json", {"nearest": 1e5, "gram": 2e5})
        after = [cost.expected_seconds(Settings(statistic=name)) for name in STYLE_STATISTICS]
        changed = dict(zip(STYLE_STATISTICS, map(float.__ne__, before, after), strict=True))
        assert changed == {name: name != "nearest" for name in STYLE_STATISTICS}

    def test_unknown_speed_of_one_kind_is_taken_from_the_other(self, uploads):
        write_json(uploads / "speed.json", {"nearest": None, "gram": 2e5})
        assert cost.machine_speed(Settings()).pixels == 2e5

    def test_run_seconds_reads_the_settings_of_a_request(self, sent, known_speed):
        values = knob_values(iterations=7, size=128, scales=1, statistic="gram")
        expected = cost.expected_seconds(ONE_SCALE)
        assert run_seconds(*sent, None, *values) == pytest.approx(expected)

    def test_continuation_takes_the_seconds_of_its_own_iterations(self, sent, watch, known_speed):
        values = knob_values(iterations=2, size=128, scales=1, statistic="gram")
        folder = complete_run(run_stylize(*sent, None, *values))
        seconds = handlers.seconds_to_continue(folder, 7, "en")
        reached = runs.last_outcome(Path(folder)).last_picture
        shape = reached.height, reached.width
        assert seconds == pytest.approx(cost.expected_seconds(ONE_SCALE, shape))
        assert seconds != pytest.approx(cost.expected_seconds(ONE_SCALE))  # a typical photograph's
        assert handlers.seconds_to_continue(folder, 0, "en") == 0.0
        assert handlers.seconds_to_continue(None, 9, "en") == 0.0


class TestLongestRun:
    @pytest.fixture(autouse=True)
    def known_duration(self, known_speed, monkeypatch):
        """A run of 1000 steps and size 512 takes 120 minutes."""
        monkeypatch.setattr(cost, "expected_seconds", lambda one: 7.2 * one.iterations)

    def test_run_beyond_an_hour_is_refused_with_what_would_fit(self):
        cost.check_cost(Settings(iterations=500))
        with pytest.raises(PageError) as error:
            cost.check_cost(Settings(iterations=1000, size=512))
        assert str(error.value) == (
            "This run would take about 120 min on this machine; at most 60 min are given to one "
            "run. It would fit with 500 steps, or at a size of 362."
        )

    @pytest.mark.parametrize(("minutes", "allowed"), [("240", True), ("30", False), ("x", True)])
    def test_host_sets_the_longest_time(self, monkeypatch, minutes, allowed):
        monkeypatch.setenv(cost.MOST_MINUTES, minutes)
        if allowed:
            cost.check_cost(Settings(iterations=500))
        else:
            with pytest.raises(PageError, match="at most 30 min"):
                cost.check_cost(Settings(iterations=500))


class TestSpeed:
    def test_speed_of_a_recorded_run_gives_its_duration_again(self, uploads):
        slower = 1.4 * duration(SKETCH, SHAPE)
        cost.record_speed(SKETCH, SHAPE, slower)
        assert duration(SKETCH, SHAPE) == pytest.approx(slower)

    @pytest.mark.parametrize(
        ("shape", "seconds"),
        [((64, 64), 40.0), (SHAPE, 2.0), (SHAPE, 0.1)],
        ids=["too small", "mostly fixed", "impossible"],
    )
    def test_run_that_tells_little_is_not_recorded(self, uploads, shape, seconds):
        cost.record_speed(SKETCH, shape, seconds)
        assert not (uploads / "speed.json").exists()

    @pytest.mark.parametrize(("slowness", "factor"), [(1000, 0.5), (0.6, 2.0)])
    def test_one_run_changes_the_speed_at_most_twofold(
        self, uploads, known_speed, slowness, factor
    ):
        large = Settings(size=1024)
        cost.record_speed(large, (683, 1024), slowness * duration(large, (683, 1024)) / 1.5)
        assert cost.machine_speed(large).pixels == pytest.approx(factor * 1e5)

    def test_duration_of_a_run_is_recorded_without_its_loading(self, sent, watch, monkeypatch):
        stylize, recorded = handlers.stylize, []

        def load_first(*arguments, **options):
            for frame in stylize(*arguments, **options):
                yield frame._replace(seconds=100 + 10 * frame.iteration)

        monkeypatch.setattr(handlers, "stylize", load_first)
        monkeypatch.setattr(view, "record_speed", lambda *given: recorded.append(given))
        *_, last = run_stylize(*sent, None, *knob_values(iterations=4))
        shape = tuple(load_image(last.picture).shape[-2:])
        [(settings, *rest)] = recorded
        assert (settings.iterations, settings.size) == (4, 64)
        assert rest == [shape, 40]

    def test_machine_is_measured_once_until_a_run_is_recorded(self, uploads, monkeypatch):
        measured = []

        def measure(kind, may_go_on):
            assert may_go_on()
            measured.append(kind)
            return {"nearest": Speed(1e5, 0.06), "gram": Speed(2e5, 0.06)}[kind]

        monkeypatch.setattr(cost, "measure_speed", measure)
        measurement = cost.SpeedMeasurement()
        settings, other = SKETCH, Settings(statistic="gram")
        assert cost.machine_speed(settings) == GUESSED_SPEEDS[choose_device("auto").type]
        assert measurement.start()
        measurement.join()
        assert cost.machine_speed(settings).pixels == 1e5
        assert cost.machine_speed(other).pixels == 2e5
        assert not measurement.start()
        slower = 1.4 * duration(settings, SHAPE)
        cost.record_speed(settings, SHAPE, slower)
        assert duration(settings, SHAPE) == pytest.approx(slower)
        assert cost.machine_speed(other).pixels == 2e5
        assert measured == ["nearest", "gram"]

    def test_zero_gpu_is_not_measured(self, uploads, monkeypatch):
        monkeypatch.setenv("SPACES_ZERO_GPU", "true")
        assert not cost.SpeedMeasurement().start()
        assert cost.machine_speed(Settings()) == GUESSED_SPEEDS["cuda"]

    def test_starting_a_run_stops_the_measurement(self, sent, watch, uploads, monkeypatch):
        measurement = cost.SpeedMeasurement()
        measuring, run_ended, answers = threading.Event(), threading.Event(), []

        def measure(kind, may_go_on):
            answers.append(may_go_on())
            measuring.set()
            assert run_ended.wait(60)
            answers.append(may_go_on())
            return Speed(1e5, 0.06) if answers[-1] else None

        monkeypatch.setattr(cost, "measure_speed", measure)
        assert measurement.start()
        assert measuring.wait(60)
        run = adapters.stop_measurement_first(measurement, run_stylize)
        list(run(*sent, None, *knob_values(iterations=2)))
        run_ended.set()
        measurement.join()
        assert answers == [True, False]
        assert cost.machine_speed(Settings()).pixels != 1e5

    def test_failed_measurement_leaves_the_guess(self, uploads, monkeypatch):
        def fail(kind, may_go_on):
            raise RuntimeError("out of memory")

        monkeypatch.setattr(cost, "measure_speed", fail)
        guess, measurement = cost.machine_speed(Settings()), cost.SpeedMeasurement()
        assert measurement.start()
        measurement.join()
        assert cost.machine_speed(Settings()) == guess

    @pytest.mark.parametrize(
        "text",
        [
            *("", "{", "[]", "7", "null", '{"nearest": 9, "gram": 9}', '{"format": 2}'),
            *(
                f'{{"format": 1, "nearest": {speed}, "gram": 9}}'
                for speed in ("NaN", "1e999", "-1", "0", '"9"')
            ),
        ],
    )
    def test_damaged_speed_file_is_ignored(self, text, uploads):
        guess = cost.machine_speed(Settings())
        (uploads / "speed.json").write_text(text)
        assert cost.machine_speed(Settings()) == guess
        write_json(uploads / "speed.json", {"nearest": 5e5, "gram": None})
        assert cost.machine_speed(Settings()).pixels == 5e5
