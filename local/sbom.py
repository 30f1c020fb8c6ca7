"""What the image holds, as a CycloneDX document: the locked requirements, and what their wheels bring compiled.

    python -m local.sbom FILE

Scanners know Python's packages by the former, and FFmpeg and the libraries of image formats only by the latter: a wheel
does not say what it was built with. Those in this environment are asked, which have the locked versions and are for
this machine's processor. The base image is not in it: ECR's scanning looks at that.
"""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from PIL import features

from thumbnailer.image import version

IMAGE = Path(__file__).resolve().parent.parent / "docker-ffmpeg-thumb"
NAME = "video-thumbnailer"
SPEC = SchemaVersion.V1_6
IN_PILLOW = {
    "freetype2": "freetype",
    "littlecms2": "littlecms",
    "webp": "libwebp",
    "avif": "libavif",
    "jpg_2000": "openjpeg",
    "libtiff": "libtiff",
    "libjpeg_turbo": "libjpeg-turbo",
    "zlib_ng": "zlib-ng",
    "harfbuzz": "harfbuzz",
    "raqm": "libraqm",
    "fribidi": "fribidi",
}
"""Pillow's words for what it was built with, and the names of the projects."""


def document() -> dict[str, Any]:
    """Return the document, valid by CycloneDX's schema.

    Raises:
        ValueError: it is not, which would be a fault here.
        subprocess.CalledProcessError: cyclonedx-py failed; it has said why.
    """
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.txt", "--output-reproducible"]
    made = subprocess.run(
        [*command, "--spec-version", SPEC.to_version()], cwd=IMAGE, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(made.stdout)
    bundled = {"imageio-ffmpeg": _ffmpeg_alone(), "av": _libraries_of_ffmpeg(), "pillow": list(_libraries_of_pillow())}
    for component in found["components"]:
        component.pop("description", None)  # the line of the file, with every hash
        if inside := bundled.get(component["name"]):
            component["components"] = [_part(component["name"], name, found_version) for name, found_version in inside]
    found["metadata"]["component"] = {
        "type": "container",
        "bom-ref": NAME,
        "name": NAME,
        "version": version(IMAGE),
        "licenses": [{"license": {"id": "MIT"}}],
    }
    found["metadata"]["properties"].append({"name": "architecture", "value": platform.machine()})
    found["dependencies"].append({"ref": NAME, "dependsOn": [each["bom-ref"] for each in found["components"]]})
    if fault := JsonStrictValidator(SPEC).validate_str(json.dumps(found)):
        raise ValueError(f"the document breaks CycloneDX's schema: {fault}")
    return found


def _ffmpeg_alone() -> list[tuple[str, str]]:
    # Not what get_ffmpeg_exe finds, which may be another one on PATH.
    [executable] = (Path(imageio_ffmpeg.__file__).parent / "binaries").glob("ffmpeg-*")
    said = subprocess.run([str(executable), "-version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [("ffmpeg", said.split()[2])]


def _libraries_of_ffmpeg() -> list[tuple[str, str]]:
    return [("ffmpeg", av.ffmpeg_version_info)]


def _libraries_of_pillow() -> Iterator[tuple[str, str]]:
    for word, name in IN_PILLOW.items():
        if found := features.version(word):
            yield name, found


def _part(wheel: str, name: str, found: str) -> dict[str, Any]:
    """Return what a wheel brings; scanners know FFmpeg by its CPE, which takes the number of a release."""
    release = re.search(r"\d+(?:\.\d+)+", found)
    number = release[0] if release else found
    part = {
        "type": "library",
        "bom-ref": f"{wheel}/{name}",
        "name": name,
        "version": found,
        "purl": f"pkg:generic/{name}@{number}",
    }
    if name == "ffmpeg":
        part["cpe"] = f"cpe:2.3:a:ffmpeg:ffmpeg:{number}:*:*:*:*:*:*:*"
    return part


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=1) + "\n")
