"""The built image, layer by layer, as `docker save` writes it."""

import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXT_BYTES = 2**20
"""Larger files are data; what is looked for lies in small ones."""


@dataclass(frozen=True)
class File:
    """One file or folder as a layer holds it. `text` is what is in it, where that is text."""

    path: str
    mode: int
    owner: int
    is_folder: bool
    is_link: bool
    text: str | None


@dataclass(frozen=True, repr=False)
class Built:
    """`layers` are those that the Dockerfile adds to the base image, in their order."""

    name: str
    config: dict[str, Any]
    history: tuple[str, ...]
    layers: tuple[tuple[File, ...], ...]

    def files(self) -> dict[str, File]:
        """Return what is left of the added layers in the end, by path: a later layer covers an earlier one."""
        left: dict[str, File] = {}
        for layer in self.layers:
            for file in layer:
                folder, _, name = file.path.rpartition("/")
                if name.startswith(".wh."):
                    gone = f"{folder}/{name.removeprefix('.wh.')}"
                    left = {path: kept for path, kept in left.items() if path != gone and f"{gone}/" not in path}
                else:
                    left[file.path] = file
        return left


def read(name: str, base: str, folder: Path) -> Built:
    """Take the image `name` apart, in `folder`."""
    saved = folder / "image.tar"
    docker("save", "--output", str(saved), name)
    known = inspect(base)["RootFS"]["Layers"]
    inspected = inspect(name)
    own = inspected["RootFS"]["Layers"]
    assert own[: len(known)] == known, f"{name} was not built on {base}"
    with tarfile.open(saved) as outer:
        [manifest] = json.load(_member(outer, "manifest.json"))
        layers = tuple(_layer(outer, path) for path in manifest["Layers"][len(known) :])
    saved.unlink()
    said = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", name)
    return Built(name, inspected["Config"], tuple(said.splitlines()), layers)


def inspect(name: str) -> dict[str, Any]:
    """Return what Docker knows of an image."""
    [found] = json.loads(docker("image", "inspect", name))
    assert isinstance(found, dict)
    return found


def docker(*arguments: str) -> str:
    """Run a docker command and return its output; fail with what it said."""
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {(done.stderr or done.stdout)[-2000:]}"
    return done.stdout


def _layer(outer: tarfile.TarFile, path: str) -> tuple[File, ...]:
    with tarfile.open(fileobj=_member(outer, path)) as layer:
        return tuple(
            File(
                path="/" + entry.name.strip("/"),
                mode=entry.mode,
                owner=entry.uid,
                is_folder=entry.isdir(),
                is_link=entry.issym(),
                text=_text(layer, entry),
            )
            for entry in layer
        )


def _text(layer: tarfile.TarFile, entry: tarfile.TarInfo) -> str | None:
    if not entry.isreg() or entry.size > TEXT_BYTES:
        return None
    content = layer.extractfile(entry)
    assert content is not None
    try:
        text = content.read().decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _member(archive: tarfile.TarFile, path: str) -> Any:
    found = archive.extractfile(path)
    assert found is not None, f"{path} is no file of the saved image"
    return found
