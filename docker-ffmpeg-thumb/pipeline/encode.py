"""Image files: one picture in every width that is asked for."""

import io
from dataclasses import dataclass

from PIL import Image

CONTENT_TYPES = {"jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "png": "image/png"}


@dataclass(frozen=True)
class Encoded:
    """An image file."""

    content: bytes
    width: int
    """Pixels, like `height`."""
    height: int


def keeps_alpha(picture_format: str) -> bool:
    """Whether a format can show transparency."""
    return picture_format != "jpg"


def largest(widths: tuple[int, ...]) -> int:
    """The width that all the others can be made from; 0, the video's own, is the largest there is."""
    return 0 if 0 in widths else max(widths)


def encode(picture: Image.Image, width: int, picture_format: str, quality: int) -> Encoded:
    """Writes a picture as a file, `width` pixels wide if it is wider than that; 0 keeps its size.

    No metadata is written, and no colour profile: every reader takes an untagged picture to be sRGB, which it is.
    """
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    if 0 < width < picture.width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    content = io.BytesIO()
    if picture_format == "jpg":
        # From 90 on people ask for every pixel: chroma is then kept in full.
        subsampling = "4:4:4" if quality >= 90 else "4:2:0"
        picture.save(content, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=subsampling)
    elif picture_format == "webp":
        picture.save(content, "WEBP", quality=quality, method=4)
    elif picture_format == "avif":
        picture.save(content, "AVIF", quality=quality, speed=8, max_threads=1)
    else:
        picture.save(content, "PNG", compress_level=6)
    return Encoded(content.getvalue(), picture.width, picture.height)
