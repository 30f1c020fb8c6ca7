"""The ways to a picture of a video in S3, each as one call that does all of the work.

Every way reads the video from the store and writes its picture back to it. FFmpeg is the image's binary, where a way is
not said to be the system's.
"""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from benchmarks.measure import BenchFailure, cpu_seconds
from local.function import INVOKE, RIE, process_command, process_variables
from local.processes import descendants, free_port, running, wait_until_up
from standin_s3.client import client_of
from standin_s3.s3 import BUCKET, S3

ROOT = Path(__file__).resolve().parent.parent
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
"""The image's own: one file, which has next to nothing to load when it starts."""
PACKAGED_FFMPEG = shutil.which("ffmpeg")
"""The system's, with its shared libraries: what most people have. None where it is not installed."""
WIDTH = 640
"""Pixels of every poster."""
MEMORY_MB = 1769
"""What the function has by default: one whole processor of Lambda's (Lambda Developer Guide, "Memory")."""


@dataclass(frozen=True)
class Way:
    """A way, and what tells how much of the machine it takes."""

    name: str
    s3: S3
    """Where the video is."""
    run: Callable[[dict[str, Any]], None]
    """Does the work for one object, given as S3's record of it."""
    roots: Callable[[], list[int]]
    """The processes that do it, while it is done; their descendants count too."""
    cpu: Callable[[], float]
    """Processor time in seconds that it has used since it was set up."""
    note: Callable[[], str] = str
    """What it said of its last run."""
    idle: Callable[[str], float] = lambda _: 0.0
    """Seconds since it last worked on the object with a key, for what is warm only for a while."""


class Function:
    """A handler in AWS's Runtime Interface Emulator, as Lambda runs it, warm after its first call."""

    def __init__(self, port: int, emulator: int, log: Path) -> None:
        self._log = log
        self._url = f"http://127.0.0.1:{port}{INVOKE}"
        self._emulator = emulator
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._ended: dict[str, float] = {}
        self.outcome: dict[str, Any] = {}
        """What it answered last."""

    def processes(self) -> list[int]:
        """Return the function, without the emulator above it."""
        return descendants(self._emulator)

    def cpu(self) -> float:
        """Processor seconds so far."""
        return cpu_seconds(self.processes())

    def note(self) -> str:
        """Return what it took by its own clock and count, and what it noted."""
        read = self.outcome["read"]
        own = f"own {self.outcome['seconds']:.3f} s, {read['bytes']} bytes, chain {read['chain']}"
        return "; ".join([own, *self.outcome["notes"]])

    def call(self, record: dict[str, Any]) -> None:
        """Send the event of one video.

        Raises:
            BenchFailure: no outputs are there afterwards.
        """
        key = record["s3"]["object"]["key"]
        event = json.dumps({"Records": [record]}).encode()
        request = urllib.request.Request(self._url, data=event)  # noqa: S310 - http, to this machine
        try:
            with self._opener.open(request, timeout=300) as response:
                answer = json.loads(response.read())
        except OSError as error:
            raise BenchFailure(f"{key}: the handler did not answer: {error}; see {self._log}") from error
        outcome = (answer.get("outcomes") or [{}])[0]
        if outcome.get("outcome") not in ("made", "unchanged"):
            raise BenchFailure(f"{key}: the handler was to make it, and said {json.dumps(answer)}; see {self._log}")
        self.outcome, self._ended[key] = outcome, time.monotonic()

    def idle(self, key: str) -> float:
        """Return seconds since it answered for the object with a key: another may have taken fewer connections."""
        return time.monotonic() - self._ended.get(key, float("-inf"))


@contextmanager
def function(
    s3: S3,
    log: Path,
    settings: Mapping[str, object],
    memory_mb: int = MEMORY_MB,
    before: Sequence[str] = (),
) -> Iterator[Function]:
    """Run the handler with these settings and all else as it is by default, in processes of this machine.

    `before`: what is put before its command, such as what limits it.

    Raises:
        BenchFailure: the emulator is not there.
    """
    if not RIE.exists():
        raise BenchFailure(f"{RIE} is missing: run `make setup`")
    port = free_port()
    environment = process_variables(function_variables(s3.environment(), settings, memory_mb), None)
    environment["PYTHONPATH"] = str(ROOT / "docker-ffmpeg-thumb")
    # Compiled modules are kept, as the image has them compiled.
    environment["PYTHONPYCACHEPREFIX"] = str(log.parent / "compiled")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [*before, *process_command(port)]
    with (
        log.open("wb") as output,
        running(command, env=environment, cwd=ROOT / "docker-ffmpeg-thumb", output=output) as process,
    ):
        wait_until_up(process, port, f"the function of {log.name}", log, seconds=60)
        yield Function(port, process.pid, log)


def function_variables(
    s3: Mapping[str, str], settings: Mapping[str, object], memory_mb: int = MEMORY_MB
) -> dict[str, str]:
    """Return the environment of the function, as the stack and Lambda set it; `s3` is how it reaches its S3."""
    return {
        **s3,
        "AWS_LAMBDA_FUNCTION_NAME": "video-thumbnailer",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "900",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "THUMBNAILER": json.dumps({"widths": [WIDTH], **settings}),
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


@dataclass
class Tools:
    """What the other ways run: tools as children of this process, with an S3 client that is warm already."""

    s3: S3
    aws: Path
    """AWS's command line."""
    scratch: Path
    """Where downloads go."""
    _children: list[int] = field(default_factory=list)
    _cpu: float = 0.0

    def __post_init__(self) -> None:
        self._client = client_of(self.s3, signature_version="s3v4")

    def roots(self) -> list[int]:
        """Return the tool that runs now."""
        return list(self._children)

    def cpu(self) -> float:
        """Processor seconds of all tools so far."""
        return self._cpu

    def download_and_seek(self, seconds: float) -> Callable[[str], None]:
        """Return the public examples' way: download with the AWS CLI, `-ss` after `-i`, upload."""

        def run(key: str) -> None:
            with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
                aws, video, poster = (
                    shlex.quote(str(part)) for part in (self.aws, f"{folder}/v.mp4", f"{folder}/v.jpg")
                )
                cp = f"{aws} s3 cp --quiet"
                script = (
                    f"{cp} s3://{BUCKET}/{key} {video} && "
                    f"{shlex.quote(FFMPEG)} -hide_banner -loglevel error -nostdin -y -i {video} -ss {seconds:g} "
                    f"-frames:v 1 -vf scale={WIDTH}:-2 {poster} && "
                    f"{cp} {poster} s3://{BUCKET}/{_poster(key)}"
                )
                self._tool(["sh", "-c", script], {**os.environ, **self.s3.environment()})

        return run

    def seek_on_url(self, seconds: float, verified: bool = False, program: str = FFMPEG) -> Callable[[str], None]:
        """`-ss` before `-i` on a presigned URL. `verified`: it reads whom to trust for each connection, as boto3 does
        by itself; without, it trusts whoever answers, and is faster. `program`: which FFmpeg."""

        def run(key: str) -> None:
            command = [program, "-hide_banner", "-loglevel", "error", "-nostdin", "-ss", f"{seconds:g}"]
            command += [*self._trust(verified), "-i", self._presigned(key), "-frames:v", "1"]
            command += ["-vf", f"scale={WIDTH}:-2", "-f", "image2", "pipe:1"]
            self._put(_poster(key), self._tool(command))

        return run

    def keyframe_scan(self, seconds: float) -> Callable[[str], None]:
        """Return the usual storyboard: every keyframe of the whole video is read and decoded, 100 of them become
        tiles."""

        def run(key: str) -> None:
            graph = f"fps=100/{seconds:g},scale=160:-2,tile=10x10"
            command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin", "-skip_frame", "nokey"]
            command += [*self._trust(False), "-i", self._presigned(key), "-an", "-vf", graph, "-frames:v", "1"]
            self._put(_poster(key), self._tool([*command, "-f", "image2", "pipe:1"]))

        return run

    def thumbnailer(self, percent: int) -> Callable[[str], None]:
        """`ffmpegthumbnailer` of Debian, on a presigned URL."""

        def run(key: str) -> None:
            with tempfile.NamedTemporaryFile(dir=self.scratch, suffix=".jpg") as poster:
                command = ["ffmpegthumbnailer", "-i", self._presigned(key), "-o", poster.name]
                self._tool([*command, "-s", str(WIDTH), "-t", f"{percent}%"])
                self._put(_poster(key), Path(poster.name).read_bytes())

        return run

    def has_thumbnailer(self) -> bool:
        """Return whether `ffmpegthumbnailer` is installed."""
        return shutil.which("ffmpegthumbnailer") is not None

    def _presigned(self, key: str) -> str:
        url: str = self._client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})
        return url

    def _trust(self, verified: bool) -> list[str]:
        bundle = self.s3.bundle()
        if not bundle:
            return []
        return ["-ca_file", bundle] if verified else ["-tls_verify", "0"]

    def _put(self, key: str, content: bytes) -> None:
        began = time.thread_time()
        if not content:
            raise BenchFailure(f"{key}: the tool wrote no picture")
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="image/jpeg")
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


def _poster(key: str) -> str:
    return f"{key.rpartition('.')[0]}.jpg"


def handler_way(name: str, s3: S3, served: Function) -> Way:
    """Return a function as a way."""
    return Way(name, s3, served.call, served.processes, served.cpu, served.note, served.idle)


def tool_way(name: str, tools: Tools, run: Callable[[str], None]) -> Way:
    """Return one of the other ways; it is told the key."""
    return Way(name, tools.s3, lambda record: run(record["s3"]["object"]["key"]), tools.roots, tools.cpu)
