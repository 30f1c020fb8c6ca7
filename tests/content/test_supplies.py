"""What the image is made of comes from where it says, byte for byte; this much can be known offline.

That every wheel is there for both processors, and that no fault is known of any, only the network tells: SECURITY.md
has the commands.
"""

import re

import pytest

from tests.infrastructure.recording import ROOT

IMAGE = ROOT / "docker-ffmpeg-thumb"
LOCKED = (IMAGE / "requirements.txt").read_text()
INSTRUCTIONS = [
    line
    for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", (IMAGE / "Dockerfile").read_text())).splitlines()
    if line.strip()
]


def requirements() -> dict[str, str]:
    """Each locked requirement by its first line's text before the hashes, with its hashes."""
    logical = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", LOCKED))
    return {
        line.split("--hash")[0].strip(): line.partition("--hash")[2] and "--hash" + line.partition("--hash")[2]
        for line in logical.splitlines()
        if line.strip()
    }


def test_every_requirement_is_one_release_with_hashes() -> None:
    assert requirements()
    for name, hashes in requirements().items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", name), f"{name} is not pinned to one release"
        assert re.fullmatch(r"(--hash=sha256:[0-9a-f]{64}\s*)+", hashes), f"{name} has no hash, or one of another kind"


def test_what_is_asked_for_is_what_is_locked() -> None:
    asked = re.findall(r"(?m)^([\w.-]+==\S+)", (IMAGE / "requirements.in").read_text())
    assert asked
    assert set(asked) <= requirements().keys()


@pytest.mark.parametrize("name", ["av", "imageio-ffmpeg", "pillow"])
def test_what_comes_compiled_has_a_hash_for_each_processor(name: str) -> None:
    # Which hash is whose, the file does not say; one alone can only be one processor's, or a source archive's.
    [hashes] = [hashes for requirement, hashes in requirements().items() if requirement.startswith(f"{name}==")]
    assert hashes.count("--hash") >= 2


def test_the_build_takes_only_wheels_of_the_locked_hashes() -> None:
    [install] = [line for line in INSTRUCTIONS if "pip install" in line]
    assert {"--require-hashes", "--only-binary=:all:", "--requirement", "--no-cache-dir"} <= set(install.split())
    assert install.count("pip install") == 1


def test_nothing_is_downloaded_but_from_pypi() -> None:
    text = "\n".join(INSTRUCTIONS) + LOCKED
    others = (
        r"--index-url|--extra-index-url|--find-links|--trusted-host|\b(?:curl|wget|git|dnf|microdnf|yum|apt-get|apk)\b"
    )
    assert re.findall(rf"{others}|https?://|git\+|ftp:|\bADD\b", text) == []


def test_everything_else_is_copied_from_the_folder() -> None:
    commands = [line.split()[0] for line in INSTRUCTIONS]
    assert set(commands) <= {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "CMD", "ENV", "LABEL"}
    assert not [line for line in INSTRUCTIONS if line.startswith("COPY") and "--from" in line]


def test_only_what_the_image_needs_is_sent_to_the_build() -> None:
    rules = [line for line in (IMAGE / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = {word.strip("/") for line in INSTRUCTIONS if line.startswith("COPY") for word in line.split()[1:-1]}
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied


def test_no_build_argument_takes_a_secret() -> None:
    arguments = [line.split()[1].partition("=")[0] for line in INSTRUCTIONS if line.startswith(("ARG", "ENV"))]
    assert arguments == ["BASE_IMAGE", "VERSION"]
