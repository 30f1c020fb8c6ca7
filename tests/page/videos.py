"""Videos of plain colours, so that a picture tells its time."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

COLOURS = {
    "red": (208, 32, 32),
    "green": (32, 160, 48),
    "blue": (32, 48, 208),
    "yellow": (208, 200, 40),
    "cyan": (40, 192, 200),
    "magenta": (200, 40, 192),
    "grey": (128, 128, 128),
}
"""Of each stretch of a film, in order."""


def colours(path: Path, stretches: Sequence[float]) -> Path:
    """Make a film whose stretches last so many seconds, each of its colour; a keyframe every five seconds at least."""
    rate = 4
    sources: list[str] = []
    for (red, green, blue), seconds in zip(COLOURS.values(), stretches, strict=False):
        colour = f"0x{red:02x}{green:02x}{blue:02x}"
        sources += ["-f", "lavfi", "-i", f"color=c={colour}:s=640x360:r={rate}:d={seconds},format=rgb24"]
    joined = f"concat=n={len(stretches)},scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    return _ffmpeg(
        path, *sources, "-filter_complex", joined, "-c:v", "libx264", "-preset", "veryfast", "-g", str(5 * rate), *tags
    )


def sound(path: Path) -> Path:
    """Make a file with nothing to show."""
    return _ffmpeg(path, "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac")


def colour_of(pixel: tuple[int, int, int]) -> str:
    """Return the name of the colour that is nearest to a pixel, which must be near."""
    distance, name = min(
        (max(abs(a - b) for a, b in zip(pixel, colour, strict=True)), name) for name, colour in COLOURS.items()
    )
    assert distance < 24, f"{pixel} is no colour of the film"
    return name


def _ffmpeg(path: Path, *options: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *options, str(path)]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"FFmpeg could not make {path.name}: {done.stderr.decode(errors='replace')}"
    return path
