"""Writes the videos of `kinds` with the real encoder, each with several arrangements of keyframes."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import av
import imageio_ffmpeg
from PIL import Image

from benchmarks.posters.kinds import KINDS, Studio

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
GOPS = ("fixed", "at cuts", "single")
"""Where keyframes are: every second or two, where the encoder sees a cut (as x264 by default), or only at the start."""


@dataclass(frozen=True)
class Half:
    """Videos that were, or were not, looked at while the score was written."""

    name: str
    rates: tuple[int, ...]
    """Frames a second."""
    paces: tuple[float, float]
    """By how much everything lasts longer, at the least and at the most."""


HALVES = (Half("tuning", (10, 15), (0.9, 1.1)), Half("held out", (8, 12, 24), (0.7, 1.5)))


@dataclass(frozen=True)
class Case:
    """A video of which it is known when it is worth a poster."""

    kind: str
    half: str
    seconds: float
    good: tuple[tuple[float, float], ...]
    """Seconds: from when until when."""
    frames: tuple[Image.Image, ...]
    """All of them, small."""
    paths: dict[str, Path]
    """The same video, by its arrangement of keyframes."""

    def is_good(self, moment: float) -> bool:
        """Return whether a moment, in seconds, is worth a poster."""
        return any(start - 0.001 <= moment < end - 0.001 for start, end in self.good)


def photographs(path: Path | None) -> list[Image.Image]:
    """Return frames of a video, spread over it; none without a video."""
    if path is None:
        return []
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    return [frames[len(frames) * n // 8].to_image() for n in range(8)]  # type: ignore[no-untyped-call]


def make(kind: str, half: Half, number: int, folder: Path, real: Sequence[Image.Image]) -> Case:
    """Write one video of a kind; 360 or 720 lines of it."""
    chance = Random(f"{half.name}, {kind}, {number}")
    rate = chance.choice(half.rates)
    larger = chance.choice([1, 1, 1, 2])
    parts = KINDS[kind](Studio(chance, rate, chance.uniform(*half.paces), real))
    stem = f"{half.name}-{list(KINDS).index(kind)}-{number}".replace(" ", "-")
    paths = {gop: folder / f"{stem}-{gop.replace(' ', '-')}.mp4" for gop in GOPS}
    options = {
        "fixed": ("-g", str(round(rate * chance.choice([1, 1, 1.5, 2]))), "-sc_threshold", "0"),
        "at cuts": (),
        "single": ("-g", "100000", "-sc_threshold", "0"),
    }
    encoder: subprocess.Popen[bytes] | None = None
    small: list[Image.Image] = []
    good = []
    for part in parts:
        start = len(small)
        for frame in part.frames:
            if encoder is None:
                encoder = _encoder(frame.size, rate, larger, [(paths[gop], options[gop]) for gop in GOPS])
            assert encoder.stdin is not None
            encoder.stdin.write(frame.tobytes())
            small.append(frame.resize((frame.width // 10, frame.height // 10), Image.Resampling.BOX))
        if part.good:
            good.append((start / rate, len(small) / rate))
    assert encoder is not None
    assert encoder.stdin is not None
    encoder.stdin.close()
    if encoder.wait():
        raise RuntimeError(f"FFmpeg ended with {encoder.returncode} on a video of: {kind}")
    return Case(kind, half.name, len(small) / rate, tuple(good), tuple(small), paths)


def _encoder(
    size: tuple[int, int], rate: int, larger: int, outputs: Sequence[tuple[Path, tuple[str, ...]]]
) -> "subprocess.Popen[bytes]":
    scale = ("-vf", f"scale={larger}*iw:-2:flags=bicubic")
    encode = (*scale, "-c:v", "libx264", "-preset", "superfast", "-crf", "24", "-pix_fmt", "yuv420p", "-threads", "1")
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(rate), "-i", "-")
    written = [argument for path, options in outputs for argument in (*encode, *options, str(path))]
    return subprocess.Popen([FFMPEG, "-v", "error", "-y", *raw, *written], stdin=subprocess.PIPE)
