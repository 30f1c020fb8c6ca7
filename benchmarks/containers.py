"""The image in Docker: how long a cold start takes beside an empty handler, and how much it adds to its base."""

import json
import statistics
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchFailure, processors
from benchmarks.ways import MEMORY_MB, ROOT, function_variables
from local.function import INVOKE, LAMBDA_USER
from local.image import base_image, docker_answers, have_image
from local.processes import free_port, last_line
from standin_s3.s3 import CREDENTIALS

CONTEXT = ROOT / "docker-ffmpeg-thumb"
TAG = "video-thumbnailer-bench"
EMPTY = "def handler(event, context):\n    return {}\n"
TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bench"}
"""What S3 sends when a trigger is set up: the handler is loaded and answers, and there is no video to work on."""


@dataclass(frozen=True)
class Image:
    """What the built image comes to."""

    over_base: int
    """Bytes on disk, uncompressed, over its base."""
    starts: tuple["ColdStart", ...]


@dataclass(frozen=True)
class ColdStart:
    """How long the first answer takes."""

    processors: int
    image: float
    """Seconds from `docker run` to the first answer, of the image; the median."""
    empty: float
    """The same of an empty handler on the base."""
    runs: int

    @property
    def over_empty(self) -> float:
        """Seconds that the image's takes longer."""
        return self.image - self.empty


def measure(folder: Path, repeats: int) -> Image | None:
    """Build the image, start it and the empty one in turn; return None without a Docker engine or the base image."""
    base = base_image(CONTEXT / "Dockerfile")
    if not docker_answers() or not have_image(base):
        print(f"image: not measured, for want of a Docker engine or of {base}", flush=True)
        return None
    print("image: building", flush=True)
    _docker("build", "--tag", TAG, str(CONTEXT))
    empty = folder / "empty-handler"
    empty.mkdir(exist_ok=True)
    (empty / "handler.py").write_text(EMPTY)
    empty.chmod(0o755)
    (empty / "handler.py").chmod(0o644)
    mount = ["--volume", f"{empty / 'handler.py'}:/var/task/handler.py:ro"]
    starts = []
    for some in sorted({processors()[:1], processors()[:2]}, key=len):
        pairs = []
        for _ in range(repeats + 1):
            pair = (_first_answer([TAG], some), _first_answer([*mount, base, "handler.handler"], some))
            print(f"image: cold start {pair[0]:.2f} s, of an empty handler {pair[1]:.2f} s", flush=True)
            pairs.append(pair)
        # The first of each brings the image's files into the page cache.
        cold, bare = (statistics.median(times) for times in zip(*pairs[1:], strict=True))
        starts.append(ColdStart(len(some), cold, bare, repeats))
    return Image(_size(TAG) - _size(base), tuple(starts))


def _first_answer(image: list[str], some: tuple[int, ...]) -> float:
    port = free_port()
    began = time.monotonic()
    with _container(image, port, some):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"http://127.0.0.1:{port}{INVOKE}", json.dumps(TEST_EVENT).encode())
        while True:
            try:
                with opener.open(request, timeout=30) as response:
                    answer = response.read()
                if b"errorMessage" in answer:
                    raise BenchFailure(f"{image[-1]} answered {answer.decode()}; see its handler")
                return time.monotonic() - began
            except OSError as error:  # Docker's forwarder accepts, and resets, before the emulator listens.
                if time.monotonic() - began > 60:
                    raise BenchFailure(
                        f"{image[-1]} did not answer within 60 s: {error}; try it with docker run"
                    ) from error
                time.sleep(0.005)


@contextmanager
def _container(image: list[str], port: int, some: tuple[int, ...]) -> Iterator[None]:
    """Run the image as Lambda does: read-only but for /tmp, unprivileged, limited memory and processors."""
    name = f"{TAG}-{uuid.uuid4().hex[:8]}"
    variables = function_variables({**CREDENTIALS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, {})
    options = ["--name", name, "--read-only", "--tmpfs", "/tmp:rw,exec,mode=1777,size=512m"]  # noqa: S108 - of the container
    options += ["--ipc", "none", "--user", LAMBDA_USER, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += [
        "--cpuset-cpus",
        ",".join(map(str, some)),
        "--memory",
        f"{MEMORY_MB}m",
        "--publish",
        f"127.0.0.1:{port}:8080",
    ]
    options += [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
    try:
        _docker("run", "--detach", *options, *image)
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, stdin=subprocess.DEVNULL)


def _size(image: str) -> int:
    return int(_docker("image", "inspect", "--format", "{{.Size}}", image))


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchFailure(f"docker {arguments[0]} failed: {last_line(done.stderr or done.stdout)}")
    return done.stdout.strip()
