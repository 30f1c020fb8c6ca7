"""The shape of a poster, in numbers."""

import dataclasses
from typing import Any

import pytest
from PIL import Image

from model import Wanted
from worker.decode.graph import Box
from worker.render import fit as fitting


def using(**values: Any) -> Wanted:
    return dataclasses.replace(Wanted(), **values)


@pytest.mark.parametrize(
    ("values", "box"),
    [
        ({}, Box(640)),
        ({"widths": (320, 1280)}, Box(1280)),
        ({"widths": (320, 0)}, Box(0)),
        ({"widths": (320, 640), "height": 100}, Box(640, 200)),
        ({"widths": (320,), "height": 100, "fit": "cover"}, Box(320, 100, cover=True)),
        ({"widths": (320,), "height": 100, "fit": "pad"}, Box(320, 100)),
        ({"widths": (0,), "height": 100}, Box(0)),
    ],
)
def test_pictures_are_decoded_as_large_as_the_largest_poster(values: dict[str, Any], box: Box) -> None:
    assert fitting.box(using(**values)) == box


@pytest.mark.parametrize("fit", ["contain", "cover", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (640, 360), (361, 639)])
@pytest.mark.parametrize("height", [0, 1, 77, 3000])
def test_a_poster_of_any_picture_stays_within_its_box_and_is_not_enlarged(
    fit: str, size: tuple[int, int], height: int
) -> None:
    made = fitting.shaped(Image.new("RGB", size), 200, using(widths=(200,), height=height, fit=fit))
    if fit == "pad" and height:
        assert made.size == (200, height)
        return
    assert 1 <= made.width <= min(200, size[0])
    assert 1 <= made.height <= (min(height, size[1]) if height else size[1])


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (500, 500)])
def test_a_covered_box_has_exactly_its_size(size: tuple[int, int]) -> None:
    for width, height in ((200, 200), (300, 100), (99, 333)):
        made = fitting.shaped(Image.new("RGB", size), width, using(widths=(width,), height=height, fit="cover"))
        assert made.size == (width, height)


@pytest.mark.parametrize(
    ("coded", "aspect", "frame", "size"),
    [
        ((1920, 1080), 1.0, (640, 360), (1920, 1080)),
        ((1920, 1080), 1.0, (203, 360), (1080, 1920)),
        ((1080, 1080), 1.0, (640, 640), (1080, 1080)),
        ((640, 362), 1.0, (320, 181), (640, 362)),
        ((853, 480), 1.0, (160, 90), (853, 480)),
        # The shape of pixels stretches one side and shrinks none, as in browsers.
        ((720, 576), 64 / 45, (640, 360), (1024, 576)),
        ((720, 480), 8 / 9, (640, 480), (720, 540)),
        ((720, 576), 64 / 45, (360, 640), (576, 1024)),
        # A container may say nothing of it, or the wrong thing.
        ((1440, 1080), 1.0, (640, 360), (1920, 1080)),
        ((1920, 1080), 4 / 3, (640, 360), (1920, 1080)),
        ((0, 0), 1.0, (640, 360), (640, 360)),
    ],
)
def test_the_size_that_players_show_is_told_by_a_frame(
    coded: tuple[int, int], aspect: float, frame: tuple[int, int], size: tuple[int, int]
) -> None:
    assert fitting.displayed(coded, aspect, Image.new("RGB", frame)) == size


def test_within_another_size_a_picture_keeps_its_shape() -> None:
    made = fitting.within(Image.new("RGB", (64, 64), "red"), (128, 72), "#0000ff")
    assert made.size == (128, 72)
    assert made.getpixel((64, 36)) == (255, 0, 0)
    assert made.getpixel((5, 36)) == (0, 0, 255)


def test_a_picture_that_differs_by_rounding_gets_no_bars() -> None:
    made = fitting.within(Image.new("RGB", (160, 89), "red"), (160, 90), "#0000ff")
    assert made.size == (160, 90)
    assert made.getcolors() == [(160 * 90, (255, 0, 0))]
