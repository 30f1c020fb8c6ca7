"""Whether Pulumi and the plugins that these tests need are on this machine; as a program, by its exit status."""

import json
import shutil
import subprocess
import sys

PLUGINS = {"aws", "docker"}
"""What the package of the component asks for. None is downloaded for a test: the provider of AWS has 700 MB."""


def at_hand() -> bool:
    """Return whether Pulumi's command is on PATH and has all of `PLUGINS`, installed or on PATH."""
    if not shutil.which("pulumi"):
        return False
    listed = subprocess.run(["pulumi", "plugin", "ls", "--json"], check=False, capture_output=True)
    installed = {each["name"] for each in json.loads(listed.stdout or "null") or []} if not listed.returncode else set()
    return all(name in installed or shutil.which(f"pulumi-resource-{name}") for name in PLUGINS)


if __name__ == "__main__":
    sys.exit(not at_hand())
