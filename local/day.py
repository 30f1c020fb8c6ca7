"""A sample video that is long enough for a storyboard: a hundred seconds over hills, from one night to the next."""

import math
from bisect import bisect_right
from collections.abc import Iterator

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

SIZE = (960, 540)
RATE = 8
SECONDS = 100

_SKY: tuple[tuple[float, Colour, Colour], ...] = (
    (0.00, (9, 14, 38), (34, 44, 82)),
    (0.16, (38, 48, 96), (214, 128, 104)),
    (0.28, (88, 146, 204), (246, 214, 170)),
    (0.50, (70, 146, 222), (196, 226, 240)),
    (0.72, (84, 122, 186), (250, 204, 134)),
    (0.84, (62, 46, 104), (232, 104, 74)),
    (1.00, (10, 13, 36), (40, 42, 80)),
)
"""(share of the day, above, at the horizon)"""
_NIGHT, _GREEN = (14, 20, 34), (58, 104, 84)


def frames() -> Iterator[Image.Image]:
    """Return all pictures of the day, the same ones every time."""
    count = SECONDS * RATE
    return (_frame(number / count) for number in range(count))


def _frame(share: float) -> Image.Image:
    width, height = SIZE
    above, horizon = _sky(share)
    light = min(1.0, max(0.0, math.sin(math.pi * (share - 0.06) / 0.88)) * 1.5)
    column = Image.new("RGB", (1, 2))
    column.putpixel((0, 0), above)
    column.putpixel((0, 1), horizon)
    picture = column.resize(SIZE, Image.Resampling.BILINEAR, box=(0, 0.5, 1, 1.5))
    draw = ImageDraw.Draw(picture)
    for star in range(90):
        place = star * 7919 % width, star * star * 31 % 330
        if (shine := 0.9 - 2.2 * light - place[1] / 750) > 0:
            draw.point(place, _mix(above, (255, 255, 255), shine))
    x, y = width * (share * 1.25 - 0.12), height * (0.78 - 0.62 * math.sin(math.pi * share))
    draw.ellipse((x - 36, y - 36, x + 36, y + 36), _mix((255, 120, 60), (255, 250, 220), light))
    for layer in range(4):
        depth = layer / 3
        ground = _mix(_NIGHT, _GREEN, light * (1 - 0.45 * depth))
        edge = [(at, _height(at + share * 600 * (1 + 2 * layer), layer)) for at in range(0, width + 8, 8)]
        draw.polygon([(0, height), *edge, (width, height)], _mix(horizon, ground, 0.45 + 0.55 * depth))
    return picture


def _height(x: float, layer: int) -> float:
    waves = 33 * math.sin(x / (225 - 38 * layer) + 2 * layer) + 13 * math.sin(x / (70 - 9 * layer) + 5 * layer)
    return 308 + 60 * layer + waves


def _sky(share: float) -> tuple[Colour, Colour]:
    after = min(bisect_right([row[0] for row in _SKY], share), len(_SKY) - 1)
    (start, *from_), (end, *to) = _SKY[after - 1], _SKY[after]
    part = (share - start) / (end - start)
    return _mix(from_[0], to[0], part), _mix(from_[1], to[1], part)


def _mix(one: Colour, other: Colour, part: float) -> Colour:
    red, green, blue = (round(a + (b - a) * min(1.0, max(0.0, part))) for a, b in zip(one, other, strict=True))
    return red, green, blue
