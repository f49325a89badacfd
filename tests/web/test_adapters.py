"""The adapters around the handlers of runs: waiting in line, and the outputs of the API."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import gradio as gr
import pytest

from neural_style.web.run import adapters
from neural_style.web.run.adapters import api_handler, in_line, through_gate
from neural_style.web.run.gate import Gate
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.line import Line
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs
from tests.web.stylize_calls import knob_values

WAITING = Status(
    "busy",
    "In line: 1 ahead of you · about 1 min 30 s",
    "Runs that were started earlier come first. Stop leaves the line.",
)


@pytest.fixture(autouse=True)
def short_interval(monkeypatch):
    """A waiting run yields at once, not after a second."""
    monkeypatch.setattr(adapters, "_WAITING_INTERVAL_SECONDS", 0)


class Run:
    """A handler in a line that yields two pictures, and counts its starts and ends."""

    def __init__(self, line: Line) -> None:
        self.started = self.ended = 0
        self.in_line = in_line(line, lambda *_: 90.0, self.handler, lambda status: status)

    def handler(self, content: str, language: str = "en") -> Iterator[str]:
        self.started += 1
        try:
            yield f"{content}-1"
            yield f"{content}-2"
        finally:
            self.ended += 1


class TestInLine:
    def test_run_without_others_does_not_wait(self):
        run = Run(Line())
        assert list(run.in_line("a")) == ["a-1", "a-2"]
        assert list(run.in_line("b")) == ["b-1", "b-2"]

    def test_second_run_tells_its_place_until_the_first_has_ended(self):
        run = Run(Line())
        first, second = run.in_line("a"), run.in_line("b")
        assert next(first) == "a-1"
        assert [next(second), next(second)] == [WAITING, WAITING]
        assert run.started == 1
        assert list(first) == ["a-2"]
        assert list(second) == ["b-1", "b-2"]

    def test_place_and_time_count_all_runs_before(self):
        run = Run(Line())
        runs = [run.in_line(name) for name in "abc"]
        next(runs[0])
        next(runs[1])
        headline = next(runs[2]).headline
        assert headline == "In line: 2 ahead of you · about 3 min"
        runs[1].close()
        assert next(runs[2]) == WAITING
        for each in runs:
            each.close()

    def test_closing_a_waiting_run_leaves_the_line_and_starts_nothing(self):
        run = Run(Line())
        first, second, third = (run.in_line(name) for name in "abc")
        next(first), next(second), next(third)
        second.close()
        assert list(first) == ["a-2"]
        assert list(third) == ["c-1", "c-2"]
        assert (run.started, run.ended) == (2, 2)

    def test_closing_a_started_run_closes_it_and_lets_the_next_begin(self):
        run = Run(Line())
        first, second = run.in_line("a"), run.in_line("b")
        next(first), next(second)
        first.close()
        assert run.ended == 1
        assert next(second) == "b-1"
        second.close()

    def test_failed_run_lets_the_next_begin(self):
        line = Line()

        def fail(content):
            raise RuntimeError("a mistake")
            yield

        with pytest.raises(RuntimeError, match="a mistake"):
            list(in_line(line, lambda _: 1.0, fail, str)("a"))
        assert list(Run(line).in_line("b")) == ["b-1", "b-2"]

    def test_duration_is_estimated_from_the_arguments(self):
        line, given = Line(), []

        def seconds(*arguments):
            given.append(arguments)
            return 30.0

        run = Run(line)
        first = in_line(line, seconds, run.handler, str)("a", "zh")
        second = run.in_line("b", "zh")
        next(first)
        assert given == [("a", "zh")]
        assert next(second).headline == "排队中：前面还有 1 个 · 大约 30 秒"
        first.close(), second.close()

    def test_run_that_tells_its_time_left_corrects_the_time_in_line(self):
        line = Line()

        def handler(content):
            yield Outputs(None, [], Status("busy", "Begun", seconds_left=150.0), None, None)
            yield Outputs(None, [], Status("done", "Done"), None, None)

        first = in_line(line, lambda _: 30.0, handler, str)("a")
        second = Run(line).in_line("b")
        next(first)
        assert next(second).headline == "In line: 1 ahead of you · about 2 min 30 s"
        next(first)
        assert next(second).headline == "In line: 1 ahead of you · about 2 min 30 s"
        first.close(), second.close()

    def test_signature_is_that_of_the_handler(self):
        handler = in_line(Line(), lambda *_: 1.0, run_stylize, str)
        assert inspect.signature(handler) == inspect.signature(run_stylize)
        assert inspect.isgeneratorfunction(handler)

    def test_runs_in_two_threads_follow_each_other(self, monkeypatch):
        monkeypatch.setattr(adapters, "_WAITING_INTERVAL_SECONDS", 60)  # only an event ends it
        line, events = Line(), []
        first_began, second_entered = threading.Event(), threading.Event()

        def handler(name):
            events.append(f"{name} began")
            if name == "first":
                first_began.set()
                assert second_entered.wait(60)
            yield name
            events.append(f"{name} ended")

        def seconds(name):
            if name == "second":
                second_entered.set()
            return 1.0

        run = in_line(line, seconds, handler, str)
        threads = [threading.Thread(target=list, args=(run(n),)) for n in ("first", "second")]
        threads[0].start()
        assert first_began.wait(60)
        threads[1].start()
        for thread in threads:
            thread.join(60)
        assert events == ["first began", "first ended", "second began", "second ended"]


class TestThroughGate:
    def handler(self, content: str, language: str = "en") -> Iterator[str]:
        """A handler that yields two pictures."""
        yield f"{content}-1"
        yield f"{content}-2"

    @pytest.mark.parametrize("request_", [(), (None,), (gr.Request(session_hash="one"),)])
    def test_outputs_pass(self, request_):
        run = through_gate(Gate(), self.handler)
        assert list(run("a", "en", *request_)) == ["a-1", "a-2"]

    def test_request_is_one_more_parameter(self):
        run = through_gate(Gate(), run_stylize)
        *others, request = inspect.signature(run).parameters.values()
        assert others == [*inspect.signature(run_stylize).parameters.values()]
        assert (request.name, request.annotation) == ("request", gr.Request)
        assert inspect.isgeneratorfunction(run)

    def test_refused_run_shows_why_or_raises(self):
        gate = Gate()
        gate.close(0)
        words = "服务器即将停止。目前的图像已保留：请过一分钟再来。"
        shown = list(through_gate(gate, self.handler, lambda status: status)("a", "zh"))
        assert shown == [Status("failed", "未能完成", words)]
        with pytest.raises(gr.Error, match="The server is being stopped"):
            list(through_gate(gate, self.handler)("a"))

    def test_run_ends_when_the_server_stops(self):
        gate = Gate()
        run = through_gate(gate, self.handler)("a")
        assert next(run) == "a-1"
        assert not gate.close(0)
        with pytest.raises(gr.Error, match="The server is being stopped"):
            next(run)
        assert gate.close(0)

    def test_run_that_nobody_receives_ends(self, monkeypatch):
        monkeypatch.setattr("neural_style.web.run.gate._UNHEARD_SECONDS", -1.0)
        visitor = gr.Request(SimpleNamespace(client=None, headers={}), session_hash="one")
        run = through_gate(Gate(), self.handler)
        assert list(run("a", "en", visitor)) == ["a-1"]

    def test_closing_leaves_the_gate_and_closes_the_handler(self, sent, watch):
        gate = Gate()
        results = through_gate(gate, run_stylize)(*sent, None, *knob_values(iterations=2000))
        for _ in range(4):
            next(results)
        results.close()
        assert watch.ended == 1
        assert gate.close(0)


class TestApiHandler:
    def test_status_is_one_line_of_text(self, sent, watch):
        results = list(api_handler(run_stylize)(*sent, None, *knob_values()))
        texts = [text for _, _, text, _, _ in results]
        assert texts[0] == "Reading the pictures and loading the network…"
        assert not any("\n" in text for text in texts)
        number = r"[\d.e+-]+"
        assert re.fullmatch(
            rf"Done in \d+ s · 4 steps · 64×43 · content {number}, style {number}, tv {number}"
            " · vgg19 weights: tiny, for tests",
            texts[-1],
        )

    def test_outputs_without_a_run_leave_the_run_unchanged(self):
        def handler(content):
            yield Outputs(None, [], WAITING, None, None)
            yield Outputs("a.png", [("a.png", "0")], WAITING, None, "folder")

        waiting, first = api_handler(handler)("a")
        assert waiting == (None, [], str(WAITING), None, gr.skip())
        assert first == ("a.png", [("a.png", "0")], str(WAITING), None, "folder")

    def test_closing_stops_the_network(self, sent, watch):
        results = api_handler(run_stylize)(*sent, None, *knob_values(iterations=2000))
        for _ in range(4):
            next(results)
        results.close()
        assert watch.ended == 1
