"""The ways to a picture of a video in S3, each as one call that does all of the work.

Every way reads the video from the store and writes its picture back to it. FFmpeg is the same binary for all of them,
except for ffmpegthumbnailer, which brings the system's libraries.
"""

import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import imageio_ffmpeg
from botocore.config import Config

from benchmarks.measure import BenchFailure, cpu_seconds
from benchmarks.store import BUCKET, Counted, Object, Request, count
from local.function import INVOKE, RIE, process_command, process_variables
from local.processes import descendants, free_port, running, wait_until_listening

ROOT = Path(__file__).resolve().parent.parent
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
WIDTH = 640
"""Pixels of every poster."""
MEMORY_MB = 1769
"""What the function has by default: one whole processor of Lambda's (Lambda Developer Guide, "Memory")."""
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": REGION}


@dataclass(frozen=True)
class Way:
    """A way, and what tells how much of the machine it takes."""

    name: str
    run: Callable[[Path], None]
    """Does the work for one of the videos that the store has."""
    roots: Callable[[], list[int]]
    """The processes that do it, while it is done; their descendants count too."""
    cpu: Callable[[], float]
    """Processor time in seconds that it has used since it was set up."""
    note: Callable[[], str] = str
    """What it said of its last run."""


class Store:
    """The store, in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def prepare(self, outputs: list[str]) -> None:
        """Takes what an earlier run wrote away, and empties the log."""
        for key in outputs:
            self._ask("DELETE", f"/{BUCKET}/{key}")
        self._ask("DELETE", "/-/log")

    def counted(self) -> Counted:
        """What was asked since `prepare`."""
        return count([Request(**entry) for entry in json.loads(self._ask("GET", "/-/log"))])

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 - http, to this machine
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as response:
            return bytes(response.read())


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    """Serves a folder as the bucket of videos."""
    command = [sys.executable, "-m", "benchmarks.store", str(folder)]
    with running(command, env=os.environ, cwd=ROOT, output=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        if not url.startswith("http"):
            raise BenchFailure(f"the store did not start: {url}{process.stdout.read().decode()}")
        yield Store(url)


class Function:
    """A handler in AWS's Runtime Interface Emulator, as Lambda runs it, warm after its first call."""

    def __init__(self, port: int, emulator: int, log: Path) -> None:
        self._log = log
        self._url = f"http://127.0.0.1:{port}{INVOKE}"
        self._emulator = emulator
        self._sequence = itertools.count(1)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.outcome: dict[str, Any] = {}
        """What it answered last."""

    def processes(self) -> list[int]:
        """The function, without the emulator above it."""
        return descendants(self._emulator)

    def cpu(self) -> float:
        """Processor seconds so far."""
        return cpu_seconds(self.processes())

    def note(self) -> str:
        """What it took by its own clock and count, and what it noted."""
        read = self.outcome["read"]
        own = f"own {self.outcome['seconds']:.3f} s, {read['bytes']} bytes, chain {read['chain']}"
        return "; ".join([own, *self.outcome["notes"]])

    def call(self, path: Path, expected: tuple[str, ...] = ("made",), sequence: int | None = None) -> None:
        """Sends the event of one video, of a newer version each time unless its number is given: what is uploaded is
        mostly new, and the handler does not look first whether it has been there before."""
        number = next(self._sequence) if sequence is None else sequence
        made, sequencer = Object.of_file(path), f"{number:016X}"
        item = {"key": path.name, "size": made.size, "eTag": made.etag, "versionId": sequencer, "sequencer": sequencer}
        event = {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": item}}]}
        request = urllib.request.Request(self._url, data=json.dumps(event).encode())  # noqa: S310 - see above
        try:
            with self._opener.open(request, timeout=300) as response:
                answer = json.loads(response.read())
        except OSError as error:
            raise BenchFailure(f"{path.name}: the handler did not answer: {error}; see {self._log}") from error
        outcome = (answer.get("outcomes") or [{}])[0]
        if outcome.get("outcome") not in expected:
            raise BenchFailure(
                f"{path.name}: the handler was to answer {' or '.join(expected)}, and said {json.dumps(answer)}"
            )
        self.outcome = outcome


@contextmanager
def function(
    store_url: str,
    position: str,
    log: Path,
    handler: str = "handler.handler",
    variables: Mapping[str, str] | None = None,
) -> Iterator[Function]:
    """The handler, with `position` set and all else as it is by default, in processes of this machine.

    Raises:
        BenchFailure: the emulator is not there.
    """
    if not RIE.exists():
        raise BenchFailure(f"{RIE} is missing: run `make setup`")
    port = free_port()
    command = [*process_command(port)[:-1], handler]
    environment = process_variables(function_variables(store_url, position), None)
    # The storyboard's handler lies here, and uses the parts of the image's.
    environment["PYTHONPATH"] = f"{ROOT / 'docker-ffmpeg-thumb'}:{ROOT}"
    environment.update(variables or {})
    # Compiled modules are kept, as the image has them compiled.
    environment["PYTHONPYCACHEPREFIX"] = str(log.parent / "compiled")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (
        log.open("wb") as output,
        running(command, env=environment, cwd=ROOT / "docker-ffmpeg-thumb", output=output) as process,
    ):
        wait_until_listening(process, port, f"the function at {position}", log, seconds=30)
        yield Function(port, process.pid, log)


def function_variables(store_url: str, position: str) -> dict[str, str]:
    """The environment of the function, as the stack and Lambda set it."""
    return {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": store_url,
        "AWS_LAMBDA_FUNCTION_NAME": "video-thumbnailer",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "900",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "THUMBNAIL_POSITION": position,
        "THUMBNAIL_WIDTHS": json.dumps([WIDTH]),
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


@dataclass
class Tools:
    """What the other ways run: tools as children of this process, with an S3 client that is warm already."""

    store_url: str
    aws: Path
    """AWS's command line."""
    scratch: Path
    """Where downloads go."""
    _children: list[int] = field(default_factory=list)
    _cpu: float = 0.0

    def __post_init__(self) -> None:
        self._s3 = boto3.client(
            "s3",
            endpoint_url=self.store_url,
            region_name=REGION,
            aws_access_key_id="bench",
            aws_secret_access_key="bench",  # noqa: S106 - of the store on this machine
            config=Config(signature_version="s3v4"),
        )

    def roots(self) -> list[int]:
        """The tool that runs now."""
        return list(self._children)

    def cpu(self) -> float:
        """Processor seconds of all tools so far."""
        return self._cpu

    def download_and_seek(self, seconds: float) -> Callable[[Path], None]:
        """The public examples' way: download with the AWS CLI, `-ss` after `-i`, upload."""

        def run(path: Path) -> None:
            with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
                aws, video, poster = (
                    shlex.quote(str(part)) for part in (self.aws, f"{folder}/v.mp4", f"{folder}/v.jpg")
                )
                cp = f"{aws} --endpoint-url {self.store_url} s3 cp --quiet"
                script = (
                    f"{cp} s3://{BUCKET}/{path.name} {video} && "
                    f"{shlex.quote(FFMPEG)} -hide_banner -loglevel error -nostdin -y -i {video} -ss {seconds:g} "
                    f"-frames:v 1 -vf scale={WIDTH}:-2 {poster} && "
                    f"{cp} {poster} s3://{BUCKET}/{path.stem}.jpg"
                )
                environment = {**os.environ, **CREDENTIALS, "AWS_DEFAULT_REGION": REGION}
                self._tool(["sh", "-c", script], environment)

        return run

    def seek_on_url(self, seconds: float) -> Callable[[Path], None]:
        """`-ss` before `-i` on a presigned URL."""

        def run(path: Path) -> None:
            command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin", "-ss", f"{seconds:g}", "-i"]
            command += [self._presigned(path), "-frames:v", "1", "-vf", f"scale={WIDTH}:-2", "-f", "image2", "pipe:1"]
            self._put(f"{path.stem}.jpg", self._tool(command))

        return run

    def keyframe_scan(self, seconds: float) -> Callable[[Path], None]:
        """The usual storyboard: every keyframe of the whole video is read and decoded, 100 of them become tiles."""

        def run(path: Path) -> None:
            graph = f"fps=100/{seconds:g},scale=160:-2,tile=10x10"
            command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin", "-skip_frame", "nokey", "-i"]
            command += [self._presigned(path), "-an", "-vf", graph, "-frames:v", "1", "-f", "image2", "pipe:1"]
            self._put(f"{path.stem}.storyboard.jpg", self._tool(command))

        return run

    def thumbnailer(self, percent: int) -> Callable[[Path], None]:
        """`ffmpegthumbnailer` of Debian, on a presigned URL."""

        def run(path: Path) -> None:
            with tempfile.NamedTemporaryFile(dir=self.scratch, suffix=".jpg") as poster:
                command = ["ffmpegthumbnailer", "-i", self._presigned(path), "-o", poster.name]
                self._tool([*command, "-s", str(WIDTH), "-t", f"{percent}%"])
                self._put(f"{path.stem}.jpg", Path(poster.name).read_bytes())

        return run

    def has_thumbnailer(self) -> bool:
        """Whether `ffmpegthumbnailer` is installed."""
        return shutil.which("ffmpegthumbnailer") is not None

    def _presigned(self, path: Path) -> str:
        url: str = self._s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": path.name})
        return url

    def _put(self, key: str, content: bytes) -> None:
        began = time.thread_time()
        if not content:
            raise BenchFailure(f"{key}: the tool wrote no picture")
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="image/jpeg")
        self._cpu += time.thread_time() - began

    def _tool(self, command: list[str], environment: Mapping[str, str] | None = None) -> bytes:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as process:
            self._children.append(process.pid)
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                content = process.stdout.read()
                message = process.stderr.read().decode(errors="replace").strip()
                # Its own time and that of the children it has waited for.
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            finally:
                self._children.remove(process.pid)
                if process.returncode is None:
                    process.kill()
        self._cpu += usage.ru_utime + usage.ru_stime
        if process.returncode != 0:
            raise BenchFailure(f"{Path(command[0]).name} ended with {process.returncode}: {message[-300:]}")
        return content


def outputs(path: Path) -> list[str]:
    """The keys that any of the ways writes for a video. In this benchmark's names only a time follows a `_`."""
    stems = {path.stem, path.stem.partition("_")[0]}
    return sorted(f"{stem}.{kind}" for stem in stems for kind in ("jpg", "storyboard.jpg"))


def handler_way(name: str, served: Function) -> Way:
    """A function as a way."""
    return Way(name, served.call, served.processes, served.cpu, served.note)


def tool_way(name: str, tools: Tools, run: Callable[[Path], None]) -> Way:
    """One of the other ways."""
    return Way(name, run, tools.roots, tools.cpu)
