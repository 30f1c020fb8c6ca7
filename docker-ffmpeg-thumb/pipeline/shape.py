"""The shape of a poster: how a picture of any size fills the width and height that were asked for."""

from PIL import Image

from pipeline.ffmpeg import Box
from pipeline.settings import Settings


def box(settings: Settings) -> Box:
    """The size to decode in, from which the posters of all widths can be made."""
    if 0 in settings.widths:
        return Box(0)
    width = max(settings.widths)
    return Box(width, _height(settings, width), settings.fit == "cover")


def shaped(picture: Image.Image, width: int, settings: Settings) -> Image.Image:
    """The poster of one width, in pixels; 0 is the picture's own. No picture is ever enlarged.

    With a height, `contain` stays within both, `cover` fills both and loses what stands out on two sides (a picture
    that is too small for that keeps the shape of the box), and `pad` puts the picture in the middle of the box.
    """
    height = _height(settings, width)
    if not height:
        return _scaled(picture, width / picture.width if width else 1)
    across, down = width / picture.width, height / picture.height
    if settings.fit != "cover":
        picture = _scaled(picture, min(across, down))
        return _padded(picture, width, height, settings.pad_colour) if settings.fit == "pad" else picture
    picture = _scaled(picture, max(across, down))
    kept = (
        min(picture.width, max(1, round(picture.height * width / height))),
        min(picture.height, max(1, round(picture.width * height / width))),
    )
    left, top = (picture.width - kept[0]) // 2, (picture.height - kept[1]) // 2
    return picture.crop((left, top, left + kept[0], top + kept[1]))


def _height(settings: Settings, width: int) -> int:
    first = settings.widths[0]
    return max(1, round(settings.height * width / first)) if settings.height and first and width else 0


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
