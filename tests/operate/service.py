"""A function that fails at will behind the stack's own queue, and the commands as a person starts them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from local.emulator import CREDENTIALS, ROOT, Emulator
from local.program import Registered


@dataclass
class Function:
    """What the function does, and what it was called with."""

    broken: bool = True
    hopeless: set[str] = field(default_factory=set)
    """Keys that fail even when it is not broken."""
    failing: threading.Event = field(default_factory=threading.Event)
    """While it is not set, nothing that fails is answered: the emulator's SQS, which is not Amazon's, loses a message
    that arrives while another is deleted."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Those that it took without an error."""

    def __post_init__(self) -> None:
        self.failing.set()


@dataclass(frozen=True)
class Service:
    """The stack in the emulated AWS, its function answered by `function`."""

    emulator: Emulator
    registered: Registered
    function: Function
    outputs: Path

    def invoke(self, event: dict[str, Any]) -> None:
        """Hand Lambda an event as S3 does."""
        client = self.emulator.client("lambda")
        client.invoke(FunctionName=self.registered.function.name, InvocationType="Event", Payload=json.dumps(event))

    def depth(self) -> tuple[int, int]:
        """Messages that are visible, and that are not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.emulator.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=self.registered.queue_url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def wait_for_depth(self, visible: int, seconds: float = 30) -> None:
        """Until so many failed events are in the queue."""
        deadline = time.monotonic() + seconds
        while (found := self.depth()) != (visible, 0):
            assert time.monotonic() < deadline, f"{found} messages (visible, held) after {seconds} s, not {visible}"
            time.sleep(0.1)

    def send(self, body: str, **attributes: str) -> str:
        """Put a message of somebody else's into the queue; return its id."""
        sqs = self.emulator.client("sqs")
        given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        sent = sqs.send_message(QueueUrl=self.registered.queue_url, MessageBody=body, MessageAttributes=given)
        return str(sent["MessageId"])

    def redrive(self, *options: str, credentials: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`python -m operate redrive` with the stack's outputs."""
        return self.operate("redrive", "--outputs", str(self.outputs), *options, credentials=credentials)

    def operate(self, *arguments: str, credentials: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as a person starts it, in this environment."""
        command = [sys.executable, "-m", "operate", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment(credentials), capture_output=True, text=True, timeout=60
        )

    def environment(self, credentials: dict[str, str] | None = None) -> dict[str, str]:
        """Return what the tool finds the emulated AWS by."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "THUMBNAILER_"))}
        certificate = self.emulator.certificate
        return {
            **kept,
            **(credentials or CREDENTIALS),
            "AWS_ENDPOINT_URL": self.emulator.endpoint,
            **({"AWS_CA_BUNDLE": str(certificate)} if certificate else {}),
        }


def event(key: str) -> dict[str, Any]:
    """Return an event as S3 writes it of a new object."""
    item = {"key": quote_plus(key, safe="/"), "size": 7, "eTag": "e" * 32, "sequencer": "0055AED6DCD90281E5"}
    return {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": item}}]}


@contextmanager
def answering(function: Function) -> Iterator[str]:
    """Serve HTTP in the function's place; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            keys = {unquote_plus(record["s3"]["object"]["key"]) for record in said.get("Records", [])}
            failed = function.broken or bool(keys & function.hopeless)
            if failed:
                function.failing.wait()
            else:
                function.events.append(said)
            body = b'{"errorType": "JobFailed", "errorMessage": "S3 said 503"}' if failed else b"{}"
            self.send_response(500 if failed else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Write nothing: the list of events says it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving(emulator: Emulator, registered: Registered, folder: Path) -> Iterator[Service]:
    """Run the stack with a function of ours in the place of its own."""
    outputs = folder / "outputs.json"
    outputs.write_text(json.dumps(registered.outputs))
    function = Function()
    with answering(function) as url:
        emulator.client("lambda").update_function_configuration(
            FunctionName=registered.function.name, Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": url}}
        )
        yield Service(emulator, registered, function, outputs)
