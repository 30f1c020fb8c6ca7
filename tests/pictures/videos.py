"""Tiny videos whose pictures are known: each frame is drawn here, FFmpeg only encodes."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random

import imageio_ffmpeg
from PIL import Image, ImageDraw

FFMPEG: str = imageio_ffmpeg.get_ffmpeg_exe()

RED, GREEN, BLUE = (208, 32, 32), (32, 176, 48), (32, 48, 208)
YELLOW, CYAN, MAGENTA = (208, 200, 40), (40, 192, 200), (200, 40, 192)
GREY, ORANGE = (128, 128, 128), (216, 128, 32)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
SECONDS = (RED, GREEN, BLUE, YELLOW, CYAN, MAGENTA, GREY, ORANGE)
"""The colour of each second of the videos that tell the time."""

BT709 = (
    *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
    *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
)
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "8", *BT709)


class Studio:
    """Encodes frames into files of one folder; what was made once is not made again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[object, ...], Path] = {}

    def film(self, frames: Sequence[Image.Image], name: str, *options: str, rate: str = "25") -> Path:
        """Make a video of these frames, in the container that the name says unless the options say another."""
        mode, size = frames[0].mode, frames[0].size
        layout = {"RGB": "rgb24", "RGBA": "rgba"}[mode]
        content = b"".join(frame.tobytes() for frame in frames)
        source = ("-f", "rawvideo", "-pix_fmt", layout, "-s", f"{size[0]}x{size[1]}", "-r", rate, "-i", "pipe:0")
        return self.run(name, *source, *options, stdin=content)

    def raw(
        self, frames: Sequence[bytes], size: tuple[int, int], layout: str, name: str, *options: str, rate: str = "25"
    ) -> Path:
        """Make a video of frames that are given as the very samples of a pixel format."""
        source = ("-f", "rawvideo", "-pix_fmt", layout, "-s", f"{size[0]}x{size[1]}", "-r", rate, "-i", "pipe:0")
        return self.run(name, *source, *options, stdin=b"".join(frames))

    def run(self, name: str, *options: str, stdin: bytes = b"") -> Path:
        """Whatever FFmpeg makes of these options."""
        recipe = (name, options, hash(stdin))
        if recipe in self._made:
            return self._made[recipe]
        path = self._folder / f"{len(self._made)}-{name}"
        command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", *options, str(path)]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, f"FFmpeg could not make {name}: {done.stderr.decode(errors='replace')}"
        self._made[recipe] = path
        return path

    def counting(self, name: str = "counting.mp4", *options: str, seconds: int = 8, rate: int = 10) -> Path:
        """Each second has its colour, see `SECONDS`; by default one group of pictures, with B-frames."""
        frames = [plain(colour) for colour in SECONDS[:seconds] for _ in range(rate)]
        for number, frame in enumerate(frames):
            # Noise below makes the pictures, not the index, most of the file.
            frame.paste(noise(number, (128, 24)), (0, 48))
        return self.film(frames, name, *(options or (*H264, "-g", "250", "-bf", "3")), rate=str(rate))

    def quadrants(self, name: str = "quadrants.mp4", *options: str, size: tuple[int, int] = (128, 64)) -> Path:
        """Half a second of four colours: red and green above, blue and yellow below."""
        return self.film([four(size)] * 5, name, *(options or H264), rate="10")


def plain(colour: tuple[int, ...], size: tuple[int, int] = (128, 72)) -> Image.Image:
    return Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour)


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    """Grey noise, always the same for a seed."""
    return Image.frombytes("L", size, Random(seed).randbytes(size[0] * size[1])).convert("RGB")


def four(size: tuple[int, int] = (128, 64)) -> Image.Image:
    """Red and green above, blue and yellow below."""
    picture = Image.new("RGB", size, RED)
    draw, (width, height) = ImageDraw.Draw(picture), size
    draw.rectangle((width // 2, 0, width, height // 2 - 1), GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), BLUE)
    draw.rectangle((width // 2, height // 2, width, height), YELLOW)
    return picture
