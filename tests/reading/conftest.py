"""Small videos in every layout, and a store that counts what is asked of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from benchmarks.store import Store

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
    """The same video in every layout, by name; `small.mp4` is its first 20 s."""
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


def _ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty store that answers at once: bytes and requests do not depend on time."""
    with Store(latency=0) as up:
        yield up


@pytest.fixture
def slow_store() -> Iterator[Store]:
    """An empty store whose answers wait for requests sent together, even by a machine that has much else to do:
    for what is said of chains."""
    with Store(latency=0, settle=0.2) as up:
        yield up
