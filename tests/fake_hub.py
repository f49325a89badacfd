"""A fake Hub on this machine with one file, which can fail in several ways."""

from __future__ import annotations

import hashlib
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPO = "owner/tiny-vgg"
FILENAME = "model.safetensors"
REVISION = "0123456789abcdef0123456789abcdef01234567"

FILE_PATH = f"/{REPO}/resolve/{REVISION}/{FILENAME}"
BRANCH_PATH = f"/{REPO}/resolve/main/{FILENAME}"


class FakeHub(ThreadingHTTPServer):
    """Serves `content` as the Hub's one file; tests set attributes to make it fail.

    Attributes:
        content: The file, which determines length and ETag.
        served: The bytes that are sent, if they are not the content.
        etag: The ETag, if it is not the content's SHA-256; empty for none.
        failure: Status and `X-Error-Code` sent in place of the file.
        failing: Methods ("HEAD", "GET") whose requests fail.
        silent: Whether requests are never answered.
        delay_seconds: Delay of the answer to a HEAD request.
        requests: Method and path of all requests, in order.
    """

    daemon_threads = False

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.served: bytes | None = None
        self.etag: str | None = None
        self.failure: tuple[int, str] | None = None
        self.failing = ("HEAD", "GET")
        self.silent = False
        self.delay_seconds = 0.0
        self.requests: list[tuple[str, str]] = []
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
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def close(self) -> None:
        """Closes all connections, threads and the server."""
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
        hub.requests.append((self.command, self.path))
        if hub.silent:
            hub.closing.wait()
            self.close_connection = True
            return
        if self.command == "HEAD":
            hub.closing.wait(hub.delay_seconds)
        with suppress(ConnectionError):
            if self.path not in (FILE_PATH, BRANCH_PATH):
                self._send(404, {"X-Error-Code": "EntryNotFound"})
            elif hub.failure and self.command in hub.failing:
                self._send(hub.failure[0], {"X-Error-Code": hub.failure[1]})
            else:
                etag = hub.sha256 if hub.etag is None else hub.etag
                body = hub.content if hub.served is None else hub.served
                self._send(200, {"ETag": f'"{etag}"'} if etag else {}, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        headers = {"X-Repo-Commit": REVISION, "Content-Length": str(len(body))} | headers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
