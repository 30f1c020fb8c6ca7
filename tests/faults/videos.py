"""Small good videos, and what colour their pictures are."""

import io
import subprocess
from pathlib import Path

from PIL import Image

from tests.hostile.seeds import FFMPEG


def film(path: Path, look: str, seconds: float = 1, size: str = "96x64", quality: str = "30") -> bytes:
    """Make a video of one colour, or of one of FFmpeg's test patterns."""
    source = (
        f"{look}=s={size}:r=10:d={seconds}" if look.startswith("test") else f"color={look}:s={size}:r=10:d={seconds}"
    )
    encoding = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", quality, "-g", "10", "-pix_fmt", "yuv420p")
    command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *encoding, str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return path.read_bytes()


def colour(picture: bytes) -> str:
    """`red` or `blue`, whichever there is more of."""
    shown = Image.open(io.BytesIO(picture)).convert("RGB").resize((1, 1))
    pixel = shown.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return "red" if pixel[0] > pixel[2] else "blue"
