"""The stand-in in a process of its own: its processor time is not that of what is measured."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import cast

from standin_s3.pace import AT_ONCE, Pace
from standin_s3.s3 import S3

ROOT = Path(__file__).resolve().parent.parent


class Door(BaseManager):
    """How the methods of the stand-in are called from another process."""


class NotStarted(Exception):
    """The process ended before it could be asked."""


@contextmanager
def started(
    folder: Path | None = None,
    *,
    tls: bool = False,
    pace: Pace = AT_ONCE,
    upstream: str = "",
    processors: Sequence[int] = (),
) -> Iterator[S3]:
    """Run a stand-in in a process of its own, on some processors alone, with the files of a folder as objects.

    Raises:
        NotStarted: its message says why.
    """
    command = [sys.executable, "-m", "standin_s3", *([str(folder)] if folder else []), *(["--tls"] if tls else [])]
    command += ["--latency", str(pace.latency), "--rate", str(pace.rate), "--settle", str(pace.settle)]
    command += ["--tail-share", str(pace.tail_share), "--tail", str(pace.tail), "--upstream", upstream]
    command += ["--processors", ",".join(map(str, processors))]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise NotStarted(f"the S3 stand-in ended with {process.wait()} before it was up; see its message above")
        said = json.loads(line)
        Door.register("s3")
        door = Door(("127.0.0.1", said["door"]), bytes.fromhex(said["key"]))
        door.connect()
        yield cast("S3", getattr(door, "s3")())  # noqa: B009 - it is registered, which no type tells
    finally:
        assert process.stdin is not None
        # It ends with its standard input, also where this process is killed.
        process.stdin.close()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
