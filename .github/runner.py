"""Says on which of GitHub's machines a stack's image is built: on one of the processor that the stack asks for.

.venv/bin/python .github/runner.py ORGANISATION/PROJECT/STACK      prints runner=LABEL, as a step's output

The setting `architecture` is read where Pulumi reads it: in Pulumi.STACK.yaml, and its default in Pulumi.yaml.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

RUNNERS = {"x86_64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
"""GitHub's label of a machine for each architecture of Lambda (GitHub Docs, "GitHub-hosted runners reference")."""


def runner(root: Path, stack: str) -> str:
    """Return the label of the machine for `stack`, of the project in the folder `root`.

    Raises:
        SystemExit: the stack's architecture is none of Lambda's.
    """
    project = read(root / "Pulumi.yaml")
    file = root / f"Pulumi.{stack.rpartition('/')[2]}.yaml"
    config = read(file).get("config", {}) if file.exists() else {}
    architecture = config.get(f"{project['name']}:architecture", project["config"]["architecture"]["default"])
    if architecture not in RUNNERS:
        sys.exit(f"{file.name}: architecture is {architecture!r}; set it to {' or '.join(RUNNERS)}")
    return RUNNERS[architecture]


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


if __name__ == "__main__":
    print(f"runner={runner(Path.cwd(), sys.argv[1])}")
