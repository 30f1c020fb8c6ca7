"""Image files from pictures."""

import io
from collections.abc import Sequence

# Imported before the fork, and not by each job when it writes its first file.
from PIL import AvifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

PLUGINS = (AvifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
CONTENT_TYPES = {"jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "png": "image/png"}


def encode(picture: Image.Image, picture_format: str, quality: int, behind: str) -> bytes:
    """Writes a picture as a file; the colour `behind` shows through where it is transparent and the format cannot be.

    No metadata is written, and no colour profile: every reader takes an untagged picture to be sRGB, which it is.
    """
    content = io.BytesIO()
    if picture_format == "jpg":
        # From 90 on people ask for every pixel: chroma is then kept in full.
        subsampling = "4:4:4" if quality >= 90 else "4:2:0"
        opaque(picture, behind).save(content, "JPEG", quality=quality, optimize=True, subsampling=subsampling)
    elif picture_format == "webp":
        picture.save(content, "WEBP", quality=quality, method=4)
    elif picture_format == "avif":
        picture.save(content, "AVIF", quality=quality, speed=8, max_threads=1)
    else:
        picture.save(content, "PNG", compress_level=6)
    return content.getvalue()


def animate(pictures: Sequence[Image.Image], seconds: Sequence[float], quality: int) -> bytes:
    """Writes pictures as an animated WebP that loops, each shown for its number of seconds."""
    content = io.BytesIO()
    pictures[0].save(
        content,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=[max(1, round(1000 * shown)) for shown in seconds],
        loop=0,
        quality=quality,
        method=2,
    )
    return content.getvalue()


def opaque(picture: Image.Image, behind: str) -> Image.Image:
    """A picture without transparency, on a colour."""
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGBA", picture.size, behind)
    return Image.alpha_composite(ground, picture).convert("RGB")
