"""What the suites of the image share: an S3 that a process of its own emulates, and a look at what is left."""

import os
import time
from collections.abc import Iterator

import pytest

from local.emulator import Emulator, emulator
from local.processes import descendants, free_port


@pytest.fixture(scope="session")
def s3_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests: its start takes longer than most of them."""
    with emulator(free_port(), tmp_path_factory.mktemp("emulator")) as up:
        yield up


@pytest.fixture
def nothing_left_running() -> Iterator[None]:
    """After a test, no process below this one more than before; its end is waited for a second.

    Only what the test itself started counts: the session's emulators and its browser have children that come and go.
    """
    before = descendants(os.getpid())
    yield
    deadline = time.monotonic() + 1
    while (left := _started(before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert left == set(), "a process outlived the test"


def _started(before: list[int]) -> set[int]:
    others = {below for pid in before for below in descendants(pid)}
    return set(descendants(os.getpid())) - set(before) - others
