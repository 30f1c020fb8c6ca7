"""A small S3 in a process of its own, which fails as it is told to.

It knows what the handler asks for: ranges, conditions, metadata, versions and the listing of one key. Signatures are
not checked. Faults are given by `Store.fail`: the next requests of a method are answered wrongly in one of the ways of
`Fault.kind`, and then all is well again.
"""

import argparse
import hashlib
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

from local.processes import stop

BUCKET = "videos"
SLOW = 3.0
STATUSES = {
    "500": (500, "InternalError"),
    "503": (503, "ServiceUnavailable"),
    "SlowDown": (503, "SlowDown"),
    "429": (429, "TooManyRequests"),
    "403": (403, "AccessDenied"),
    "archived": (403, "InvalidObjectState"),
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong with some requests."""

    kind: str
    """A key of `STATUSES`, or `reset` (the connection breaks), `short` (it ends early), `stall` (nothing more comes),
    `drip` (a byte at a time), `long` (more bytes than were asked for), `whole` (the range is ignored), `shifted` (the
    Content-Range names other bytes), `grown` (it names another total size), `replace` (the object is overwritten),
    `wait` (a write is decided on after `SLOW` seconds; the log has it with the status 0 when it has come in)."""
    method: str = "GET"
    count: int = 1_000_000
    """How many requests; by default all that come."""
    after: int = 0
    """Bytes of content that are sent before it happens."""
    skip: int = 0
    """Requests that are answered rightly before."""
    content: str = ""
    """Of the object that is put in the place of the one that is read; text, in Latin-1."""


@dataclass
class _Object:
    content: bytes
    etag: str
    version: str
    metadata: dict[str, str]
    content_type: str


@dataclass
class _State:
    objects: dict[str, list[_Object]] = field(default_factory=dict)
    """By `bucket/key`, the versions, newest last."""
    faults: list[dict[str, Any]] = field(default_factory=list)
    log: list[list[Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    versions: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def put(self, name: str, content: bytes, metadata: dict[str, str], content_type: str) -> _Object:
        made = _Object(
            content,
            hashlib.md5(content, usedforsecurity=False).hexdigest(),
            f"v{next(self.versions)}",
            metadata,
            content_type,
        )
        self.objects.setdefault(name, []).append(made)
        del self.objects[name][:-4]
        return made

    def fault(self, method: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault["method"] != method or not fault["count"]:
                    continue
                if fault["skip"]:
                    fault["skip"] -= 1
                    continue
                fault["count"] -= 1
                return Fault(**fault)
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: _State

    def log_message(self, format: str, *args: object) -> None:
        """The log is kept by the state."""

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    @property
    def _query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def do_GET(self) -> None:
        if self._name == "-/log":
            with self.state.lock:
                body = json.dumps(self.state.log).encode()
            self._answer(200, {}, body)
        elif self._name.rstrip("/").count("/") == 0:
            prefix = f"{self._name.rstrip('/')}/{self._query.get('prefix', '')}"
            keys = sorted(
                n.partition("/")[2] for n, versions in self.state.objects.items() if n.startswith(prefix) and versions
            )
            listed = "".join(f"<Contents><Key>{escape(quote(key))}</Key></Contents>" for key in keys)
            text = f"<ListBucketResult><EncodingType>url</EncodingType>{listed}</ListBucketResult>"
            self._answer(200, {"Content-Type": "application/xml"}, text.encode())
        else:
            self._object()

    def do_HEAD(self) -> None:
        self._object()

    def do_DELETE(self) -> None:
        with self.state.lock:
            self.state.objects.pop(self._name, None)
        self._answer(204, {}, b"")

    def do_POST(self) -> None:
        """`/-/faults`: from now on these, and the log begins anew."""
        faults = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.state.lock:
            self.state.faults, self.state.log = faults, []
        self._answer(200, {}, b"")

    def do_PUT(self) -> None:
        copied = unquote(self.headers["x-amz-copy-source"] or "").lstrip("/")
        body = self.state.objects[copied][-1].content if copied else self._body()
        own = self.headers["x-own"] is not None
        fault = None if own else self.state.fault("PUT")
        if fault is not None and self._fails(fault):
            return
        if_match = (self.headers["If-Match"] or "").strip('"')
        prefix = "x-amz-meta-"
        metadata = {n.lower()[len(prefix) :]: v for n, v in self.headers.items() if n.lower().startswith(prefix)}
        status, code, headers = 200, "", {}
        with self.state.lock:
            versions = self.state.objects.get(self._name, [])
            if self.headers["If-None-Match"] == "*" and versions:
                status, code = 412, "PreconditionFailed"
            elif if_match and not versions:
                status, code = 404, "NoSuchKey"
            elif if_match and versions[-1].etag != if_match:
                status, code = 412, "PreconditionFailed"
            else:
                made = self.state.put(self._name, body, metadata, self.headers["Content-Type"] or "")
                headers = {"ETag": f'"{made.etag}"', "x-amz-version-id": made.version}
            if not own:
                self.state.log.append(["PUT", self._name, status])
        if code:
            self._refuse(status, code)
        else:
            copy = f"<CopyObjectResult><ETag>{headers['ETag']}</ETag></CopyObjectResult>".encode()
            self._answer(status, headers, copy if copied else b"")

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if "aws-chunked" not in (self.headers["Content-Encoding"] or ""):
            return body
        # Chunks of `size in hexadecimal[;signature]`, the last one empty, then trailers: the checksums.
        content, position = b"", 0
        while position < len(body):
            line_end = body.index(b"\r\n", position)
            size = int(body[position:line_end].split(b";")[0], 16)
            if size == 0:
                break
            content += body[line_end + 2 : line_end + 2 + size]
            position = line_end + 2 + size + 2
        return content

    def _object(self) -> None:
        fault = None if self.headers["x-own"] else self.state.fault(self.command)
        if fault is not None and fault.kind == "replace":
            with self.state.lock:
                self.state.put(self._name, fault.content.encode("latin-1"), {}, "")
        version, if_match = self._query.get("versionId"), (self.headers["If-Match"] or "").strip('"')
        with self.state.lock:
            versions = list(self.state.objects.get(self._name, []))
        found = next((v for v in reversed(versions) if version in (None, v.version)), None)
        if fault is not None and self._fails(fault):
            return
        if found is None:
            self._refuse(404, "NoSuchKey")
        elif if_match and if_match != found.etag:
            self._refuse(412, "PreconditionFailed")
        else:
            self._send(found, fault)

    def _send(self, found: _Object, fault: Fault | None) -> None:
        size, kind = len(found.content), fault.kind if fault else ""
        start, end, status = 0, size, 200
        asked = self.headers["Range"] if kind != "whole" else None
        headers = {
            "ETag": f'"{found.etag}"',
            "Content-Type": found.content_type or "application/octet-stream",
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "x-amz-version-id": found.version,
            **{f"x-amz-meta-{name}": value for name, value in found.metadata.items()},
        }
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end, status = int(first), min(size, int(last) + 1), 206
            if start >= end:
                self._refuse(416, "InvalidRange")
                return
            off = 7 if kind == "shifted" else 0
            headers["Content-Range"] = f"bytes {start + off}-{end - 1 + off}/{size + (10**6 if kind == 'grown' else 0)}"
        content = found.content[start:end] + (b"\0" * 999 if kind == "long" else b"")
        self._note(status)
        self._head(status, headers, len(content))
        if self.command == "HEAD":
            return
        if kind in ("reset", "short", "stall", "drip"):
            assert fault is not None
            self._break(fault, content)
        else:
            self.wfile.write(content)

    def _break(self, fault: Fault, content: bytes) -> None:
        self.close_connection = True
        self.wfile.write(content[: fault.after])
        if fault.kind == "stall":
            time.sleep(120)
        elif fault.kind == "drip":
            for byte in content[fault.after :]:
                self.wfile.write(bytes([byte]))
                time.sleep(0.5)
        elif fault.kind == "reset":
            time.sleep(0.02)  # else the bytes sent so far would be thrown away
            # With no time to linger the kernel sends a reset and not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _fails(self, fault: Fault) -> bool:
        """Whether a request is answered by the fault alone."""
        if fault.kind in STATUSES:
            self._note(STATUSES[fault.kind][0])
            self._refuse(*STATUSES[fault.kind])
            return True
        if fault.kind == "wait":
            self._note(0)
            time.sleep(SLOW)
        if fault.kind in ("reset", "stall") and self.command != "GET":
            self._note(0)
            self._break(fault, b"")
            return True
        return False

    def _note(self, status: int) -> None:
        if not self.headers["x-own"]:
            with self.state.lock:
                self.state.log.append([self.command, self._name, status])

    def _refuse(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>told to fail</Message></Error>".encode()
        self._answer(status, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else body)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._head(status, headers, None if status == 204 else len(body))
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str], length: int | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


class Store:
    """The store's process and how tests talk to it; ends with its context."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.store"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        assert self.url.startswith("http"), "the store did not start"
        self._sequencers = itertools.count(1)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop(self._process)

    def fail(self, *faults: Fault) -> None:
        """From now on these faults, and a new log."""
        self._ask("POST", "-/faults", json.dumps([asdict(fault) for fault in faults]).encode())

    def log(self) -> list[tuple[str, str, int]]:
        """What the handler asked since: method, `bucket/key`, status."""
        return [(row[0], row[1], row[2]) for row in json.loads(self._ask("GET", "-/log")[1])]

    def put(self, key: str, content: bytes, metadata: dict[str, str] | None = None) -> dict[str, Any]:
        """Uploads a video; the record that S3 would send of it."""
        headers = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        answered, _ = self._ask("PUT", f"{BUCKET}/{quote(key)}", content, headers)
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": BUCKET},
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "size": len(content),
                    "eTag": answered["ETag"].strip('"'),
                    "versionId": answered["x-amz-version-id"],
                    "sequencer": f"{next(self._sequencers):016X}",
                },
            },
        }

    def delete(self, key: str) -> None:
        """Takes an object away."""
        self._ask("DELETE", f"{BUCKET}/{quote(key)}")

    def get(self, key: str) -> tuple[dict[str, str], bytes] | None:
        """An object's headers and content."""
        try:
            return self._ask("GET", f"{BUCKET}/{quote(key)}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        request = urllib.request.Request(
            f"{self.url}/{path}", data=body, method=method, headers={"x-own": "1", **(headers or {})}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(answer.headers.items()), cast("bytes", answer.read())


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serves until the process is ended."""
    argparse.ArgumentParser(prog="python -m tests.faults.store", description=__doc__).parse_args()

    class Bound(_Handler):
        state = _State()

    server = _Server(("127.0.0.1", 0), Bound)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
