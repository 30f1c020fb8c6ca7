"""Every environment is locked by hashes: lock files hold what their .in files ask for, and agree with each other."""

import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.infrastructure.recording import ROOT

LOCKS = {
    "requirements-dev.txt": ("requirements-dev.in", "requirements.in", "docker-ffmpeg-thumb/requirements.in"),
    "requirements.txt": ("requirements.in",),
    "docker-ffmpeg-thumb/requirements.txt": ("docker-ffmpeg-thumb/requirements.in",),
    "policy/requirements.txt": ("policy/requirements.in",),
    "operate/requirements.txt": ("operate/requirements.in",),
    "local/requirements-emulator.txt": ("local/requirements-emulator.in",),
    "requirements-bench.txt": ("requirements-bench.in",),
}
"""What each file locks, as the Makefile's `lock` has it."""
ALONE = {"local/requirements-emulator.txt", "requirements-bench.txt"}
"""Environments that demand another botocore than the image has; all others have the image's versions."""


def entries(file: str) -> list[tuple[Requirement, str]]:
    """Each requirement of a file, and what stands behind it."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)(^|\s)#.*", "", (ROOT / file).read_text()))
    lines = [line.partition("--hash=") for line in text.splitlines() if line.strip()]
    return [(Requirement(line.strip()), mark + hashes) for line, mark, hashes in lines]


def versions(file: str) -> dict[str, set[str]]:
    """Return the versions of each package; several where they differ by Python's version."""
    found: dict[str, set[str]] = {}
    for requirement, _ in entries(file):
        found.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return found


def test_every_file_of_requirements_is_locked_or_has_hashes_itself() -> None:
    # Not those of environments: a virtual environment lies in a folder that begins with a dot.
    found = {
        str(path.relative_to(ROOT))
        for pattern in ("*requirements*.txt", "*/requirements*.txt")
        for path in ROOT.glob(pattern)
        if not path.relative_to(ROOT).parts[0].startswith(".")
    }
    # The component's says only that it is the stack's; see tests/infrastructure/test_component.py.
    assert found == {*LOCKS, "local/requirements-rie.txt", "component/requirements.txt"}


@pytest.mark.parametrize("file", [*LOCKS, "local/requirements-rie.txt"])
def test_every_requirement_is_one_release_with_its_hashes_and_from_no_other_index(file: str) -> None:
    assert entries(file)
    for requirement, hashes in entries(file):
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), f"{requirement} is not pinned to one release"
        assert re.fullmatch(r"(--hash=sha256:[0-9a-f]{64}\s*)+", hashes), f"{requirement} has no hash"
    assert not re.search(r"(?m)^\s*-|://|^(?!\s*#).*\s@\s", re.sub(r"(?m)^\s*--hash=", "", (ROOT / file).read_text()))


@pytest.mark.parametrize("file", LOCKS)
def test_what_is_asked_for_is_locked(file: str) -> None:
    asked = [requirement for source in LOCKS[file] for requirement, _ in entries(source)]
    assert asked
    locked = versions(file)
    missing = [each for each in asked if locked.get(canonicalize_name(each.name)) != {str(each.specifier)}]
    assert missing == [], "run make lock"


@pytest.mark.parametrize("file", sorted(LOCKS.keys() - ALONE - {"requirements-dev.txt"}))
def test_the_tests_run_with_the_versions_of_the_image_the_program_and_the_pack(file: str) -> None:
    tested = versions("requirements-dev.txt")
    assert {name: found for name, found in versions(file).items() if tested.get(name) != found} == {}


def test_what_the_requirements_need_themselves_is_locked_too() -> None:
    locked, missing = versions("requirements-dev.txt"), []
    for requirement, _ in entries("requirements-dev.txt"):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        for line in importlib.metadata.requires(requirement.name) or []:
            needed = Requirement(line)
            here = not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in ("", *requirement.extras))
            if here and canonicalize_name(needed.name) not in locked:
                missing.append(f"{needed.name}, for {requirement.name}")
    assert missing == []


def test_every_lock_is_made_by_make_lock() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\nlock:")[2].partition("\n\n")[0]
    made = {str(Path(folder) / f"{file}.txt") for folder, file in re.findall(r"lock (\S+) [\d.]+ ([\w-]+)", recipe)}
    assert made == LOCKS.keys()
