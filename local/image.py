"""The function's image: really built and pushed where Docker is used, else a digest that stands for it."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.failure import LocalFailure
from local.processes import last_line, require

if TYPE_CHECKING:
    from local.aws import Aws

PULL_SECONDS = 300
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def docker_answers() -> bool:
    """Return whether a Docker engine answers on this machine."""
    try:
        done = subprocess.run(["docker", "info"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def base_image(dockerfile: Path) -> str:
    """Return the image that the Dockerfile starts from: the default of its build argument, or what FROM names."""
    text = dockerfile.read_text()
    start = re.search(r"^FROM\s+(?:--platform=\S+\s+)?(\S+)", text, re.MULTILINE)
    if start is None:
        raise LocalFailure(f"{dockerfile} has no FROM line")
    argument = re.fullmatch(r"\$\{?(\w+)\}?", start[1])
    if argument is None:
        return start[1]
    default = re.search(rf"^ARG\s+{argument[1]}=(\S+)", text, re.MULTILINE)
    if default is None:
        raise LocalFailure(f"{dockerfile} starts from {start[1]}, which has no default")
    return default[1]


def have_image(name: str) -> bool:
    """Return whether `name` is on this machine, or can be pulled."""
    if subprocess.run(["docker", "image", "inspect", name], capture_output=True).returncode == 0:
        return True
    print(f"pulling {name} …", flush=True)
    try:
        return (
            subprocess.run(["docker", "pull", "--quiet", name], capture_output=True, timeout=PULL_SECONDS).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


def build_image(aws: "Aws", name: str, build: Mapping[str, Any]) -> str:
    """Build and push what `docker.Image` declares; returns the reference with the digest, `repository@sha256:…`."""
    repository = name.rpartition(":")[0]
    if not aws.build_image:
        # Of the form that Lambda takes; processes serve the function, and nobody pulls it.
        return f"{repository}@sha256:{hashlib.sha256(name.encode()).hexdigest()}"
    require("docker", "the function's image is built with it")
    unknown = set(build) - {"context", "dockerfile", "platform", "args", "target", "builderVersion"}
    if unknown:
        raise ValueError(f"docker.Image: build option {', '.join(sorted(unknown))} is not known here (local/image.py)")
    command = ["docker", "build", "--tag", name]
    for option in ("platform", "target"):
        if build.get(option):
            command += [f"--{option}", build[option]]
    for key, value in (build.get("args") or {}).items():
        command += ["--build-arg", f"{key}={value}"]
    if build.get("dockerfile"):
        command += ["--file", build["dockerfile"]]
    _docker([*command, build["context"]], "built")
    _docker(["docker", "push", name], "pushed")
    inspect = ["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", name]
    digests = json.loads(subprocess.run(inspect, capture_output=True, text=True, check=True).stdout)
    for digest in digests:
        if str(digest).startswith(f"{repository}@"):
            return str(digest)
    raise LocalFailure(f"image {name} has no digest of {repository} after its push: {digests}")


@contextmanager
def named(port: int) -> Iterator[None]:
    """Take away in the end every name that `build_image` gave an image of the registry on `port`, also if it was
    interrupted on its way.

    Of their layers all but the last stay for the next build.
    """
    try:
        yield
    finally:
        listing = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
        names = subprocess.run(listing, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.split()
        if here := [name for name in names if f":{port}/" in name]:
            removal = ["docker", "image", "rm", "--no-prune", *here]
            subprocess.run(removal, stdin=subprocess.DEVNULL, capture_output=True)


def _docker(command: Sequence[str], done: str) -> None:
    """Run a docker command; its output is this program's, so that progress is seen."""
    print("$ " + " ".join(command), flush=True)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "BUILDKIT_PROGRESS": "plain"},
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            line = COLOURS.sub("", line).rstrip()
            lines.append(f"{line}\n")
            if line:
                print("  " + line, flush=True)
    if process.returncode != 0:
        raise LocalFailure(f"the image was not {done}: {' '.join(command)}: {last_line(''.join(lines))}")
