"""Image files from pictures."""

import io

from PIL import Image


def encode(picture: Image.Image, image_format: str, quality: int, background: str) -> bytes:
    """Write a picture as an image file; where it is transparent and the format cannot be, a background shows.

    No metadata is written, and no colour profile: every reader takes an untagged picture to be sRGB, which it is.
    """
    content = io.BytesIO()
    if image_format == "jpg":
        # From 90 on people ask for every pixel: chroma is then kept in full.
        subsampling = "4:4:4" if quality >= 90 else "4:2:0"
        opaque(picture, background).save(content, "JPEG", quality=quality, optimize=True, subsampling=subsampling)
    elif image_format == "webp":
        picture.save(content, "WEBP", quality=quality, method=4)
    elif image_format == "avif":
        picture.save(content, "AVIF", quality=quality, speed=8, max_threads=1)
    else:
        picture.save(content, "PNG", compress_level=6)
    return content.getvalue()


def opaque(picture: Image.Image, background: str) -> Image.Image:
    """Return a picture without transparency, on a colour."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, background), picture).convert("RGB")
