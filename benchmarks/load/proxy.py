"""A proxy between the function and S3 that does to chosen requests what S3 and networks do now and then."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

SECONDS = 60
"""Longest wait for the S3 behind it."""
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "upgrade", "content-length"}


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the first `times` requests."""

    kind: Literal["slow down", "forbid", "reset", "cut"]
    times: int


class Faults:
    """Which requests go wrong, by (method, key). Safe between threads."""

    def __init__(self, faults: Mapping[tuple[str, str], Fault]) -> None:
        self._left = dict(faults)
        self._lock = threading.Lock()
        self.injected = 0
        """Requests that went wrong so far."""

    def next(self, method: str, key: str) -> str | None:
        """What goes wrong with this request; counts it."""
        with self._lock:
            fault = self._left.get((method, key))
            if fault is None or fault.times == 0:
                return None
            self._left[method, key] = replace(fault, times=fault.times - 1)
            self.injected += 1
            return fault.kind

    def lift(self) -> None:
        """From now on nothing goes wrong."""
        with self._lock:
            self._left.clear()


@contextmanager
def proxying(port: int, faults: Faults) -> Iterator[str]:
    """A proxy to the S3 on `port` of 127.0.0.1, for path-style addresses; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        upstream: http.client.HTTPConnection | None = None

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            _, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
            kind = faults.next(self.command, key)
            if kind == "slow down":
                self._answer(503, {}, _error("SlowDown", "Please reduce your request rate."))
            elif kind == "forbid":
                self._answer(403, {}, _error("AccessDenied", "Access Denied"))
            elif kind == "reset":
                # Without a word and without waiting for what is unsent: the other side sees a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            else:
                self._forward(body, cut=kind == "cut")

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

        def _forward(self, body: bytes, cut: bool) -> None:
            if self.upstream is None:
                self.upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
            self.upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OF_THE_CONNECTION:
                    self.upstream.putheader(name, value)
            self.upstream.putheader("Content-Length", str(len(body)))
            self.upstream.endheaders(body)
            response = self.upstream.getresponse()
            content = response.read()
            headers = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION}
            length = response.getheader("Content-Length") if self.command == "HEAD" else None
            self._answer(response.status, headers, content, length, cut)

        def _answer(
            self, status: int, headers: Mapping[str, str], content: bytes, length: str | None = None, cut: bool = False
        ) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.close_connection = True

        def finish(self) -> None:
            if self.upstream is not None:
                self.upstream.close()
            super().finish()

        def log_message(self, format: str, *args: object) -> None:
            """Faults are counted, and nothing else is worth a line."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A job that is killed hangs up in the middle; the run's checks see what came of it."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _error(code: str, message: str) -> bytes:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'.encode()
