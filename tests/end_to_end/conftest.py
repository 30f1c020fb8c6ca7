"""Two stacks, each up once for each runtime: pictures beside the videos, and everything that can be set elsewhere."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.emulator import ROOT
from local.image import base_image, docker_answers, have_image
from local.stack import Runtime, running

from .service import Service
from .videos import Films

BUILD_SECONDS = 900
"""The first build of the image downloads what it consists of."""

# The second stack of the containers runs the image that the first one built: a second push of the same 490 MB would
# take longer than all the tests. Everything else is the program as it is.
SAME_IMAGE = """\
import runpy

import local.resources

local.resources.build_image = lambda *_: {image!r}
runpy.run_path({program!r}, run_name="__main__")
"""

ELSEWHERE: dict[str, Any] = {
    "bucket": "films",
    "outputBucket": "stills",
    "outputPrefix": "pictures/",
    "widths": [640, 320],
    "storyboard": True,
    "storyboardInterval": 10,
    "preview": True,
    "manifest": True,
    "deleteOutputs": True,
    "notify": True,
}


@pytest.fixture(
    scope="session",
    params=[
        "processes",
        pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.timeout(BUILD_SECONDS)]),
    ],
)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """How the function runs."""
    if request.param == "processes":
        return "processes"
    if not docker_answers():
        pytest.skip("no Docker engine answers")
    if not have_image(base := base_image(ROOT / "docker-ffmpeg-thumb" / "Dockerfile")):
        pytest.skip(f"the base image {base} cannot be had")
    return "docker"


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="session")
def beside(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the service as it is without any setting: a bucket of its own, each picture beside its video."""
    folder = tmp_path_factory.mktemp("beside")
    with running({}, runtime=runtime, folder=folder, enforce_iam=True) as stack:
        yield Service(stack, stack.bucket)
    if runtime == "docker":
        name = stack.registered.function.image.partition("@")[0]
        left = subprocess.run(["docker", "image", "ls", "--quiet", name], check=True, capture_output=True)
        assert left.stdout == b"", "a name of the image was left behind"


@pytest.fixture(scope="session")
def elsewhere(runtime: Runtime, beside: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the service between two buckets that were there before it, with everything switched on."""
    folder = tmp_path_factory.mktemp("elsewhere")
    program = ROOT if runtime == "processes" else _program(folder / "program", beside.stack.registered.function.image)
    buckets = (ELSEWHERE["bucket"], ELSEWHERE["outputBucket"])
    with running(
        ELSEWHERE, runtime=runtime, folder=folder, enforce_iam=True, buckets=buckets, program=program
    ) as stack:
        yield Service(stack, ELSEWHERE["outputBucket"])


def _program(folder: Path, image: str) -> Path:
    folder.mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / "docker-ffmpeg-thumb").symlink_to(ROOT / "docker-ffmpeg-thumb")
    (folder / "__main__.py").write_text(SAME_IMAGE.format(image=image, program=str(ROOT / "__main__.py")))
    return folder
