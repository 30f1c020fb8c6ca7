"""The ways to choose a moment of a video, each as a function from a file to seconds."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docker-ffmpeg-thumb"))

from benchmarks.posters.videos import FFMPEG, Case  # noqa: E402
from model import Limits, Range, ReadPolicy  # noqa: E402
from position import Position  # noqa: E402
from worker.choose import poster  # noqa: E402
from worker.container import open_video  # noqa: E402
from worker.decode.graph import Box  # noqa: E402
from worker.reader import Reader  # noqa: E402

WIDTH = 640
"""Pixels of a poster, as by default."""


class _File:
    """A file, of which ranges are read as of an object in S3."""

    def __init__(self, path: Path) -> None:
        self._content = memoryview(path.read_bytes())
        self.size = len(self._content)

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, memoryview]]:
        for start, end in ranges:
            yield start, self._content[start:end]


def chosen(path: Path) -> tuple[float, Image.Image]:
    """Return the moment that this project chooses, in seconds, and its poster."""
    demuxer = open_video(Reader(_File(path), ReadPolicy()))
    try:
        frame = poster.take(demuxer, Position("auto"), Box(WIDTH), Limits(2**30, 60))
        return frame.seconds, frame.picture
    finally:
        demuxer.close()


def _first_not_black(path: Path) -> float:
    """Return the first frame of which less than 98% is black, as FFmpeg's `blackframe` sees it by default."""
    key = "lavfi.blackframe.pblack"
    return _filtered(path, f"blackframe=amount=0,metadata=select:key={key}:value=98:function=less")


def _filtered(path: Path, filters: str) -> float:
    """Return the moment of the first frame that filters let pass; 0 if none does."""
    arguments = ("-i", str(path), "-vf", f"{filters},showinfo", "-frames:v", "1", "-f", "null", "-")
    log = subprocess.run(
        [FFMPEG, "-hide_banner", "-loglevel", "info", *arguments], capture_output=True, text=True, check=True
    ).stderr
    return float(log.rpartition("pts_time:")[2].split()[0]) if "pts_time:" in log else 0.0


def _ffmpegthumbnailer(path: Path, case: Case) -> float:
    """Return the moment of the frame that looks like what it wrote: it does not say which one it took."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "poster.png"
        subprocess.run(["ffmpegthumbnailer", "-i", path, "-o", output, "-s", "128"], capture_output=True, check=True)
        wanted = Image.open(output).convert("RGB").resize(case.frames[0].size)
    nearest, found = float("inf"), 0
    for number, frame in enumerate(case.frames):
        apart = sum(ImageStat.Stat(ImageChops.difference(frame, wanted)).sum2)
        # Only frames that differ to the eye count as others: the first of those that are the same is named.
        if apart < nearest * 0.98:
            nearest, found = apart, number
    return found * case.seconds / len(case.frames)


OURS = "this project"
NAMES = (OURS, "the middle (Mux)", "10%", "first not black (imgix)", "FFmpeg's `thumbnail`", "ffmpegthumbnailer")


def choices(case: Case) -> Iterator[tuple[str, str, float]]:
    """Yield the arrangement of keyframes, the way, and the moment that it chooses, in seconds.

    What looks at frames alone is asked once for all arrangements.
    """
    first = next(iter(case.paths.values()))
    everywhere = (case.seconds / 2, case.seconds / 10, _first_not_black(first), _filtered(first, "thumbnail"))
    for gop, path in case.paths.items():
        moments = (chosen(path)[0], *everywhere, _ffmpegthumbnailer(path, case))
        yield from ((gop, way, moment) for way, moment in zip(NAMES, moments, strict=True))
