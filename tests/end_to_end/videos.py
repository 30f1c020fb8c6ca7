"""Small videos whose right pictures are known by construction, and files that only claim to be videos."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

Colour = tuple[int, int, int]

RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 170, 60), (40, 60, 200), (200, 200, 50)
CORNERS = (RED, GREEN, YELLOW, BLUE)
"""Clockwise, from the upper left."""

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-threads", "1")
_BT709 = (
    *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
    *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
)


class Films:
    """Makes videos in one folder, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def corners(self, turn: int = 0) -> Path:
        """800x450: a colour in each corner, turned clockwise by as many corners as `turn` says."""
        return self._film(f"corners-{turn}.mp4", [corners(turn)] * 5, "10")

    def seconds(self) -> Path:
        """160x90: one second of red, one of green, one of blue."""
        frames = [_plain(colour) for colour in (RED, GREEN, BLUE) for _ in range(5)]
        return self._film("seconds.mp4", frames, "5")

    def scenes(self) -> Path:
        """800x450 and 30 s long: ten seconds of red, of green, of blue."""
        frames = [_plain(colour, (800, 450)) for colour in (RED, GREEN, BLUE)]
        return self._film("scenes.mp4", frames, "1/10", *("-r", "2", "-g", "4"))

    def crowd(self, count: int) -> list[tuple[Path, Colour]]:
        """`count` videos of 160x90, each of a colour that none of the others has."""
        # By one run of FFmpeg, which takes longer to start than to encode one of these.
        colours = [(30 + 30 * (n % 7), 40 + 60 * (n // 7), 120) for n in range(count)]
        if not (folder := self._folder / f"crowd-{count}").exists():
            folder.mkdir()
            frames = [_plain(colour) for colour in colours for _ in range(5)]
            cut = ("-g", "5", "-f", "segment", "-segment_time", "1", "-reset_timestamps", "1")
            _encode(folder / "%02d.mp4", frames, "5", *cut)
        return [(folder / f"{number:02}.mp4", colour) for number, colour in enumerate(colours)]

    def sound(self) -> Path:
        """Half a second of a tone, in a container that mostly holds videos."""
        path = self._folder / "sound.mp4"
        if not path.exists():
            _ffmpeg(["-f", "lavfi", "-i", "sine=duration=0.5", "-c:a", "aac", str(path)])
        return path

    def _film(self, name: str, frames: Sequence[Image.Image], rate: str, *options: str) -> Path:
        path = self._folder / name
        return path if path.exists() else _encode(path, frames, rate, *options)


def corners(turn: int) -> Image.Image:
    """Return the picture that `Films.corners` shows."""
    picture = Image.new("RGB", (800, 450))
    places = ((0, 0), (400, 0), (400, 225), (0, 225))
    for number, place in enumerate(places):
        picture.paste(CORNERS[(number - turn) % 4], (*place, place[0] + 400, place[1] + 225))
    return picture


def _plain(colour: Colour, size: tuple[int, int] = (160, 90)) -> Image.Image:
    return Image.new("RGB", size, colour)


def _encode(path: Path, frames: Sequence[Image.Image], rate: str, *options: str) -> Path:
    width, height = frames[0].size
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate, "-i", "pipe:0")
    _ffmpeg([*source, *_H264, *_BT709, *options, str(path)], b"".join(frame.tobytes() for frame in frames))
    return path


def _ffmpeg(arguments: Sequence[str], stdin: bytes = b"") -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
