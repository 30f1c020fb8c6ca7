"""What these tests need beside Python: Pulumi's own command with its plugins, and an emulated AWS to deploy to."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.emulator import CREDENTIALS, Emulator

from .program import Engine

PLUGINS = {"aws", "docker"}
"""What the package of the component asks for. None is downloaded for a test: the provider of AWS has 700 MB."""


def _has_engine() -> bool:
    """Whether Pulumi and these plugins are on this machine."""
    if not shutil.which("pulumi"):
        return False
    listed = subprocess.run(["pulumi", "plugin", "ls", "--json"], check=False, capture_output=True)
    installed = {each["name"] for each in json.loads(listed.stdout or "null") or []} if not listed.returncode else set()
    return all(name in installed or shutil.which(f"pulumi-resource-{name}") for name in PLUGINS)


collect_ignore_glob = [] if _has_engine() else ["test_*.py"]


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
