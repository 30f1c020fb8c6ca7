"""What passes between the two worlds: the stack writes the function's environment, the image reads it."""

import importlib
import json
from typing import Any

import pytest

from thumbnailer.environment import function_environment
from thumbnailer.settings import Settings, check, output_endings

from .recording import ROOT

STACKS = [
    Settings(),
    Settings(suffixes=(".mp4", ".MOV", "-raw.mkv"), manifest=True, output_prefix="bilder/häst & co/"),
    Settings(position="12.5", widths=(0,), format="png", quality=1),
    Settings(position="0", widths=(16383, 0, 1), format="webp", quality=100),
    Settings(position="25%", widths=(1, 2, 3, 4, 5, 6, 7, 8), format="avif"),
    Settings(position="33.333%"),
    Settings(position="0%"),
    Settings(position="100%"),
    Settings(position="999999.999"),
    Settings(position="1:02:03.5", fit="pad", height=360, pad_color="#1a2b3c"),
    Settings(storyboard=True, storyboard_playlist=True, storyboard_budget=0, placeholder=True, job_seconds=5),
    Settings(preview=True, preview_format="webp", storyboard=True),
    Settings(preview=True, preview_format="mp4", fit="cover", height=1),
]


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The image's own code, found as Lambda finds it: from the folder that is its root."""
    monkeypatch.syspath_prepend(str(ROOT / "docker-ffmpeg-thumb"))
    return importlib.import_module


def environment(settings: Settings) -> dict[str, str]:
    check(settings)
    return {name: str(value) for name, value in function_environment(settings, "posters").items()}


@pytest.mark.parametrize("settings", STACKS, ids=str)
def test_the_image_reads_what_the_stack_wrote(image: Any, settings: Settings) -> None:
    read = image("pipeline.settings").read(environment(settings))
    assert (read.suffixes, read.widths, read.format) == (
        tuple(settings.suffixes),
        tuple(settings.widths),
        settings.format,
    )
    assert (read.quality, read.manifest) == (settings.quality, settings.manifest)
    assert (read.fit, read.height, read.pad_colour) == (settings.fit, settings.height, settings.pad_color)
    assert (read.storyboard, read.storyboard_playlist) == (settings.storyboard, settings.storyboard_playlist)
    assert read.storyboard_budget == settings.storyboard_budget * 2**20
    assert read.preview == (settings.preview_format if settings.preview else "none")
    assert (read.placeholder, read.job_seconds) == (settings.placeholder, settings.job_seconds)
    assert (read.output_bucket, read.output_prefix) == ("posters", settings.output_prefix)
    assert read.position == image("pipeline.position").Position.parse(settings.position)


def test_the_image_reads_every_variable_that_the_stack_writes_and_no_other(image: Any) -> None:
    asked: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return super().get(name, default)

    written = environment(Settings())
    image("pipeline.settings").read(Asked(written))
    ours = "THUMBNAIL_"
    assert {name for name in asked if name.startswith(ours)} == {name for name in written if name.startswith(ours)}


@pytest.mark.parametrize("settings", STACKS, ids=str)
def test_no_object_that_the_image_writes_can_start_the_function(image: Any, settings: Settings) -> None:
    read = image("pipeline.settings").read(environment(settings))
    for suffix in settings.suffixes:
        names = image("pipeline.names").of("videos", f"films/cat{suffix}", read)
        written = names.certain()
        if names.sheet:
            written.append(image("pipeline.names").further_sheet(names.sheet, 1))
        assert not [key for key in written if key.endswith(tuple(settings.suffixes))]
        assert not [key for key in written if not key.endswith(tuple(output_endings(settings)))]
        assert not [key for key in written if not key.startswith(settings.output_prefix)]


def test_the_environment_fits_into_what_lambda_takes() -> None:
    longest = Settings(
        suffixes=[f"-{number:02}".ljust(64, "x") for number in range(20)],
        widths=list(range(16376, 16384)),
        output_prefix="p" * 512,
        manifest=True,
    )
    # 4 KB for all names and values (Lambda Developer Guide, "Lambda quotas").
    assert len(json.dumps(environment(longest))) <= 4096
