"""Settings: what the environment may hold, and how it is told what it may not."""

import json
from typing import Any

import pytest

from model import MIB
from position import Position
from service import settings
from service.settings import BadEnvironment, Settings, fingerprint

GOOD: dict[str, Any] = {
    "position": "25%",
    "widths": [640, 0],
    "format": "avif",
    "quality": 55,
    "manifest": True,
    "storyboard": True,
    "storyboardBudget": 32,
    "preview": True,
    "previewFormat": "mp4",
    "outputBucket": "images",
    "outputPrefix": "thumbs/",
    "eventBus": "bus",
    "timeInName": False,
}
BAD: dict[str, tuple[Any, ...]] = {
    "position": ("", "middle", "101%", "-1", 5),
    "widths": ("", "640", [], [-1], [16384], ["640"], [1.5], [True], [640, 640], [None]),
    "format": ("", "jpeg", "JPG", "gif", 1),
    "quality": (0, 101, 80.5, "high", True),
    "padColor": ("black", "#12345", 0),
    "storyboardInterval": (-1, "10", True),
    "manifest": ("", "true", 1),
}


def read(held: dict[str, Any], memory: str = "1769") -> Settings:
    return settings.read({"THUMBNAILER": json.dumps(held), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory})


def test_an_empty_environment_gives_the_defaults_of_the_design() -> None:
    found = settings.read({})
    assert found == Settings()
    wanted = found.wanted
    assert (wanted.position, wanted.widths, wanted.format, wanted.quality) == (Position("auto"), (640,), "jpg", 80)
    assert not wanted.manifest
    assert wanted.preview == "none"
    assert (found.output_bucket, found.output_prefix) == ("", "")
    assert found.memory_bytes == 1769 * MIB


def test_every_key_is_read() -> None:
    found = read(GOOD, memory="512")
    wanted = found.wanted
    assert (wanted.position, wanted.widths) == (Position("percent", 25), (640, 0))
    assert (wanted.format, wanted.quality, wanted.manifest) == ("avif", 55, True)
    assert (wanted.storyboard, wanted.storyboard_budget, wanted.preview) == (True, 32 * MIB, "mp4")
    assert (found.output_bucket, found.output_prefix, found.event_bus) == ("images", "thumbs/", "bus")
    assert (found.time_in_name, found.memory_bytes) == (False, 512 * MIB)


def test_a_preview_is_webp_where_nothing_else_is_said() -> None:
    assert read({"preview": True}).wanted.preview == "webp"
    assert read({"previewFormat": "gif"}).wanted.preview == "none"


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BAD.items() for value in values], ids=repr)
def test_what_a_key_may_not_hold_is_told(key: str, value: Any) -> None:
    with pytest.raises(BadEnvironment, match=f"{key} holds"):
        read({key: value})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadEnvironment) as failure:
        read({**{key: values[0] for key, values in BAD.items()}, "colour": "red"}, memory="much")
    assert all(f"{key} holds" in str(failure.value) for key in BAD)
    assert "colour is not a setting" in str(failure.value)
    assert "AWS_LAMBDA_FUNCTION_MEMORY_SIZE holds 'much'" in str(failure.value)


@pytest.mark.parametrize("text", ["", "[]", "1", "{"])
def test_what_is_no_object_of_json_is_told(text: str) -> None:
    with pytest.raises(BadEnvironment, match="THUMBNAILER"):
        settings.read({"THUMBNAILER": text})


@pytest.mark.parametrize(
    ("key", "value"), [("position", "26%"), ("widths", [640]), ("format", "png"), ("quality", 56), ("preview", False)]
)
def test_what_shapes_an_output_is_in_the_fingerprint(key: str, value: Any) -> None:
    assert fingerprint(read({**GOOD, key: value}).wanted) != fingerprint(read(GOOD).wanted)


@pytest.mark.parametrize(("key", "value"), [("outputPrefix", "x/"), ("jobSeconds", 5), ("overwrite", True)])
def test_what_does_not_shape_an_output_is_not(key: str, value: Any) -> None:
    assert fingerprint(read({**GOOD, key: value}).wanted) == fingerprint(read(GOOD).wanted)


def test_another_version_of_the_code_has_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(settings.read({}).wanted)
    monkeypatch.setattr(settings, "VERSION", "999.0.0")
    assert fingerprint(settings.read({}).wanted) != before


def test_the_fingerprint_fits_into_the_metadata_of_an_object() -> None:
    # S3 takes 2 KB of metadata in all, and only printable ASCII goes unchanged.
    text = fingerprint(read({**GOOD, "widths": list(range(10_000, 10_008)), "cacheControl": "ä" * 100}).wanted)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 1200
