"""What the suites share: in which order they run, an emulated AWS, and a look at what is left running."""

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from local.emulator import Emulator, emulator
from local.processes import descendants, free_port
from standin_s3.process import started
from standin_s3.s3 import S3

FIRST = (
    *("tests/end_to_end", "tests/content/test_image.py", "tests/hostile/test_fuzz.py", "tests/load", "tests/faults"),
    *("tests/operate", "tests/unit/test_workers.py", "tests/hostile", "tests/reading"),
)
"""What takes or waits longest, so that no worker has it left when the others are done."""

settings.register_profile("any machine", deadline=None, database=None)
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(
        key=lambda item: [_group(item.nodeid) != "docker", *(not item.nodeid.startswith(first) for first in FIRST)]
    )


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are processors: many tests wait, for a queue or for a deadline to pass."""
    return len(os.sched_getaffinity(0)) + 1


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # it carries no types
    """Which tests pytest-xdist gives to one worker together.

    Its own `loadgroup` does nothing under pytest 9, whose items do not take the names that it gives them.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """Keep together what `_group` says, whatever `--dist` says."""
    return Groups(config, log)


def _group(nodeid: str) -> str:
    """Return the tests of a file, or all those that share a stack which takes a minute to start: each runtime has its
    own."""
    file, _, test = nodeid.partition("::")
    if file == "tests/content/test_image.py" or "docker" in re.split(r"[\[\]-]", test):
        return "docker"
    return "end to end" if file.startswith("tests/end_to_end") else file


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """One S3 for all tests of the image, in a process of its own."""
    with started() as up:
        yield up


@pytest.fixture(scope="session")
def s3_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulated AWS for all tests that need more of it than objects: its start takes longer than most of them."""
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
