"""Signals that end the shell's runs."""

from __future__ import annotations

import signal
import threading

import pytest

from neural_style.interrupts import Terminated, exit_code, ignore_interrupts, sigterm_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ignore_interrupts_ignores_the_signal_within_its_block(number):
    # A test process started in the background ignores SIGINT.
    before = signal.signal(number, signal.default_int_handler)
    try:
        with ignore_interrupts():
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


def test_sigterm_interrupts_within_its_block():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as ended, sigterm_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert exit_code(ended.value) == 143
    assert exit_code(KeyboardInterrupt()) == 130
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_leave_the_signal_alone():
    seen = []

    def look() -> None:
        with sigterm_interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(60)
    assert seen == [signal.getsignal(signal.SIGTERM)]
