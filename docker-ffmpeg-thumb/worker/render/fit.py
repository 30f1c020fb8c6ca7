"""The shape of a poster: how a picture of any size fills the width and height that were asked for."""

import math

from PIL import Image

from model import Wanted
from worker.decode.graph import Box


def box(wanted: Wanted) -> Box:
    """Return the size to decode in, from which the posters of all widths can be made."""
    if 0 in wanted.widths:
        return Box(0)
    width = max(wanted.widths)
    return Box(width, _height(wanted, width), wanted.fit == "cover")


def shaped(picture: Image.Image, width: int, wanted: Wanted) -> Image.Image:
    """Return the poster of one width, in pixels; 0 is the picture's own. No picture is ever enlarged.

    With a height, `contain` stays within both, `cover` fills both and loses what stands out on two sides (a picture
    that is too small for that keeps the shape of the box), and `pad` puts the picture in the middle of the box.
    """
    height = _height(wanted, width)
    if not height:
        return _scaled(picture, width / picture.width if width else 1)
    across, down = width / picture.width, height / picture.height
    if wanted.fit != "cover":
        picture = _scaled(picture, min(across, down))
        return _padded(picture, width, height, wanted.pad_colour) if wanted.fit == "pad" else picture
    picture = _scaled(picture, max(across, down))
    kept = (
        min(picture.width, max(1, round(picture.height * width / height))),
        min(picture.height, max(1, round(picture.width * height / width))),
    )
    left, top = (picture.width - kept[0]) // 2, (picture.height - kept[1]) // 2
    return picture.crop((left, top, left + kept[0], top + kept[1]))


def within(picture: Image.Image, size: tuple[int, int], background: str) -> Image.Image:
    """Return the picture in another size, in pixels: scaled by as much in either direction, in the middle of a colour.

    One that differs by rounding alone is stretched by it.
    """
    if picture.size == size:
        return picture
    scale = min(size[0] / picture.width, size[1] / picture.height)
    fitting = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if abs(fitting[0] - size[0]) <= 1 and abs(fitting[1] - size[1]) <= 1:
        return picture.resize(size)
    return _padded(picture.resize(fitting), *size, background)


def displayed(coded: tuple[int, int], aspect: float, picture: Image.Image) -> tuple[int, int]:
    """Return the size in pixels in which players show a video: upright, with square pixels.

    `coded`: its size before that, in pixels; `aspect`: the shape of its pixels, as far as its container says it;
    `picture`: a frame of it in any scale, which tells whether it is turned, and what the container leaves out.
    """
    if not all(coded):
        return picture.size
    for shape in (1.0, aspect):
        size = round(coded[0] * max(1.0, shape)), round(coded[1] * max(1.0, 1 / shape))
        for width, height in (size, size[::-1]):
            off = picture.height - picture.width * height / width, picture.width - picture.height * width / height
            if min(map(abs, off)) <= 0.5:
                return width, height
    shape = picture.width / picture.height
    width, height = min(coded, coded[::-1], key=lambda size: abs(math.log(shape * size[1] / size[0])))
    return max(width, round(height * shape)), max(height, round(width / shape))


def _height(wanted: Wanted, width: int) -> int:
    first = wanted.widths[0]
    return max(1, round(wanted.height * width / first)) if wanted.height and first and width else 0


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0) if size != picture.size else picture


def _padded(picture: Image.Image, width: int, height: int, colour: str) -> Image.Image:
    ground = Image.new("RGB", (width, height), colour)
    place = (width - picture.width) // 2, (height - picture.height) // 2
    ground.paste(picture, place, picture if picture.mode == "RGBA" else None)
    return ground
