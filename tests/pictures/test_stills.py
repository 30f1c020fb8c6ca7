"""Stills: frames to choose a poster from, as they are in the bucket."""

import json
from typing import Any

import pytest
from PIL import Image

from .service import Service, is_near
from .videos import BLACK, H264, SECONDS, Studio, noise, plain

FOUR = ["video.1.jpg", "video.2.jpg", "video.3.jpg", "video.4.jpg"]


def detailed(colour: tuple[int, ...], seed: int) -> Image.Image:
    """Return a colour, with something to look at in its lower half."""
    frame = plain(colour, (320, 180))
    small = noise(seed, (20, 6)).resize((320, 90))
    frame.paste(small, (0, 90))
    return frame


@pytest.mark.parametrize("gop", ["5", "1000"], ids=["many keyframes", "one GOP"])
def test_stills_are_spread_over_the_video_and_none_of_them_is_black(service: Service, studio: Studio, gop: str) -> None:
    # Eight scenes of five seconds; of each, the first three are black.
    frames = [
        plain(BLACK, (320, 180)) if second % 5 < 3 else detailed(SECONDS[second // 5], second) for second in range(40)
    ]
    video = studio.film(frames, "film.mp4", *H264, "-g", gop, "-sc_threshold", "0", rate="1")
    answer = service.poster(video, stills=4, widths=[160, 80], manifest=True)
    assert [key for key in answer.keys if key not in ("video.jpg", "video.80w.jpg", "video.thumbnails.json")] == FOUR
    made = [image for image in json.loads(answer.text(".json"))["images"] if image["kind"] == "still"]
    assert [image["key"] for image in made] == FOUR
    assert [int(image["seconds"] // 10) for image in made] == [0, 1, 2, 3]
    for number, image in zip(answer.numbers("still"), made, strict=True):
        assert answer.picture(number).size == (160, 90)
        assert answer.object(number)["Metadata"]["seconds"] == f"{image['seconds']:.3f}"
        colour = answer.picture(number).resize((4, 4)).getpixel((1, 0))
        assert isinstance(colour, tuple)
        assert is_near(colour, SECONDS[int(image["seconds"] // 5)], 24)


def test_a_video_of_fewer_frames_has_fewer_stills_and_says_so(service: Service, studio: Studio) -> None:
    frames = [detailed(SECONDS[number], number) for number in range(3)]
    answer = service.poster(studio.film(frames, "few.mp4", *H264, "-g", "1", rate="1"), stills=5)
    assert answer.keys == ["video.jpg", *FOUR[:3]]
    assert answer.notes == ["it has 3 of 5 stills: it shows no more different frames"]


def test_stills_have_the_shape_of_the_poster(service: Service, studio: Studio) -> None:
    asked: dict[str, Any] = {"widths": [100], "height": 100, "fit": "cover", "format": "webp"}
    answer = service.poster(studio.counting(), stills=2, **asked)
    assert answer.keys == ["video.webp", "video.1.webp", "video.2.webp"]
    # No frame is enlarged: the video is 72 pixels high.
    assert {answer.picture(number).size for number in range(3)} == {(72, 72)}
