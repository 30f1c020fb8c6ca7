"""A store that fails as it is told to, warm handlers, and small good videos."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from standin_s3.process import started
from standin_s3.s3 import S3
from tests.hostile.warm import Warm

from .videos import film


@pytest.fixture(scope="session")
def session_store() -> Iterator[S3]:
    """One store for all tests."""
    with started() as store:
        yield store


@pytest.fixture
def store(session_store: S3) -> Iterator[S3]:
    """Yield the store, with nothing wrong before and after."""
    session_store.fail()
    yield session_store
    session_store.fail()


@pytest.fixture(scope="session")
def warm(session_store: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Yield a warm handler: faults of one test must not reach the next."""
    with Warm(session_store.url(), tmp_path_factory.mktemp("handler"), job_seconds=15, memory=1024) as handler:
        # It tries FFmpeg once when it is loaded, which no test is to take for a job's.
        handler.call()
        yield handler


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a small video, all red."""
    return film(tmp_path_factory.mktemp("red") / "red.mp4", "red")


@pytest.fixture(scope="session")
def large_red(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a video that takes FFmpeg long enough to be seen at its work, all red."""
    return film(tmp_path_factory.mktemp("large") / "red.mp4", "red", seconds=7, size="1920x1080")


@pytest.fixture(scope="session")
def blue(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a small video, all blue."""
    return film(tmp_path_factory.mktemp("blue") / "blue.mp4", "blue")


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a video of megabytes, so that it is read in several ranges."""
    folder: Path = tmp_path_factory.mktemp("long")
    return film(folder / "long.mp4", "testsrc2", seconds=20, size="640x360", quality="8")
