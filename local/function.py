"""The function, live: execution environments that each serve one event at a time, behind a forwarder that queues.

MiniStack posts each event to the forwarder (its proxy mode). An environment is AWS's Runtime Interface Emulator with
the handler in it: a process of this machine, or a container of the built image, which holds the emulator itself. Like
one environment of Lambda it takes one event at a time; it would die of a second one, so the forwarder hands out turns.
"""

import json
import os
import platform
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import ROOT, Emulator
from local.failure import LocalFailure
from local.outcomes import Outcomes, answered
from local.processes import answers_http, free_port, running, wait_until_up
from local.program import Function

RIE = ROOT / ".local" / "aws-lambda-rie"
INVOKE = "/2015-03-31/functions/function/invocations"
PLATFORM = re.compile(rb"(?:START|END|REPORT) RequestId: ")
CERTIFICATE_INSIDE = "/etc/emulated-aws.pem"
# Lambda runs a function as sbx_user1051 with this id; what an image says of its user does not count there.
LAMBDA_USER = "993:990"


@dataclass(frozen=True)
class Environment:
    """One execution environment that is up, and answers on `port` of 127.0.0.1."""

    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def environment(
    function: Function, variables: Mapping[str, str], runtime: str, folder: Path, sink: "Log", certificate: Path | None
) -> Iterator[Environment]:
    """Yield an execution environment of `runtime`, `processes` or `docker`."""
    port = free_port()
    name = f"video-thumbnailer-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    if runtime == "docker":
        command, env, cwd = container_command(function, variables, port, name, certificate), dict(os.environ), folder
    else:
        command, env, cwd = (
            process_command(port),
            process_variables(variables, certificate),
            ROOT / "docker-ffmpeg-thumb",
        )
        if not RIE.exists():
            raise LocalFailure(f"{RIE} is missing: run `make setup`")
    with running(command, env=env, cwd=cwd, output=subprocess.PIPE) as process:
        reader = threading.Thread(target=sink.follow, args=(process,), daemon=True)
        reader.start()
        try:
            what = f"the function's environment ({runtime})"
            wait_until_up(process, port, what, sink.path, seconds=60, is_up=answers_http)
            yield Environment(port, process)
        finally:
            if runtime == "docker":
                subprocess.run(["docker", "rm", "--force", name], capture_output=True, stdin=subprocess.DEVNULL)


def process_command(port: int) -> list[str]:
    """Return the Runtime Interface Emulator with the handler under this Python."""
    return [
        str(RIE),
        *("--log-level", "error"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *(sys.executable, "-m", "awslambdaric", "handler.handler"),
    ]


def process_variables(variables: Mapping[str, str], certificate: Path | None) -> dict[str, str]:
    """Return what the handler sees as a process: the function's variables and no others of this machine but these."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    if certificate:
        kept["AWS_CA_BUNDLE"] = str(certificate)
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "LAMBDA_TASK_ROOT": str(ROOT / "docker-ffmpeg-thumb"), **variables}


def container_command(
    function: Function, variables: Mapping[str, str], port: int, name: str, certificate: Path | None
) -> list[str]:
    """Return the image as Lambda runs it: read-only but for /tmp, unprivileged, no /dev/shm, memory and processors
    limited."""
    command = ["docker", "run", "--rm", "--name", name, "--read-only", "--ipc", "none"]
    command += ["--tmpfs", f"/tmp:rw,nosuid,nodev,exec,mode=1777,size={function.storage_mb}m"]  # noqa: S108 - of the container
    command += ["--user", LAMBDA_USER, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    command += ["--memory", f"{function.memory_mb}m", "--memory-swap", f"{function.memory_mb}m", "--pids-limit", "1024"]
    command += ["--publish", f"127.0.0.1:{port}:8080"]
    if certificate:
        command += [
            "--volume",
            f"{certificate}:{CERTIFICATE_INSIDE}:ro",
            "--env",
            f"AWS_CA_BUNDLE={CERTIFICATE_INSIDE}",
        ]
    for key, value in variables.items():
        command += ["--env", f"{key}={value}"]
    return [*command, runnable(function.image)]


def runnable(image: str) -> str:
    """`image` as the engine of this machine knows it: by digest; where it was not pushed (image.py), by its id."""
    return image if platform.system() == "Linux" else image.partition("@")[2]


def lambda_variables(
    function: Function, log_group: str, endpoint: str, credentials: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the function: what the stack declared, and what Lambda adds to it."""
    return {
        **function.environment,
        **credentials,
        "AWS_DEFAULT_REGION": credentials["AWS_REGION"],
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


class Log:
    """Where the function's lines go: a file for people, and the log group that the stack declared.

    The group gets the handler's alone: MiniStack writes there what Lambda says itself of every call (`START`, `END`,
    `REPORT`).
    """

    def __init__(self, emulator: Emulator, log_group: str, path: Path) -> None:
        self.path = path
        self._logs = emulator.client("logs")
        self._group = log_group
        path.write_bytes(b"")

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Carry over what `process` prints until it ends; each has a stream of its own, as in Lambda."""
        stream = f"local/{process.pid}"
        with suppress(BotoCoreError, ClientError):
            self._logs.create_log_stream(logGroupName=self._group, logStreamName=stream)
        assert process.stdout is not None
        with suppress(ValueError), self.path.open("ab", buffering=0) as file:  # stop() closes the pipe
            for line in process.stdout:
                file.write(line)
                if PLATFORM.match(line):
                    continue
                message = line.decode(errors="replace").rstrip()
                # An emulator that has ended takes no lines; the file has them.
                with suppress(BotoCoreError, ClientError):
                    self._logs.put_log_events(
                        logGroupName=self._group,
                        logStreamName=stream,
                        logEvents=[{"timestamp": int(time.time() * 1000), "message": message or " "}],
                    )


class Environments:
    """A fixed number of environments, handed out one event each; one that ended is replaced when its turn comes."""

    def __init__(self, open_environment: Any, count: int) -> None:
        self._open = open_environment
        self._free: queue.Queue[tuple[Any, Environment]] = queue.Queue()
        self._all: list[Any] = []
        self._count = count

    def __enter__(self) -> "Environments":
        try:
            for _ in range(self._count):
                self._free.put(self._start())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for context in list(self._all):
            self._end(context)

    def _start(self) -> tuple[Any, Environment]:
        context = self._open()
        environment = context.__enter__()
        self._all.append(context)
        return context, environment

    def _end(self, context: Any) -> None:
        self._all.remove(context)
        context.__exit__(None, None, None)

    def invoke(self, event: bytes, seconds: float) -> tuple[int, bytes]:
        """Hand `event` to the next environment that is free; returns its status and answer."""
        context, environment = self._free.get()
        try:
            if environment.process.poll() is not None:
                self._end(context)
                context, environment = self._start()
            return _post(f"http://127.0.0.1:{environment.port}{INVOKE}", event, seconds)
        finally:
            self._free.put((context, environment))


def _post(url: str, body: bytes, seconds: float) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - http, see above
    try:
        # No proxy that the machine's environment may name: this is a port of this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=seconds) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 502, json.dumps({"errorType": "Runtime.Unreachable", "errorMessage": str(error)}).encode()


@contextmanager
def forwarder(environments: Environments, outcomes: Outcomes, seconds: float) -> Iterator[str]:
    """Serve HTTP for the events that MiniStack posts; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = environments.invoke(event, seconds)
            failed, answers = answered(json.loads(event), status, body)
            outcomes.add(answers)
            with suppress(BrokenPipeError, ConnectionResetError):
                # MiniStack takes a status other than 2xx, and nothing else, for a failed event.
                self.send_response(500 if failed else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the table says it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serving(
    emulator: Emulator,
    function: Function,
    log_group: str,
    variables: Mapping[str, str],
    *,
    runtime: str,
    count: int,
    folder: Path,
    outcomes: Outcomes,
) -> Iterator[None]:
    """Let the function answer its events, in `count` environments of `runtime`, and `outcomes` hears of each."""
    sink = Log(emulator, log_group, folder / "function.log")
    # The emulator ends an invocation at the function's timeout; the forwarder waits a little longer for its word.
    seconds = function.timeout_seconds + 30
    with (
        Environments(
            lambda: environment(function, variables, runtime, folder, sink, emulator.certificate), count
        ) as environments,
        forwarder(environments, outcomes, seconds) as url,
    ):
        emulator.client("lambda").update_function_configuration(
            FunctionName=function.name,
            Environment={"Variables": {**function.environment, "MINISTACK_LAMBDA_PROXY_URL": url}},
        )
        yield
