"""Does `position: auto` take the picture that a person would? `make posters` answers with a table.

Each case is a generated video of which it is known when it shows something worth a poster. Four ways choose a moment of
it: this project, the frame at 10% (what most services do), the first frame, and FFmpeg's `thumbnail` filter over the
whole video (100 frames at a time, its default; the first batch's choice, as it is commonly used with `-frames:v 1`).
A way is right when the moment that it chose lies in a time worth a poster.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imageio_ffmpeg import get_ffmpeg_exe

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docker-ffmpeg-thumb"))

from pipeline import poster  # noqa: E402
from pipeline.demux import open_video  # noqa: E402
from pipeline.events import Video  # noqa: E402
from pipeline.ffmpeg import Box, Limits  # noqa: E402
from pipeline.position import Position  # noqa: E402
from pipeline.source import Source  # noqa: E402

SIZE = "480x270"
REPORT = ROOT / "docs" / "posters.md"


@dataclass(frozen=True)
class Part:
    """A stretch of a generated video."""

    source: str
    """An FFmpeg source and its filters."""
    seconds: float
    good: bool = False
    """Whether it is worth a poster."""


@dataclass(frozen=True)
class Case:
    """A video of known worth."""

    name: str
    parts: tuple[Part, ...]
    gop: int = 50
    """Pictures between keyframes, at 25 a second."""


def _scene(number: int) -> str:
    """A picture full of detail that moves; each number another one."""
    places = ("-0.743643887:0.131825904", "-0.1015:0.9563", "0.2501:0.0000", "-1.25066:0.02012")
    x, y = places[number % len(places)].split(":")
    return f"mandelbrot=s={SIZE}:rate=25:start_x={x}:start_y={y}:start_scale={0.3 + number * 0.1}:end_scale=0.01"


def _flat(colour: str) -> str:
    return f"color={colour}:s={SIZE}:r=25"


def _text(colour: str, behind: str, lines: int) -> str:
    # Blocks the size of words: the FFmpeg at hand may have no font to write with.
    words = "".join(
        f",drawbox=x={80 + 80 * (n % 4)}:y={40 + 30 * (n // 4)}:w={40 + 13 * (n % 3)}:h=10:color={colour}:t=fill"
        for n in range(lines * 4)
    )
    return f"{_flat(behind)}{words}"


CASES = (
    Case("an intro of black, a third of the video", (Part(_flat("black"), 20), Part(_scene(0), 40, True))),
    Case(
        "a fade from black over half of a short clip",
        # At 3.5 s of 4 the picture is there to the eye.
        (Part(f"{_scene(1)},fade=in:0:100", 3.5), Part(_scene(1), 4.5, True)),
        250,
    ),
    Case(
        "one sharp scene among blurred ones",
        (
            Part(f"{_scene(0)},gblur=sigma=18", 24),
            Part(_scene(1), 8, True),
            Part(f"{_scene(2)},gblur=sigma=18", 28),
        ),
    ),
    Case(
        "white flashes",
        tuple(part for n in range(6) for part in (Part(_flat("white"), 2), Part(_scene(n), 4, True))),
    ),
    Case(
        "slides of text and one of a photograph",
        (
            Part(_text("black", "white", 6), 20),
            Part(_scene(3), 6, True),
            Part(_text("black", "white", 3), 20),
            Part(_text("navy", "white", 5), 14),
        ),
    ),
    Case(
        "titles before and credits behind",
        (Part(_text("white", "black", 1), 10), Part(_scene(2), 20, True), Part(_text("white", "black", 7), 30)),
    ),
    Case("a frozen test card first", (Part(f"smptehdbars=s={SIZE}:rate=25", 15), Part(_scene(1), 30, True))),
    Case("a grey fade that never ends until the last third", (Part(_flat("gray"), 40), Part(_scene(0), 20, True))),
    Case(
        "dark scenes and one in daylight",
        (
            Part(f"{_scene(0)},eq=brightness=-0.45:contrast=0.3", 25),
            Part(_scene(1), 10, True),
            Part(f"{_scene(2)},eq=brightness=-0.45:contrast=0.3", 25),
        ),
    ),
)


def make(case: Case, folder: Path) -> Path:
    """Generates the video of a case."""
    path = folder / f"{CASES.index(case)}.mp4"
    inputs = [arg for part in case.parts for arg in ("-f", "lavfi", "-t", str(part.seconds), "-i", part.source)]
    joined = "".join(f"[{n}:v]format=yuv420p,setsar=1[v{n}];" for n in range(len(case.parts)))
    joined += "".join(f"[v{n}]" for n in range(len(case.parts))) + f"concat=n={len(case.parts)}[v]"
    _ffmpeg(
        *inputs,
        *("-filter_complex", joined, "-map", "[v]", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "26"),
        *("-g", str(case.gop), "-sc_threshold", "0", str(path)),
    )
    return path


def _ffmpeg(*arguments: str) -> str:
    command = [get_ffmpeg_exe(), "-hide_banner", "-y", "-loglevel", "info", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"FFmpeg ended with {done.returncode}: {done.stderr[-600:]}")
    return done.stderr


class _File:
    """A file that answers as S3 does."""

    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()

    def get_object(self, Range: str, **_: Any) -> dict[str, Any]:
        start, end = (int(number) for number in Range.removeprefix("bytes=").split("-"))
        content = self._content[start : end + 1]
        span = f"bytes {start}-{start + len(content) - 1}/{len(self._content)}"
        return {"ContentRange": span, "ETag": '"file"', "Body": io.BytesIO(content)}


def ours(path: Path) -> float:
    """The moment that this project chooses, in seconds."""
    video = Video("bucket", path.name, path.stat().st_size, "file", None, None)
    source = Source(_File(path), video, 2**30)
    source.open()
    demuxer = open_video(source)
    try:
        return poster.take(demuxer, Position("auto"), Box(640), Limits(2**30, 60)).seconds
    finally:
        demuxer.close()
        source.close()


def _thumbnail_filter(path: Path) -> float:
    log = _ffmpeg("-i", str(path), "-vf", "thumbnail,showinfo", "-frames:v", "1", "-f", "null", "-")
    return float(log.rpartition("pts_time:")[2].split()[0])


WAYS: dict[str, Callable[[Path, float], float]] = {
    "this project": lambda path, _: ours(path),
    "frame at 10%": lambda _, seconds: seconds / 10,
    "first frame": lambda *_: 0.0,
    "FFmpeg's `thumbnail`": lambda path, _: _thumbnail_filter(path),
}


def is_good(case: Case, moment: float) -> bool:
    """Whether a moment of a case is worth a poster."""
    end = 0.0
    for part in case.parts:
        end += part.seconds
        if moment < end:
            return part.good
    return case.parts[-1].good


def evaluate(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """The moment that each way chooses, in seconds, by the case's name and the way's."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = {}
        for case in cases:
            print(f"  {case.name} …", file=sys.stderr, flush=True)
            path, seconds = make(case, Path(folder)), sum(part.seconds for part in case.parts)
            chosen[case.name] = {way: choose(path, seconds) for way, choose in WAYS.items()}
        return chosen


def main() -> None:
    """Writes the table to `docs/posters.md`."""
    chosen = evaluate(CASES)
    lines = [
        "# Which moment is taken",
        "",
        "Generated videos of which it is known when they show something worth a poster (`benchmarks/posters.py`); the",
        "moment that each way chose, and whether it is worth one. Repeat with `make posters`.",
        "",
        f"| video | {' | '.join(WAYS)} |",
        f"| --- |{' --- |' * len(WAYS)}",
    ]
    right = dict.fromkeys(WAYS, 0)
    for case in CASES:
        cells = []
        for way in WAYS:
            good = is_good(case, chosen[case.name][way])
            right[way] += good
            cells.append(f"{chosen[case.name][way]:.1f} s {'✓' if good else '✗'}")
        lines.append(f"| {case.name} | {' | '.join(cells)} |")
    lines.append(f"| **right** | {' | '.join(f'**{count} of {len(CASES)}**' for count in right.values())} |")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join([*lines, ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
