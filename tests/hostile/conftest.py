"""A warm handler, the bait, and the good videos that hostile ones are made of."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from standin_s3.s3 import S3

from . import seeds
from .warm import SECRET_ID, SECRET_KEY, TOKEN, Answer, Warm
from .watch import Trap

JOB_SECONDS = 10
MEMORY = 1024
"""MiB."""


class Service:
    """The function with a bucket: what it makes of files, and what every one of them must leave as it was."""

    def __init__(self, warm: Warm, s3: S3, trap: Trap, good: bytes) -> None:
        self.warm, self.s3, self.trap, self._good = warm, s3, trap, good
        self.bucket = "hostile"
        self._numbers = itertools.count(1)
        self.serves()
        self._fds = self.serves().fds

    def put(self, key: str, content: bytes, **options: dict[str, str]) -> dict[str, Any]:
        """Upload an object; return the record that S3 would send of it."""
        return self.s3.put(key, content, bucket=self.bucket, **options)

    def answer(
        self, content: bytes, key: str = "", settings: dict[str, object] | None = None, **options: dict[str, str]
    ) -> Answer:
        """Return what becomes of one new object."""
        key = key or f"{next(self._numbers)}.mp4"
        return self.warm.call(self.put(key, content, **options), settings=settings)

    def serves(self) -> Answer:
        """Check that the next event is served as before."""
        answer = self.answer(self._good)
        assert answer.outcome == "made", answer.reason
        assert answer.outcomes[0]["images"][0]["width"] == 96
        return answer

    def faults(
        self, files: dict[str, bytes], allowed: tuple[str, ...] = ("rejected", "skipped"), **options: Any
    ) -> list[str]:
        """Return what went wrong with some files, in words."""
        found: list[str] = []
        for name, content in files.items():
            before = len(self.warm.log())
            answer = self.answer(content, **options)
            found += [f"{name}: {fault}" for fault in self.faults_of(answer, allowed, self.warm.log()[before:])]
        self.serves()
        return found

    def faults_of(self, answer: Answer, allowed: tuple[str, ...], log: str) -> list[str]:
        """Return what is wrong with one answer and what it left behind."""
        found: list[str] = []
        if answer.outcome not in allowed or (answer.outcome != "made" and not answer.reason):
            found.append(f"{answer.outcome}, where one of {allowed} was expected: {answer.reason}")
        if answer.seconds > JOB_SECONDS + 2:
            found.append(f"took {answer.seconds:.1f} s")
        if answer.largest_job > MEMORY * 2**20:
            found.append(f"a process of {answer.largest_job / 2**20:.0f} MiB")
        if answer.children or answer.fds > self._fds:
            found.append(f"left {answer.children} processes and {answer.fds - self._fds} files open")
        if left := sorted(path.name for path in self.warm.temporary.rglob("*")):
            found.append(f"left {left} in the temporary folder")
        found += [f"the log holds {secret!r}" for secret in secrets(self.trap) if secret in log]
        found += self.trap.taken()
        self.trap.caught.clear()
        return found


def secrets(trap: Trap) -> tuple[str, ...]:
    """Return what may be in no log."""
    return (SECRET_ID, SECRET_KEY, TOKEN, trap.bait.marker, "X-Amz-Signature", "X-Amz-Credential", "root:x:0")


@pytest.fixture(scope="session")
def good() -> dict[str, bytes]:
    """Good small videos, by the names of the seeds."""
    return seeds.make_all()


@pytest.fixture(scope="session")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    """Yield the bait of this run."""
    made = Trap(tmp_path_factory.mktemp("bait"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def service(s3: S3, trap: Trap, good: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One warm handler for all hostile files: each must leave it fit for the next."""
    folder = tmp_path_factory.mktemp("handler")
    with Warm(s3.url(), folder, job_seconds=JOB_SECONDS, memory=MEMORY) as warm:
        yield Service(warm, s3, trap, good["last.mp4"])
