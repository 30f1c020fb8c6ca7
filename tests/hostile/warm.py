"""The function as a warm Lambda environment is: a process of its own, with nothing of the tests in it.

So the handler forks from one thread and with few files open, its logs are a file to search, its processes are a tree to
look at, and it can be killed in the middle.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from local.processes import stop
from tests.settings import environment_of

ROOT = Path(__file__).resolve().parents[2]
SECRET_ID, SECRET_KEY = "AKIDMARKER0123456789", "sEcReTmArKeR/0123456789abcdefghijklmnopq"
TOKEN = "ToKeNmArKeR0123456789abcdefghijklmnopqrstuvwxyz"


class Gone(Exception):
    """The process ended, or gave no answer in time: what no file and no fault may ever bring about."""


@dataclass(frozen=True)
class Answer:
    """What the handler said of one event, and how it was left behind."""

    outcomes: list[dict[str, Any]]
    raised: str
    """The name of the exception, if there was one."""
    message: str
    seconds: float
    fds: int
    resident: int
    """Bytes of the handler's own process."""
    children: int
    largest_job: int
    """Bytes: the most that any process below the handler has had so far."""

    @property
    def outcome(self) -> str:
        """The one outcome of an event of one record; `raised` where there is none."""
        return "raised" if self.raised else str(self.outcomes[0]["outcome"])

    @property
    def reason(self) -> str:
        return f"{self.raised}: {self.message}" if self.raised else str(self.outcomes[0]["reason"])


class Warm:
    """A running handler; ends with its context."""

    def __init__(self, endpoint: str, folder: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path, self.temporary = folder / "log", folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        environment = {
            "AWS_ACCESS_KEY_ID": SECRET_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
            "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(ROOT / "docker-ffmpeg-thumb"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment_of(settings),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("_served.py")), str(self.log_path)],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> "Warm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it with all that it started."""
        stop(self.process)
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def send(
        self,
        *records: Mapping[str, Any],
        seconds: float = 60.0,
        settings: Mapping[str, object] | None = None,
        block: int = 0,
    ) -> None:
        """Hand over an event without waiting; `seconds` is what Lambda says is left, `block` see `_served`."""
        asked = {
            "event": {"Records": list(records)},
            "seconds": seconds,
            "settings": environment_of(settings or {}),
            "block": block,
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self, within: float = 60.0) -> Answer:
        """Return the answer to what was sent.

        Raises:
            Gone: there is none.
        """
        assert self.process.stdout is not None
        descriptor, content, deadline = self.process.stdout.fileno(), b"", time.monotonic() + within
        while not content.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Gone(f"the handler gave no answer within {within:.0f} s; its log ends: {self.log()[-2000:]}")
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                raise Gone(f"the handler ended with {self.process.wait()}; its log ends: {self.log()[-2000:]}")
            content += chunk
        said = cast("dict[str, Any]", json.loads(content))
        return Answer(
            outcomes=said.get("said", {}).get("outcomes", []),
            raised=said.get("raised", ""),
            message=said.get("message", ""),
            **{name: said[name] for name in ("seconds", "fds", "resident", "children", "largest_job")},
        )

    def call(
        self,
        *records: Mapping[str, Any],
        seconds: float = 60.0,
        settings: Mapping[str, object] | None = None,
        block: int = 0,
    ) -> Answer:
        """Hand over an event and wait for the answer."""
        self.send(*records, seconds=seconds, settings=settings, block=block)
        return self.receive(seconds + 30)

    def log(self) -> str:
        """All that the handler and its jobs have written so far."""
        return self.log_path.read_text(errors="replace")
