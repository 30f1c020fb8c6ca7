"""Sample videos, made on this machine, the same ones every time."""

import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import imageio_ffmpeg

from local import day
from local.failure import LocalFailure
from local.processes import last_line

_H264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1"]
_SAME_BYTES = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]

SAMPLES: dict[str, list[str]] = {
    # Black for one second and then out of the dark: a first frame would be a black picture.
    "fade-in.mp4": [
        *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=8"),
        *("-vf", "fade=type=in:start_time=1:duration=2", *_H264, "-g", "50", "-movflags", "+faststart"),
    ],
    # With sound, its index at the end of the file, as cameras write it.
    "mandelbrot.mp4": [
        *("-f", "lavfi", "-i", "mandelbrot=size=960x540:rate=25:end_scale=0.02:maxiter=500"),
        *("-f", "lavfi", "-i", "sine=frequency=220:sample_rate=48000"),
        *("-t", "6", *_H264, "-g", "25", "-c:a", "aac", "-b:a", "64k"),
    ],
}


def make_samples(folder: Path) -> list[Path]:
    """Return the two short sample videos in `folder`; one that is there already stays as it is."""
    return [_make(folder / name, arguments) for name, arguments in SAMPLES.items()]


def make_day(folder: Path) -> Path:
    """Return the sample that is long enough for a storyboard."""
    size = f"{day.SIZE[0]}x{day.SIZE[1]}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(day.RATE), "-i", "pipe:0"]
    return _make(
        folder / "day.mp4", [*raw, *_H264, "-crf", "20", "-g", "40"], (each.tobytes() for each in day.frames())
    )


def _make(path: Path, arguments: list[str], pictures: Iterable[bytes] = ()) -> Path:
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name("unfinished-" + path.name)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [*command, *arguments, *_SAME_BYTES, str(unfinished)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # FFmpeg ended early, and says why
            for picture in pictures:
                process.stdin.write(picture)
            process.stdin.close()
        if process.wait() != 0:
            said.seek(0)
            why = last_line(said.read().decode(errors="replace"))
            raise LocalFailure(f"sample {path.name} could not be made: FFmpeg: {why}")
    return unfinished.rename(path)
