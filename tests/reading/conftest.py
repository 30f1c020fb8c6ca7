"""Small videos in every layout, and a store that counts what is asked of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from standin_s3.s3 import S3
from standin_s3.serving import serving

# Eight hundred seconds, a keyframe every two, 20,000 pictures: the index is longer than what is read first of either
# end (128 KiB), so that it has to be fetched.
LOOPS = 39
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
LAYOUTS = {
    "moov-last.mp4": [],
    "moov-first.mp4": ["-movflags", "faststart"],
    "sidx.mp4": ["-movflags", f"{FRAGMENTS}+global_sidx+skip_trailer"],
    "mfra.mp4": ["-movflags", FRAGMENTS],
    "bare.mp4": ["-movflags", f"{FRAGMENTS}+skip_trailer"],
    "cues.mkv": [],
    "small.mp4": ["-t", "20"],
}


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the same video in every layout, by name; `small.mp4` is its first 20 s."""
    folder = tmp_path_factory.mktemp("reading")
    part = folder / "part.mp4"
    _ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=20", "-vf", "noise=alls=20:allf=t:all_seed=7"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-bf", "2", "-g", "50", "-keyint_min", "50"),
        *("-sc_threshold", "0", "-b:v", "250k", "-pix_fmt", "yuv420p", str(part)),
    )
    for name, arguments in LAYOUTS.items():
        _ffmpeg("-stream_loop", str(LOOPS), "-i", str(part), "-c", "copy", *arguments, str(folder / name))
    return {name: folder / name for name in LAYOUTS}


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three minutes of a grainy night in which nothing is to be seen, every frame a keyframe of 90 KB: 190 MB."""
    folder = tmp_path_factory.mktemp("blank")
    _ffmpeg(
        *("-f", "lavfi", "-i", "color=0x080808:size=640x360:rate=12:duration=4", "-vf", "noise=c0s=8:c0f=t:all_seed=7"),
        *("-c:v", "mjpeg", "-q:v", "1", "-qmin", "1", "-huffman", "default", str(folder / "part.mov")),
    )
    _ffmpeg("-stream_loop", "44", "-i", str(folder / "part.mov"), "-c", "copy", str(folder / "blank.mp4"))
    return folder / "blank.mp4"


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of a grainy test card with two keyframes, 5 MB."""
    path = tmp_path_factory.mktemp("card") / "card.mp4"
    _ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=8", "-vf", "noise=alls=12:allf=t:all_seed=7"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "100", "-keyint_min", "100", "-sc_threshold", "0"),
        *("-b:v", "5M", "-maxrate", "6M", "-bufsize", "12M", "-pix_fmt", "yuv420p", str(path)),
    )
    return path


def _ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def store() -> Iterator[S3]:
    """Yield an S3 without objects that answers at once: bytes and requests do not depend on time."""
    with serving(S3()) as up:
        yield up
