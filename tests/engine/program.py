"""A Pulumi program of someone else, deployed by Pulumi's own command."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.emulator import REGION, Emulator

# The provider would ask the real AWS who it is, and put the bucket's name into the host's.
PROVIDER = {
    "aws:region": REGION,
    "aws:skipCredentialsValidation": "true",
    "aws:skipMetadataApiCheck": "true",
    "aws:s3UsePathStyle": "true",
}


class EngineFailed(Exception):
    """A command of Pulumi or npm ended with an error; the message has what it printed."""


@dataclass(frozen=True)
class Engine:
    """Pulumi's command, with the environment that leads it to the emulated AWS."""

    aws: Emulator
    env: Mapping[str, str]

    def run(self, folder: Path, *command: str) -> str:
        """Return what the command prints, run in this folder. Raises EngineFailed where it fails."""
        ran = subprocess.run(command, cwd=folder, env=self.env, check=False, capture_output=True, text=True)
        if ran.returncode:
            raise EngineFailed(f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}")
        return ran.stdout

    def start(self, folder: Path) -> None:
        """Give the program in this folder a stack."""
        self.run(folder, "pulumi", "stack", "init", "test", "--non-interactive")
        for name, value in PROVIDER.items():
            self.run(folder, "pulumi", "config", "set", name, value)

    def up(self, folder: Path) -> dict[str, Any]:
        """Deploy, and return the program's outputs."""
        self.run(folder, "pulumi", "up", "--yes", "--skip-preview", "--non-interactive")
        outputs: dict[str, Any] = json.loads(self.run(folder, "pulumi", "stack", "output", "--json"))
        return outputs
