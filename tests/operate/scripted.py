"""A stack in the emulated AWS whose function is scripted, behind the real reader of events, with real answers."""

import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from local.emulator import CREDENTIALS, ROOT, Emulator, emulator
from local.processes import free_port
from local.program import Registered, register
from model import MADE, UNCHANGED, Outcome, Video
from operate.__main__ import main
from service import events
from service.events import Task


@dataclass
class Function:
    """What the function does with each object, and what it was asked."""

    does: Callable[["Function", Video], Outcome | Exception | int | bytes]
    """An outcome; what may succeed later; a status of a call that fails; an answer of any form."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    made: set[str] = field(default_factory=set)

    def answer(self, event: dict[str, Any]) -> tuple[int, bytes]:
        """Return the status and the body of the answer to an event of one object."""
        self.asked.append(event)
        try:
            requests = events.read(event)
        except events.BadEvent as bad:
            return 500, json.dumps({"errorType": "BadEvent", "errorMessage": str(bad)}).encode()
        (task,) = requests.tasks
        self.tasks.append(task)
        self.tries[task.video.key] += 1
        found = self.does(self, task.video)
        if isinstance(found, int):
            return found, b'{"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}'
        if isinstance(found, bytes):
            return 200, found
        if requests.batch:
            return 200, json.dumps(requests.batch.answer([found])).encode()
        if isinstance(found, Exception):
            return 500, json.dumps({"errorType": "JobFailed", "errorMessage": str(found)}).encode()
        return 200, json.dumps({"outcomes": [found.as_json()]}).encode()


def outcome(video: Video, name: str, reason: str = "", *notes: str) -> Outcome:
    return Outcome(video.bucket, video.key, name, reason, notes=notes)


def makes(function: Function, video: Video) -> Outcome:
    """Once made, found unchanged."""
    known = video.key in function.made
    function.made.add(video.key)
    return outcome(video, UNCHANGED if known else MADE)


@dataclass
class Service:
    """The stack, a bucket of its own for each test, and the commands as a person gives them."""

    emulator: Emulator
    registered: Registered
    folder: Path
    bucket: str = ""
    function: Function = field(default_factory=lambda: Function(makes))
    outputs: dict[str, Any] = field(default_factory=dict)
    """Further outputs of the stack."""

    @property
    def s3(self) -> Any:
        return self.emulator.client("s3")

    def put(self, *keys: str, **more: Any) -> None:
        for key in keys:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"video", **more)

    def arguments(self, command: str, *options: str) -> list[str]:
        """Return the command with the stack's outputs."""
        path = self.folder / "outputs.json"
        reports = f"s3://{self.bucket}/backfill"
        own = {"bucket": self.bucket, "backfillReports": reports, **self.outputs}
        path.write_text(json.dumps({**self.registered.outputs, **own}))
        return [command, "--outputs", str(path), *options]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, **CREDENTIALS, "AWS_ENDPOINT_URL": self.emulator.endpoint, "PYTHONPATH": str(ROOT)}

    def run(self, command: str, *options: str, input: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in this process, which saves most of its time."""
        out, err = io.StringIO(), io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with (
            mock.patch.dict(os.environ, self.environment(), clear=True),
            mock.patch.object(sys, "stdin", io.StringIO(input)),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = main(self.arguments(command, *options))
        for number, handler in handlers.items():
            signal.signal(number, handler)
        return subprocess.CompletedProcess([], status, out.getvalue(), err.getvalue())

    def start(self, command: str, *options: str, **streams: Any) -> subprocess.Popen[Any]:
        """Run a command in a process of its own, for signals and terminals."""
        process = [sys.executable, "-m", "operate", *self.arguments(command, *options)]
        return subprocess.Popen(process, cwd=self.folder, env=self.environment(), **streams)

    def rows(self, said: str) -> list[dict[str, str]]:
        """Read the CSV that a backfill said it kept."""
        (name,) = re.findall(r"each is in (\S+)", said)
        with (self.folder / name).open(newline="") as file:
            return list(csv.DictReader(file))


@contextmanager
def stack(folder: Path) -> Iterator[Service]:
    """Yield the stack in an emulated AWS of its own."""
    with emulator(free_port(), folder) as aws:
        service = Service(aws, register(aws, folder, {}, build_image=False), folder)
        with _answering(service) as url:
            aws.client("lambda").update_function_configuration(
                FunctionName=service.registered.function.name,
                Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": url}},
            )
            yield service


@contextmanager
def _answering(service: Service) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = service.function.answer(event)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Write nothing: the list of events says it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
