"""A Hub on this machine, with one file, that behaves well or as badly as a test asks."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

REPO = "owner/tiny-vgg"
FILENAME = "model.safetensors"
REVISION = "0123456789abcdef0123456789abcdef01234567"

FILE_PATH = f"/{REPO}/resolve/{REVISION}/{FILENAME}"
BRANCH_PATH = f"/{REPO}/resolve/main/{FILENAME}"
STORAGE_PATH = "/storage/blob"


class Request(NamedTuple):
    """What was asked, and how many bytes of body went out in answer."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    sent: int


class FakeHub(ThreadingHTTPServer):
    """Serves `content` as the Hub's one file; a test changes the attributes to be served worse.

    Attributes:
        content: The file, from which length and ETag are told.
        served: The bytes that really go out, where they are not the content.
        etag: The ETag, where it is not the content's SHA-256.
        omitted: Names of headers left out.
        ranges: Whether ranges are honored, or answered with the whole file.
        stored_at: The URL of the storage that answers for the file are redirected to, as the Hub
            does for large files; empty where the Hub answers itself.
        failure: Status and `X-Error-Code` given in place of the file.
        failing: Whether requests of a method ("HEAD", "GET") meet with the failure.
        cut: Bytes missing at the end of every body, though its length is promised in full.
        hangs_after: Bytes after which a body longer than that stands still.
        drip_bytes: Bytes of a body that come at once, twenty times a second; 0 sends it in one.
        silent: Whether requests are never answered.
        delay_seconds: How long a HEAD request waits for its answer.
        requests: All that was asked, in order.
    """

    daemon_threads = False

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.served: bytes | None = None
        self.etag: str | None = None
        self.omitted: set[str] = set()
        self.ranges = True
        self.stored_at = ""
        self.failure: tuple[int, str] | None = None
        self.failing = ("HEAD", "GET")
        self.cut = 0
        self.hangs_after: int | None = None
        self.drip_bytes = 0
        self.silent = False
        self.delay_seconds = 0.0
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, name="fake-hub"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def storage_url(self) -> str:
        """The same server under another host's name."""
        return f"http://localhost:{self.server_port}{STORAGE_PATH}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def bodies(self) -> list[int]:
        """Lengths of the bodies sent, one for each GET of the file."""
        return [request.sent for request in self.requests if request.method == "GET"]

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def close(self) -> None:
        """Ends every connection, every thread and the server."""
        self.closing.set()
        self.shutdown()
        self._thread.join()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        hub = self.server
        if hub.silent:
            self._note(0)
            hub.closing.wait()
            self.close_connection = True
            return
        if self.command == "HEAD":
            hub.closing.wait(hub.delay_seconds)
        with suppress(ConnectionError):
            if self.path not in (FILE_PATH, BRANCH_PATH, STORAGE_PATH):
                self._send(404, {"X-Error-Code": "EntryNotFound"})
            elif hub.failure and self.command in hub.failing:
                self._send(hub.failure[0], {"X-Error-Code": hub.failure[1]})
            elif hub.stored_at and self.path != STORAGE_PATH:
                self._redirect()
            else:
                self._file()

    def _redirect(self) -> None:
        hub = self.server
        headers = {
            "Location": hub.stored_at,
            "X-Linked-ETag": f'"{hub.etag or hub.sha256}"',
            "X-Linked-Size": str(len(hub.content)),
            "ETag": '"of the pointer"',
        }
        self._send(302, headers)

    def _file(self) -> None:
        hub = self.server
        body = hub.content if hub.served is None else hub.served
        headers = {"ETag": f'"{hub.etag or hub.sha256}"', "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        if not asked or not hub.ranges:
            return self._send(200, headers, body)
        start, stop = int(asked[1]), min(int(asked[2]) + 1, len(body))
        if start >= stop:
            return self._send(416, headers)
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
        return self._send(206, headers, body[start:stop])

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        hub = self.server
        headers = {"X-Repo-Commit": REVISION, "Content-Length": str(len(body))} | headers
        self.send_response(status)
        for name in headers.keys() - hub.omitted:
            self.send_header(name, headers[name])
        if self.command == "HEAD":
            body = b""
        self.close_connection |= bool(body and (hub.cut or "Content-Length" in hub.omitted))
        body = body[: max(0, len(body) - hub.cut)]
        hangs = hub.hangs_after is not None and len(body) > hub.hangs_after
        if hangs:
            body = body[: hub.hangs_after]
        self._note(len(body))
        self.end_headers()
        step = hub.drip_bytes or len(body) or 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if hub.drip_bytes and hub.closing.wait(0.05):
                break
        if hangs:
            hub.closing.wait()
            self.close_connection = True

    def _note(self, sent: int) -> None:
        asked = self.headers
        self.server.requests.append(
            Request(self.command, self.path, asked["Range"], asked["Authorization"], sent)
        )
