"""Settings: what the environment may hold, and how it is told what it may not."""

import pytest

from pipeline import settings
from pipeline.position import Position
from pipeline.settings import BadEnvironment

GOOD = {
    "THUMBNAIL_SUFFIXES": '[".mp4", ".mov"]',
    "THUMBNAIL_POSITION": "25%",
    "THUMBNAIL_WIDTHS": "[640, 0]",
    "THUMBNAIL_FORMAT": "avif",
    "THUMBNAIL_QUALITY": "55",
    "THUMBNAIL_MANIFEST": "true",
    "THUMBNAIL_OUTPUT_BUCKET": "images",
    "THUMBNAIL_OUTPUT_PREFIX": "thumbs/",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
}
BAD = {
    "THUMBNAIL_SUFFIXES": ("", "mp4", "[]", '[""]', "[1]", '{".mp4": 1}', "null"),
    "THUMBNAIL_POSITION": ("", "middle", "101%", "-1"),
    "THUMBNAIL_WIDTHS": ("", "640", "[]", "[-1]", "[16384]", '["640"]', "[1.5]", "[true]", "[640, 640]", "[null]"),
    "THUMBNAIL_FORMAT": ("", "jpeg", "JPG", "gif"),
    "THUMBNAIL_QUALITY": ("", "0", "101", "80.5", "high"),
    "THUMBNAIL_MANIFEST": ("", "True", "1", "yes"),
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": ("", "much", "1.5"),
}


def test_an_empty_environment_gives_the_defaults_of_the_design() -> None:
    found = settings.read({})
    assert found.suffixes == (".mp4",)
    assert found.position == Position("auto")
    assert found.widths == (640,)
    assert (found.format, found.quality) == ("jpg", 80)
    assert not found.manifest
    assert (found.output_bucket, found.output_prefix) == ("", "")
    assert found.memory_bytes == 1769 * 2**20


def test_every_variable_is_read() -> None:
    found = settings.read(GOOD)
    assert found.suffixes == (".mp4", ".mov")
    assert found.position == Position("percent", 25)
    assert found.widths == (640, 0)
    assert (found.format, found.quality, found.manifest) == ("avif", 55, True)
    assert (found.output_bucket, found.output_prefix) == ("images", "thumbs/")
    assert found.memory_bytes == 512 * 2**20


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_a_bad_value_is_named_with_what_it_holds_and_may_hold(name: str, text: str) -> None:
    with pytest.raises(BadEnvironment) as failure:
        settings.read({**GOOD, name: text})
    assert f"{name} holds {text!r}; it may be " in str(failure.value)
    assert str(failure.value).count(" holds ") == 1, "a variable without a fault is named"


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(BadEnvironment) as failure:
        settings.read({name: texts[0] for name, texts in BAD.items()})
    assert all(f"{name} holds" in str(failure.value) for name in BAD)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("THUMBNAIL_POSITION", "26%"),
        ("THUMBNAIL_WIDTHS", "[640]"),
        ("THUMBNAIL_FORMAT", "png"),
        ("THUMBNAIL_QUALITY", "56"),
    ],
)
def test_what_shapes_an_image_is_in_the_fingerprint(name: str, text: str) -> None:
    assert settings.read({**GOOD, name: text}).fingerprint() != settings.read(GOOD).fingerprint()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("THUMBNAIL_SUFFIXES", '[".avi"]'),
        ("THUMBNAIL_OUTPUT_PREFIX", "x/"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
    ],
)
def test_what_does_not_shape_an_image_is_not(name: str, text: str) -> None:
    assert settings.read({**GOOD, name: text}).fingerprint() == settings.read(GOOD).fingerprint()


def test_the_fingerprint_fits_into_the_metadata_of_an_object() -> None:
    # S3 takes 2 KB of metadata in all, and only printable ASCII goes unchanged.
    widths = str(list(range(10_000, 10_008)))
    text = settings.read({**GOOD, "THUMBNAIL_WIDTHS": widths}).fingerprint()
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 1200
