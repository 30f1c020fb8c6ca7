"""Two sample videos, made on this machine, the same ones every time."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

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
    """The sample videos in `folder`; one that is there already stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_make(folder / name, arguments) for name, arguments in SAMPLES.items()]


def _make(path: Path, arguments: list[str]) -> Path:
    if path.exists():
        return path
    unfinished = path.with_name("unfinished-" + path.name)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    done = subprocess.run(
        [*command, *arguments, *_SAME_BYTES, str(unfinished)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise LocalFailure(f"sample {path.name} could not be made: FFmpeg: {last_line(done.stderr)}")
    return unfinished.rename(path)
