"""What the suites of the image share: an S3 to talk to, emulated by a process of its own."""

from collections.abc import Iterator

import pytest

from local.emulator import Emulator, emulator
from local.processes import free_port


@pytest.fixture(scope="session")
def s3_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests: its start takes longer than most of them."""
    with emulator(free_port(), tmp_path_factory.mktemp("emulator")) as up:
        yield up
