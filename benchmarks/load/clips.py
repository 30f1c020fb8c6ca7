"""Tiny videos that carry a number, and the number that a picture of one shows.

The number stands in the picture itself, so that a look at the picture tells which bytes it was made of: what the
function writes into its metadata is the function's own word.
"""

import io
from typing import Any

import av
from PIL import Image

SIZE = (128, 72)
COLUMNS, ROWS = 4, 3
"""Blocks, each of which is one bit: 12 bits."""
NUMBERS = 2 ** (COLUMNS * ROWS)
DARK, LIGHT = 60, 200
"""Luma of a 0 and of a 1: far from black, which the function avoids, and far enough apart for any encoder."""
FRAMES = 5
"""A fifth of a second."""


def clip(number: int) -> bytes:
    """Return an MP4 of some kilobytes that shows `number`, its index at the end."""
    if not 0 <= number < NUMBERS:
        raise ValueError(f"the number {number} does not fit into a clip: 0 to {NUMBERS - 1} do")
    frames: Any = av.VideoFrame  # in part untyped
    frame = frames.from_image(_drawn(number))
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18", "threads": "1"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for place in range(FRAMES):
            frame.pts = place
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def shown(picture: bytes) -> int:
    """Return the number in a picture of a clip, whatever its size and format."""
    grey = Image.open(io.BytesIO(picture)).convert("L")
    number = 0
    for bit in range(COLUMNS * ROWS):
        x = (bit % COLUMNS + 0.5) * grey.width / COLUMNS
        y = (bit // COLUMNS + 0.5) * grey.height / ROWS
        luma: Any = grey.getpixel((int(x), int(y)))
        number |= (luma > (DARK + LIGHT) / 2) << bit
    return number


def _drawn(number: int) -> Image.Image:
    small = Image.new("L", (COLUMNS, ROWS))
    for bit in range(COLUMNS * ROWS):
        small.putpixel((bit % COLUMNS, bit // COLUMNS), LIGHT if number >> bit & 1 else DARK)
    return small.resize(SIZE, Image.Resampling.NEAREST).convert("RGB")
