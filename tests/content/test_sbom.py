"""The list of what the image holds is whole, and names what no scanner finds in wheels."""

import re
import subprocess
from typing import Any

import imageio_ffmpeg
import pytest

from local.sbom import document
from model import VERSION
from tests.content.test_locks import entries

IMAGE = "docker-ffmpeg-thumb/requirements.txt"


@pytest.fixture(scope="module")
def listed() -> Any:
    return document()


def test_it_lists_every_locked_requirement_under_the_image_s_version(listed: Any) -> None:
    locked = {f"pkg:pypi/{one.name}@{one.specifier}".replace("@==", "@") for one, _ in entries(IMAGE)}
    assert {each["purl"] for each in listed["components"]} == locked
    image = listed["metadata"]["component"]
    assert (image["name"], image["version"]) == ("video-thumbnailer", VERSION)
    [needs] = [each["dependsOn"] for each in listed["dependencies"] if each["ref"] == image["bom-ref"]]
    assert len(needs) == len(locked)


def test_it_names_both_ffmpegs_as_scanners_know_them_and_the_libraries_of_pillow(listed: Any) -> None:
    inside = {each["name"]: each.get("components", []) for each in listed["components"]}
    said = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-version"], capture_output=True, text=True, check=True)
    [alone] = inside["imageio-ffmpeg"]
    assert said.stdout.startswith(f"ffmpeg version {alone['version']} ")
    for ffmpeg in (alone, *inside["av"]):
        assert re.fullmatch(r"cpe:2\.3:a:ffmpeg:ffmpeg:\d+\.\d+(\.\d+)?(:\*){7}", ffmpeg["cpe"])
    assert {"libwebp", "libavif", "libjpeg-turbo", "libtiff", "freetype"} <= {each["name"] for each in inside["pillow"]}
