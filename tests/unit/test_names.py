"""Names: where the images of a video go, and what its own name asks for."""

from typing import Any

import pytest

from pipeline import names, settings
from pipeline.names import Names
from pipeline.outcome import Rejected
from pipeline.position import Position


def named(key: str, **environment: str) -> Names:
    return names.of("videos", key, settings.read({f"THUMBNAIL_{k.upper()}": v for k, v in environment.items()}))


@pytest.mark.parametrize(
    ("key", "poster"),
    [
        ("cat.mp4", "cat.jpg"),
        ("videos/cat.mp4", "videos/cat.jpg"),
        ("cat.MP4", "cat.jpg"),
        ("a.b.c.mp4", "a.b.c.jpg"),
        ("no-extension", "no-extension.jpg"),
        ("folder.x/cat", "folder.x/cat.jpg"),
        ("a//cat.mp4", "a//cat.jpg"),
        ("/cat.mp4", "/cat.jpg"),
        ("../cat.mp4", "../cat.jpg"),
        ("häst & +1.mp4", "häst & +1.jpg"),
        (".mp4", ".mp4.jpg"),
        ("a/.hidden.mp4", "a/.hidden.jpg"),
    ],
)
def test_the_poster_lies_beside_its_video(key: str, poster: str) -> None:
    assert named(key).posters == ((640, poster),)


def test_the_first_width_is_the_poster_and_the_others_say_theirs() -> None:
    found = named("videos/cat.mp4", widths="[640, 320, 0]", manifest="true")
    assert found.posters == ((640, "videos/cat.jpg"), (320, "videos/cat.320w.jpg"), (0, "videos/cat.0w.jpg"))
    assert found.manifest == "videos/cat.thumbnails.json"


@pytest.mark.parametrize("extension", ["jpg", "webp", "avif", "png"])
def test_the_extension_is_that_of_the_format(extension: str) -> None:
    assert named("cat.mp4", format=extension).posters[0][1] == f"cat.{extension}"


def test_further_outputs_are_named_as_the_design_says() -> None:
    found = named("v/cat.mp4", storyboard="true", preview="webp", manifest="true")
    assert found.sheet == "v/cat.storyboard.jpg"
    assert found.cues == "v/cat.storyboard.vtt"
    assert found.preview == "v/cat.preview.webp"
    assert found.manifest == "v/cat.thumbnails.json"
    assert names.further_sheet("v/cat.storyboard.jpg", 1) == "v/cat.storyboard-2.jpg"


def test_what_is_switched_off_has_no_name() -> None:
    found = named("cat.mp4")
    assert (found.sheet, found.cues, found.playlist, found.preview, found.manifest) == (None,) * 5
    assert found.certain() == ["cat.jpg"]


def test_all_names_of_a_video_differ() -> None:
    every: dict[str, Any] = {"storyboard": "true", "storyboard_playlist": "true", "preview": "webp", "manifest": "true"}
    keys = named("cat.mp4", widths="[640, 320, 0, 5]", **every).certain()
    assert len(set(keys)) == len(keys) == 9


@pytest.mark.parametrize(
    ("key", "poster", "seconds"),
    [
        ("cat_00-01.mp4", "cat.jpg", 1),
        ("cat_01-30.mp4", "cat.jpg", 90),
        ("cat_59-59.mp4", "cat.jpg", 3599),
        ("a/cat_01-00-00.mp4", "a/cat.jpg", 3600),
        ("cat_99-59-59.mp4", "cat.jpg", 359_999),
        ("cat_00-01_00-02.mp4", "cat_00-01.jpg", 2),
    ],
)
def test_a_time_at_the_end_of_a_name_is_asked_for_and_taken_off(key: str, poster: str, seconds: int) -> None:
    found = named(key)
    assert found.posters[0][1] == poster
    assert found.asked == Position("seconds", seconds)


@pytest.mark.parametrize(
    "stem",
    ["cat_00-60", "cat_60-00", "cat_0-1", "cat_00-1", "cat-00-01", "cat_00-01x", "_00-01", "cat_٠٠-٠١", "cat_00_01"],
)
def test_what_only_looks_like_a_time_stays_in_the_name(stem: str) -> None:
    found = named(f"{stem}.mp4")
    assert found.posters[0][1] == f"{stem}.jpg"
    assert found.asked is None


def test_a_time_belongs_to_the_name_and_not_to_the_folder() -> None:
    found = named("a_00-01/cat.mp4")
    assert (found.posters[0][1], found.asked) == ("a_00-01/cat.jpg", None)


def test_images_go_to_the_bucket_and_prefix_of_the_settings() -> None:
    assert named("cat.mp4").bucket == "videos"
    found = named("a/cat.mp4", output_bucket="images", output_prefix="thumbs/")
    assert found.bucket == "images"
    assert found.posters[0][1] == "thumbs/a/cat.jpg"


def test_names_longer_than_s3_takes_are_refused() -> None:
    assert named("ä" * 510 + ".mp4").posters[0][1] == "ä" * 510 + ".jpg"  # 1024 bytes
    with pytest.raises(Rejected, match="1024 bytes"):
        named("ä" * 510 + ".mp4", widths="[640, 320]")
    with pytest.raises(Rejected, match="1024 bytes"):
        named("x" * 1020 + ".mp4", manifest="true")
