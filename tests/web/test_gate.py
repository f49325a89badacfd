"""The gate of runs: shares of visitors, where requests come from, and runs nobody receives."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.context import LocalContext

from neural_style.web.run import gate as gates
from neural_style.web.run import metrics
from neural_style.web.run.gate import Gate, Visitor, visitor_of
from neural_style.web.run.streams import Streams
from neural_style.web.text.texts import PageError


def request_from(address: str | None, session: str = "one", **headers: str) -> gr.Request:
    """Gradio's request of a visitor at that address."""
    client = SimpleNamespace(host=address) if address else None
    starlette = SimpleNamespace(client=client, headers=headers)
    return gr.Request(starlette, session_hash=session)


class TestVisitor:
    @pytest.fixture(autouse=True)
    def no_host_settings(self, monkeypatch):
        monkeypatch.delenv(gates.PROXIES, raising=False)
        monkeypatch.delenv("SPACE_ID", raising=False)

    def test_visitor_has_session_event_and_address(self):
        token = LocalContext.event_id.set("event")
        assert visitor_of(request_from("10.0.0.1")) == Visitor("one", "event", "10.0.0.1")
        LocalContext.event_id.reset(token)
        assert visitor_of(request_from(None)).address is None
        assert visitor_of(None) == visitor_of(gr.Request()) == Visitor()

    @pytest.mark.parametrize(
        ("proxies", "header", "address"),
        [
            ("0", "1.1.1.1", "10.0.0.1"),
            ("", "1.1.1.1", "10.0.0.1"),
            ("many", "1.1.1.1", "10.0.0.1"),
            ("1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
            ("2", "6.6.6.6, 1.1.1.1 , 10.0.0.9", "1.1.1.1"),
            ("2", "1.1.1.1", "10.0.0.1"),
            ("1", "", None),
        ],
    )
    def test_only_what_the_hosts_own_proxies_say_is_believed(
        self, monkeypatch, proxies, header, address
    ):
        monkeypatch.setenv(gates.PROXIES, proxies)
        request = request_from("10.0.0.1", **{"x-forwarded-for": header})
        assert visitor_of(request).address == address

    def test_addresses_of_a_spaces_proxies_do_not_count(self, monkeypatch):
        monkeypatch.setenv("SPACE_ID", "a/b")
        assert visitor_of(request_from("10.0.0.1")).address is None
        monkeypatch.setenv(gates.PROXIES, "1")
        request = request_from("10.0.0.1", **{"x-forwarded-for": "1.1.1.1"})
        assert visitor_of(request).address == "1.1.1.1"


class TestShares:
    def enter(self, gate: Gate, *visitors: Visitor) -> list:
        """Lets the visitors in; returns what lets them out again."""
        entered = [gate.enter(visitor) for visitor in visitors]
        for one in entered:
            one.__enter__()
        return entered

    def test_session_has_two_runs_at_once(self):
        gate, visitor = Gate(), Visitor("one")
        first, _ = self.enter(gate, visitor, visitor)
        with pytest.raises(PageError, match="You have 2 runs here already"):
            self.enter(gate, visitor)
        self.enter(gate, Visitor("another"))
        first.__exit__(None, None, None)
        self.enter(gate, visitor)

    def test_address_has_six_runs_at_once(self):
        gate = Gate()
        (first, *_) = self.enter(gate, *(Visitor(f"{k}", address="10.0.0.1") for k in range(6)))
        with pytest.raises(PageError, match="6 runs from your network"):
            self.enter(gate, Visitor("7", address="10.0.0.1"))
        self.enter(gate, Visitor("7", address="10.0.0.2"), Visitor("8"))
        first.__exit__(None, None, None)
        self.enter(gate, Visitor("7", address="10.0.0.1"))

    def test_twenty_runs_go_on_or_wait_in_all(self):
        gate = Gate()
        (first, *_) = self.enter(gate, *(Visitor(f"{k}") for k in range(20)))
        with pytest.raises(PageError, match="20 runs go on or wait already"):
            self.enter(gate, Visitor("21"))
        first.__exit__(None, None, None)
        self.enter(gate, Visitor("21"))

    def test_refused_and_failed_runs_do_not_count(self):
        gate, visitor = Gate(), Visitor("one", address="10.0.0.1")
        for _ in range(9):
            with pytest.raises(ValueError, match="a mistake"), gate.enter(visitor):
                raise ValueError("a mistake")
        entered = self.enter(gate, visitor, visitor)
        for _ in range(9):
            with pytest.raises(PageError):
                self.enter(gate, visitor)
        for one in entered:
            one.__exit__(None, None, None)
        self.enter(gate, visitor, visitor)

    def test_runs_and_refusals_are_counted_for_the_host(self):
        def count(name: str) -> float:
            lines = dict(line.rsplit(" ", 1) for line in metrics.as_text().decode().splitlines())
            return float(lines[name])

        refused, ended = "neural_style_refused_total", "neural_style_run_seconds_count"
        before = count(refused), count(ended)
        gate = Gate()
        with gate.enter(Visitor("one")):
            assert count("neural_style_runs") == 1
            gate.close(0)
            with pytest.raises(PageError), gate.enter(Visitor("two")):
                pass
        assert count("neural_style_runs") == 0
        assert (count(refused), count(ended)) == (before[0] + 1, before[1] + 1)

    def test_unknown_visitors_share_the_whole(self):
        self.enter(Gate(), *(20 * [Visitor()]))

    def test_closed_gate_lets_nobody_in_and_waits_for_the_last(self):
        gate = Gate()
        (entered,) = self.enter(gate, Visitor("one"))
        assert not gate.close(0)
        assert gate.closed
        with pytest.raises(PageError, match="server is being stopped"):
            self.enter(gate, Visitor("two"))
        ended = []
        closing = threading.Thread(target=lambda: ended.append(gate.close(60)))
        closing.start()
        entered.__exit__(None, None, None)
        closing.join(60)
        assert ended == [True]


class TestListener:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch) -> SimpleNamespace:
        clock = SimpleNamespace(now=0.0)
        monkeypatch.setattr(gates.time, "monotonic", lambda: clock.now)
        return clock

    @pytest.mark.parametrize("name", ["session", "event"])
    def test_run_is_heard_by_a_stream_of_its_session_or_event(self, name, clock):
        streams = Streams()
        listener = Gate(streams).listener(Visitor("session", "event"))
        streams.change(name, 1)
        clock.now = 100.0
        assert not listener.is_gone()
        streams.change(name, -1)
        clock.now = 109.9
        assert not listener.is_gone()
        clock.now = 110.1
        assert listener.is_gone()

    def test_run_that_nobody_has_ever_heard_is_left_after_ten_seconds(self, clock):
        listener = Gate().listener(Visitor("session", "event"))
        clock.now = 9.9
        assert not listener.is_gone()
        clock.now = 10.1
        assert listener.is_gone()

    def test_run_of_an_unknown_visitor_goes_on(self, clock):
        listener = Gate().listener(Visitor())
        clock.now = 100.0
        assert not listener.is_gone()


class TestWaitForEnd:
    def test_waits_for_the_runs_of_the_session_alone(self):
        gate, mine, other = Gate(), Visitor("one"), Visitor("two")
        assert gate.wait_for_end(mine, 0)
        with gate.enter(other):
            assert gate.wait_for_end(mine, 0)
            with gate.enter(mine):
                assert not gate.wait_for_end(mine, 0.01)
            assert gate.wait_for_end(mine, 0)

    def test_is_told_when_the_run_ends(self):
        gate, mine = Gate(), Visitor("one")
        running = gate.enter(mine)
        running.__enter__()
        timer = threading.Timer(0.05, lambda: running.__exit__(None, None, None))
        timer.start()
        assert gate.wait_for_end(mine, 30)
        timer.join()
