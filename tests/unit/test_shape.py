"""The shape of a poster, in numbers."""

import dataclasses
from typing import Any

import pytest
from PIL import Image

from pipeline import settings, shape
from pipeline.ffmpeg import Box


def using(**values: Any) -> settings.Settings:
    return dataclasses.replace(settings.read({}), **values)


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
    assert shape.box(using(**values)) == box


@pytest.mark.parametrize("fit", ["contain", "cover", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (640, 360), (361, 639)])
@pytest.mark.parametrize("height", [0, 1, 77, 3000])
def test_a_poster_of_any_picture_stays_within_its_box_and_is_not_enlarged(
    fit: str, size: tuple[int, int], height: int
) -> None:
    made = shape.shaped(Image.new("RGB", size), 200, using(widths=(200,), height=height, fit=fit))
    if fit == "pad" and height:
        assert made.size == (200, height)
        return
    assert 1 <= made.width <= min(200, size[0])
    assert 1 <= made.height <= (min(height, size[1]) if height else size[1])


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (500, 500)])
def test_a_covered_box_has_exactly_its_size(size: tuple[int, int]) -> None:
    for width, height in ((200, 200), (300, 100), (99, 333)):
        made = shape.shaped(Image.new("RGB", size), width, using(widths=(width,), height=height, fit="cover"))
        assert made.size == (width, height)
