"""What these tests need beside Python: Pulumi's own command with its plugins, and an emulated AWS to deploy to."""

import os
from pathlib import Path

import pytest

from local.emulator import CREDENTIALS, Emulator

from .at_hand import at_hand
from .program import Engine

collect_ignore_glob = [] if at_hand() else ["test_*.py"]


@pytest.fixture
def engine(s3_emulator: Emulator, tmp_path: Path) -> Engine:
    """Pulumi with a home and a state of its own, and with the plugins that this machine has."""
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    mine, state = tmp_path / "home", tmp_path / "state"
    mine.mkdir()
    state.mkdir()
    if (home / "plugins").is_dir():
        (mine / "plugins").symlink_to(home / "plugins")
    return Engine(
        s3_emulator,
        {
            **os.environ,
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": s3_emulator.endpoint,
            "PULUMI_HOME": str(mine),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return an empty folder outside this repository, for a program."""
    folder = tmp_path / "program"
    folder.mkdir()
    return folder
