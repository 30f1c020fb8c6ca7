"""One emulated stack with a scripted function for the tests of backfill and retake."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operate.scripted import Function, Service, makes, stack

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def scripted_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with stack(tmp_path_factory.mktemp("scripted")) as up:
        yield up


@pytest.fixture
def scripted(scripted_stack: Service, tmp_path: Path) -> Service:
    """With an empty bucket that notifies nobody, and a function that makes everything."""
    up = scripted_stack
    up.bucket, up.function, up.folder, up.outputs = f"videos-{next(_NUMBERS)}", Function(makes), tmp_path, {}
    up.s3.create_bucket(Bucket=up.bucket)
    return up
