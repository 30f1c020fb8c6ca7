"""The stand-in behind a socket: connections, TLS, pace, and the faults that happen while bytes are sent."""

import select
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from standin_s3.answers import Answer, Ask, answer, error
from standin_s3.certificate import certificate
from standin_s3.content import Bytes
from standin_s3.faults import STATUSES, Fault
from standin_s3.log import Entry
from standin_s3.objects import Refused
from standin_s3.s3 import S3
from standin_s3.upstream import Upstream

_CHUNK = 256 * 1024
"""Bytes between two looks at the clock: 3 ms at S3's rate."""
_IN_FLIGHT = 512 * 1024
"""Bytes that the kernel may hold of an answer: what a reader that hangs up is charged for without having seen it."""
_SILENCE = 120.0
"""Seconds after which a connection that is silent on purpose ends."""
_BREAKS = ("reset", "short", "stall", "drip")
_DRIP_SECONDS = 0.5


@contextmanager
def serving(s3: S3, tls: bool = False, port: int = 0) -> Iterator[S3]:
    """Serve a stand-in in threads of this process, until the context ends."""
    with tempfile.TemporaryDirectory() as folder:
        shown = certificate(Path(folder)) if tls else None

        class Bound(_Connection):
            pass

        Bound.s3, Bound.tls = s3, shown.context if shown else None
        server = _Server(("127.0.0.1", port), Bound)
        s3.served = (
            f"http{'s' if shown else ''}://127.0.0.1:{server.server_port}",
            str(shown.bundle) if shown else "",
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield s3
        finally:
            server.shutdown()
            server.server_close()
            s3.break_connections("close")


class _HungUp(Exception):
    """The client went away before its answer was complete."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up in the middle of an answer is nothing to report: FFmpeg does so at each seek. Nor is
        # one that does not trust the certificate: it says so itself.
        if not isinstance(sys.exc_info()[1], (OSError, _HungUp)):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    s3: S3
    tls: ssl.SSLContext | None

    def setup(self) -> None:
        self.number, self._mute = self.s3.log.connected(), False
        self._upstream: Upstream | None = None
        if self.tls is not None:
            self.request = self.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _IN_FLIGHT)
        self.s3.open.add(self)

    def finish(self) -> None:
        self.s3.open.discard(self)
        if self._upstream is not None:
            self._upstream.close()
        try:
            super().finish()
        finally:
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: requests are in the log of the stand-in, and nothing else is worth a line."""

    def break_off(self, how: str) -> None:
        """See `S3.break_connections`; called from another thread."""
        if how == "swallow":
            self._mute = True
            return
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _handle(self) -> None:
        ask = self._ask()
        if self._mute:
            self._be_silent()
        entry = Entry(ask.method, ask.name, ask.if_match, self.number)
        with self.s3.log.entering(entry):
            self._answer(ask, entry)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle

    def _ask(self) -> Ask:
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).removeprefix("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Ask(self.command, bucket, key, query, headers, self._body(headers))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return body

    def _answer(self, ask: Ask, entry: Entry) -> None:
        lifted = self.s3.faults.lifted
        fault = self.s3.faults.take(ask.method, ask.key, _span(ask))
        kind = fault.kind if fault else ""
        if kind == "replace" and fault:
            self.s3.objects.put(ask.name, Bytes(fault.content), {})
        elif kind == "wait" and fault:
            lifted.wait(fault.seconds)
        elif kind == "silence":
            self.s3.log.note(entry)
            self._be_silent()
        pace = self.s3.pace
        first_byte = entry.began + self.s3.latency.draw(pace) + (fault.seconds if fault and kind == "late" else 0.0)
        while (left := max(first_byte, self.s3.log.newest + pace.settle) - time.monotonic()) > 0:
            self._wait(left)
        made = self._made(ask, fault)
        if fault and kind in _BREAKS and (ask.method != "GET" or made.status >= 300):
            self._break(entry, fault, b"")
            return
        entry.status = made.status
        self._head(made)
        if ask.method == "HEAD":
            return
        if made.status in (200, 206) and ask.method == "GET":
            entry.range = (made.start, made.start)
        stop = min(made.end, made.start + fault.after) if fault and kind in _BREAKS else made.end
        self._send(entry, made, stop)
        if fault and kind in _BREAKS:
            self._break(entry, fault, made.content.read(stop, made.end) if kind == "drip" else b"")

    def _made(self, ask: Ask, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else ""
        if kind in STATUSES:
            return error(*STATUSES[kind])
        if kind == "whole":
            ask = replace(ask, headers={name: value for name, value in ask.headers.items() if name != "range"})
        if self.s3.upstream:
            self._upstream = self._upstream or Upstream(self.s3.upstream)
            made = self._upstream.answer(ask, self.path)
        else:
            made = answer(self.s3.objects, ask)
        if kind == "long":
            content = made.content.read(made.start, made.end) + bytes(999)
            return replace(made, content=Bytes(content), start=0, end=len(content))
        if kind in ("shifted", "grown") and made.status == 206:
            off = 7 if kind == "shifted" else 0
            size = made.content.size + (1_000_000 if kind == "grown" else 0)
            told = f"bytes {made.start + off}-{made.end - 1 + off}/{size}"
            return replace(made, headers={**made.headers, "Content-Range": told})
        return made

    def _head(self, made: Answer) -> None:
        self.send_response(made.status)
        for name, value in made.headers.items():
            self.send_header(name, value)
        if made.length is not None:
            self.send_header("Content-Length", str(made.length))
        self.end_headers()

    def _send(self, entry: Entry, made: Answer, end: int) -> None:
        began, position = time.monotonic(), made.start
        while position < end:
            piece = made.content.read(position, min(position + _CHUNK, end))
            self.connection.sendall(piece)
            position += len(piece)
            entry.sent += len(piece)
            if entry.range is not None:
                entry.range = (made.start, position)
            ahead = began + (position - made.start) / self.s3.pace.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)

    def _break(self, entry: Entry, fault: Fault, rest: bytes) -> None:
        """End an answer before its end."""
        self.close_connection = True
        if fault.kind in ("stall", "drip"):
            self.s3.log.note(entry)
        if fault.kind == "stall":
            self._be_silent()
        for byte in rest:
            self.connection.sendall(bytes([byte]))
            self._wait(_DRIP_SECONDS)
        if fault.kind == "reset":
            time.sleep(0.02)  # else the bytes sent so far would be thrown away
            # With no time to linger the kernel sends a reset and not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _be_silent(self) -> None:
        self._wait(_SILENCE)
        raise _HungUp

    def _wait(self, seconds: float) -> None:
        """Wait, unless the client hangs up: it sends nothing before it has its answer.

        Raises:
            _HungUp: it does.
        """
        watched = select.poll()
        watched.register(self.connection, select.POLLIN)
        if watched.poll(seconds * 1000):
            raise _HungUp


def _span(ask: Ask) -> tuple[int, int] | None:
    try:
        return ask.span(sys.maxsize)
    except Refused:
        return None
