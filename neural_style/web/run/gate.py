"""Who may start a run: a fair share for each visitor, and an end for runs that nobody waits for."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import gradio as gr
from gradio.context import LocalContext

from neural_style.web.run import metrics
from neural_style.web.run.streams import Streams
from neural_style.web.text.texts import PageError

MOST_RUNS = 20
"""Runs that go on or wait at once."""

_MOST_OF_A_SESSION = 2
"""Of one open page, or of one client of the API."""

_MOST_OF_AN_ADDRESS = 6
"""Of all pages and clients at one address, which a household or an office may share."""

_UNHEARD_SECONDS = 10.0
"""A run whose outputs nobody receives ends after this time. A page that has just requested a run
opens its stream within a second."""

PROXIES = "NEURAL_STYLE_PROXIES"
"""Environment variable: the number of reverse proxies in front of the server, each of which appends
to the header X-Forwarded-For; without it the address of the connection counts."""


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from.

    Attributes:
        session: Name of the session that Gradio gives each page and client; None if unknown.
        event: Name of the request; None if unknown.
        address: IP address; None if unknown.
    """

    session: str | None = None
    event: str | None = None
    address: str | None = None


def visitor_of(request: gr.Request | None) -> Visitor:
    """Where Gradio's request comes from. On a Space, addresses are those of Hugging Face's proxies,
    and None unless their number is given.
    """
    if request is None or request.request is None:
        return Visitor()
    proxies = os.environ.get(PROXIES, "")
    client = request.client
    address = client.host if client else None
    if proxies.isdigit() and int(proxies) > 0:
        passed = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",")]
        address = passed[-int(proxies)] if len(passed) >= int(proxies) else address
    elif os.environ.get("SPACE_ID"):
        address = None
    return Visitor(request.session_hash, LocalContext.event_id.get(None), address or None)


@dataclass
class Gate:
    """Counts the runs that go on or wait; safe to use from many threads.

    Attributes:
        streams: The open streams of outputs.
    """

    streams: Streams = field(default_factory=Streams)
    _counts: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    _runs: int = 0
    _closed: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def enter(self, visitor: Visitor) -> Iterator[None]:
        """Lets a run begin or wait, until the block is left.

        Raises:
            PageError: There are too many, of this visitor or in all; or the server is stopping.
        """
        keys = [("session", visitor.session), ("address", visitor.address)]
        with self._changed:
            try:
                self._refuse_excess(visitor)
            except PageError:
                metrics.REFUSED.inc()
                raise
            self._runs += 1
            self._counts.update(keys)
        try:
            with metrics.RUNS.track_inprogress(), metrics.SECONDS.time():
                yield
        finally:
            with self._changed:
                self._runs -= 1
                self._counts.subtract(keys)
                self._counts += Counter()  # forgets those without runs
                self._changed.notify_all()

    def _refuse_excess(self, visitor: Visitor) -> None:
        if self._closed:
            raise PageError("server_stops")
        if visitor.session and self._counts["session", visitor.session] >= _MOST_OF_A_SESSION:
            raise PageError("busy_session", count=_MOST_OF_A_SESSION)
        if visitor.address and self._counts["address", visitor.address] >= _MOST_OF_AN_ADDRESS:
            raise PageError("busy_address", count=_MOST_OF_AN_ADDRESS)
        if self._runs >= MOST_RUNS:
            raise PageError("busy", count=MOST_RUNS)

    def wait_for_end(self, visitor: Visitor, timeout_seconds: float) -> bool:
        """Waits until the visitor's session has no run. Returns whether it has none."""
        key = ("session", visitor.session)
        with self._changed:
            return self._changed.wait_for(lambda: not self._counts[key], timeout_seconds)

    def listener(self, visitor: Visitor) -> Listener:
        """Tells whether somebody still receives the outputs of the visitor's run."""
        return Listener(self.streams, visitor)

    @property
    def is_idle(self) -> bool:
        """Whether no run goes on or waits."""
        return self._runs == 0

    @property
    def closed(self) -> bool:
        """Whether the server is stopping, so that runs must end."""
        return self._closed

    def close(self, timeout_seconds: float) -> bool:
        """Lets no run begin, and waits until those that go on or wait have ended.

        Returns:
            Whether all have ended.
        """
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: self._runs == 0, timeout_seconds)


class Listener:
    """Whether somebody receives the outputs of one run."""

    def __init__(self, streams: Streams, visitor: Visitor) -> None:
        self._streams = streams
        self._visitor = visitor
        self._heard = time.monotonic()

    def is_gone(self) -> bool:
        """Whether nobody has received outputs for a while; False for an unknown visitor."""
        names = {self._visitor.session, self._visitor.event} - {None}
        now = time.monotonic()
        if not names or self._streams.is_open(names):
            self._heard = now
        return now - self._heard > _UNHEARD_SECONDS
