"""Names: where the images of a video go, and what its own name asks for."""

from typing import Any

import pytest

from model import Rejected
from position import Position
from service import names, settings
from service.names import Names
from tests.settings import environment_of


def named(key: str, **values: Any) -> Names:
    made = settings.read(environment_of(values))
    return names.of("videos", key, made, made.wanted)


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
    assert named(key).certain() == [poster]


def test_the_first_width_is_the_poster_and_the_others_say_theirs() -> None:
    found = named("videos/cat.mp4", widths=[640, 320, 0])
    assert found.certain() == ["videos/cat.jpg", "videos/cat.320w.jpg", "videos/cat.0w.jpg"]


@pytest.mark.parametrize("extension", ["jpg", "webp", "avif", "png"])
def test_the_extension_is_that_of_the_format(extension: str) -> None:
    assert named("cat.mp4", format=extension).key("poster") == f"cat.{extension}"


def test_further_outputs_are_named_as_the_design_says() -> None:
    found = named("v/cat.mp4", preview="webp", stills=3)
    assert found.key("sheet") == "v/cat.storyboard.jpg"
    assert found.key("sheet", 1) == "v/cat.storyboard-2.jpg"
    assert found.key("cues") == "v/cat.storyboard.vtt"
    assert found.key("tiles") == "v/cat.storyboard.json"
    assert found.key("playlist") == "v/cat.storyboard.m3u8"
    assert found.key("preview") == "v/cat.preview.webp"
    assert found.key("manifest") == "v/cat.thumbnails.json"
    assert [found.key("still", number) for number in range(3)] == ["v/cat.1.jpg", "v/cat.2.jpg", "v/cat.3.jpg"]


def test_what_is_switched_off_has_no_name() -> None:
    assert named("cat.mp4").certain() == ["cat.jpg"]


def test_all_names_of_a_video_differ() -> None:
    every: dict[str, Any] = {
        **{"storyboard": True, "storyboard_playlist": True, "storyboard_json": True, "preview": "webp"},
        **{"manifest": True, "stills": 2},
    }
    keys = named("cat.mp4", widths=[640, 320, 0, 5], **every).certain()
    assert len(set(keys)) == len(keys) == 12


@pytest.mark.parametrize("preview", ["webp", "mp4", "gif"])
def test_no_output_has_a_name_that_would_start_the_function_again(preview: str) -> None:
    keys = named("cat.mp4", preview=preview, storyboard=True, storyboard_playlist=True, manifest=True).certain()
    assert [key for key in keys if key.endswith(".mp4")] == []


@pytest.mark.parametrize("preview", ["webp", "mp4", "gif"])
def test_every_name_has_a_media_type(preview: str) -> None:
    found = named("cat.mp4", preview=preview)
    assert names.media_type(found.key("preview")) == {"mp4": "video/mp4"}.get(preview, f"image/{preview}")
    for kind in ("poster", "sheet", "cues", "tiles", "playlist", "manifest", "still"):
        assert "/" in names.media_type(found.key(kind))


def test_a_time_in_a_name_may_be_a_part_of_the_name() -> None:
    found = named("trip_12-30.mp4", time_in_name=False)
    assert (found.key("poster"), found.asked) == ("trip_12-30.jpg", None)


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
    assert found.key("poster") == poster
    assert found.asked == Position("seconds", seconds)


@pytest.mark.parametrize(
    "stem",
    ["cat_00-60", "cat_60-00", "cat_0-1", "cat_00-1", "cat-00-01", "cat_00-01x", "_00-01", "cat_٠٠-٠١", "cat_00_01"],
)
def test_what_only_looks_like_a_time_stays_in_the_name(stem: str) -> None:
    found = named(f"{stem}.mp4")
    assert found.key("poster") == f"{stem}.jpg"
    assert found.asked is None


def test_a_time_belongs_to_the_name_and_not_to_the_folder() -> None:
    found = named("a_00-01/cat.mp4")
    assert (found.key("poster"), found.asked) == ("a_00-01/cat.jpg", None)


def test_images_go_to_the_bucket_and_prefix_of_the_settings() -> None:
    assert named("cat.mp4").bucket == "videos"
    found = named("a/cat.mp4", output_bucket="images", output_prefix="thumbs/")
    assert found.bucket == "images"
    assert found.key("poster") == "thumbs/a/cat.jpg"


def test_names_longer_than_s3_takes_are_refused() -> None:
    assert named("ä" * 510 + ".mp4").key("poster") == "ä" * 510 + ".jpg"  # 1024 bytes
    with pytest.raises(Rejected, match="1024 bytes"):
        named("ä" * 510 + ".mp4", widths=[640, 320])
    with pytest.raises(Rejected, match="1024 bytes"):
        named("x" * 1020 + ".mp4", manifest=True)
