"""The videos that are measured with: made on this machine, kept in a cache folder, never committed.

A part is encoded; the long ones are that part looped by stream copy, which takes seconds. Their bit rate is that of the
4.6 GB, two-hour file that the limits of the benchmark speak of: 5.15 Mbit/s at 1080p, a keyframe every 10 s.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PART = 70.0
"""Seconds that are encoded. The twelve candidates of two hours are 600 s apart: if that were a multiple of it, all of
them would be the same frame."""
BYTES_A_SECOND = 645_000
"""Of the encoded part, about: what disk space is reckoned with."""
GROUP_SECONDS = 10.0
"""From one keyframe to the next."""

_FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
LAYOUTS = {
    # With the sample table at the beginning, as most of what is put on the web has it, or at the end, as cameras write
    # it; or in fragments, one a group of pictures.
    "index first": ["-movflags", "faststart"],
    "index last": [],
    "fragments, sidx": ["-movflags", f"{_FRAGMENTS}+global_sidx+skip_trailer"],
    "fragments, mfra": ["-movflags", _FRAGMENTS],
    "fragments, no index": ["-movflags", f"{_FRAGMENTS}+skip_trailer"],
}


class VideosFailure(Exception):
    """What could not be made, why, and what to do."""


@dataclass(frozen=True)
class Made:
    """A video that was made."""

    path: Path
    label: str
    """What tables call it."""
    layout: str
    """A key of `LAYOUTS`."""
    seconds: float

    @property
    def name(self) -> str:
        """Size and layout."""
        return f"{self.label}, {self.layout}"

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return self.path.stat().st_size


@dataclass(frozen=True)
class Videos:
    """All that is measured with."""

    made: tuple[Made, ...]
    """1080p videos of several sizes and layouts, smallest first."""
    eights: tuple[Path, ...]
    """Two frames of 7680x4320 each."""
    cmaf: Path
    """The beginning of the part, in fragments of one frame each."""
    blank: Path
    """180 MB of grainy black."""
    cat: Path | None
    """The reference video, of github.com/pulumi/examples, where it is there."""

    @property
    def largest(self) -> Made:
        """The longest with its index last."""
        return max((each for each in self.made if each.layout == "index last"), key=lambda each: each.seconds)

    def one(self, label: str, layout: str) -> Made:
        """Return the video of a size in a layout."""
        return next(each for each in self.made if (each.label, each.layout) == (label, layout))


LENGTHS = {"10 MB": 15.0, "200 MB": 310.0, "4.6 GB": 7200.0}
"""Seconds of each size, by the label that tables give it."""
LARGE = "4.6 GB"
CMAF_SECONDS = 60.0
PART_NAME = "part.mp4"
BLANK_BYTES = 180_000_000


def make(folder: Path, quick: bool, cat: Path) -> Videos:
    """Make what is not there yet; `quick` leaves the two-hour videos out, of which there are three layouts.

    Raises:
        VideosFailure: the disk has no room, or FFmpeg failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [
        Made(folder / f"{label}-{layout}.mp4".replace(" ", "-").replace(",", ""), label, layout, seconds)
        for label, seconds in LENGTHS.items()
        for layout in LAYOUTS
        if not (label == LARGE and (quick or layout in ("fragments, mfra", "fragments, no index")))
    ]
    missing = [made for made in wanted if not made.path.exists()]
    if missing:
        part = folder / PART_NAME
        _need(folder, sum(int(made.seconds * BYTES_A_SECOND) for made in missing))
        _encode_part(part)
        for made in missing:
            print(f"videos: copying {made.path.name}, {made.seconds:.0f} s of video", flush=True)
            loops = str(int(made.seconds // PART))
            _ffmpeg(
                made.path,
                *("-stream_loop", loops, "-i", str(part), "-t", f"{made.seconds:g}", "-c", "copy"),
                *LAYOUTS[made.layout],
            )
    return Videos(tuple(wanted), _eights(folder), _cmaf(folder), _blank(folder), cat if cat.exists() else None)


def _eights(folder: Path) -> tuple[Path, ...]:
    """Two frames of 7680x4320 in HEVC and in H.264: what one picture of that size costs in memory."""
    encoders = {
        "8k-hevc.mp4": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1"],
        "8k-h264.mp4": ["-c:v", "libx264", "-preset", "ultrafast"],
    }
    for name, encoder in encoders.items():
        if not (folder / name).exists():
            print(f"videos: encoding {name}", flush=True)
            source = "testsrc2=size=7680x4320:rate=25:duration=0.08"
            _ffmpeg(folder / name, *("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"), *encoder)
    return tuple(folder / name for name in encoders)


def _cmaf(folder: Path) -> Path:
    """Fragments of one frame each, as low-latency packagers write them; there is no index of them."""
    path = folder / "cmaf-low-latency.mp4"
    if not path.exists():
        _encode_part(folder / PART_NAME)
        flags = "frag_every_frame+empty_moov+default_base_moof+skip_trailer"
        length = ("-t", f"{CMAF_SECONDS:g}")
        _ffmpeg(path, "-i", str(folder / PART_NAME), *length, "-an", "-c", "copy", "-movflags", flags)
    return path


def _blank(folder: Path) -> Path:
    """Return a camera at night: nothing to see but noise, every frame a keyframe."""
    path = folder / "blank.mp4"
    if not path.exists():
        print(f"videos: encoding {path.name}", flush=True)
        second = folder / "blank-second.mp4"
        _ffmpeg(
            second,
            *("-f", "lavfi", "-i", "color=black:size=1280x720:rate=25:duration=1"),
            *("-vf", "noise=alls=14:allf=t:all_seed=7", "-pix_fmt", "yuv420p"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-g", "1", "-qp", "24"),
        )
        loops = str(BLANK_BYTES // second.stat().st_size)
        _ffmpeg(path, "-stream_loop", loops, "-i", str(second), "-c", "copy")
    return path


def moov_bytes(path: Path) -> int:
    """Return the size of an MP4's `moov` box, found on its top level (ISO/IEC 14496-12, 4.2); 0 without one."""
    with path.open("rb") as file:
        position, end = 0, path.stat().st_size
        while position + 8 <= end:
            file.seek(position)
            header = file.read(16)
            size = int.from_bytes(header[:4], "big")
            if size == 1:
                size = int.from_bytes(header[8:16], "big")
            if header[4:8] == b"moov":
                return size or end - position
            position += size or end
    return 0


def _need(folder: Path, content: int) -> None:
    free = shutil.disk_usage(folder).free
    # The longest download of the ways that download lies on the same disk.
    needed = content + BLANK_BYTES + int(max(LENGTHS.values()) * BYTES_A_SECOND)
    print(f"videos: {content / 1e9:.1f} GB to make in {folder}; free on its disk: {free / 1e9:.1f} GB", flush=True)
    if free < needed:
        raise VideosFailure(
            f"{folder} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed for the videos and one "
            "download: free some, name another folder with --folder, or leave the large ones out with --quick"
        )


def _encode_part(path: Path) -> None:
    if path.exists():
        return
    print(f"videos: encoding {PART:.0f} s of 1080p, about half a minute's work", flush=True)
    _ffmpeg(
        path,
        *("-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate=25:duration={PART:g}"),
        # A little less sound than pictures: with its lead-in it would make each loop longer, and keyframes would drift.
        *("-f", "lavfi", "-i", f"sine=frequency=220:sample_rate=48000:duration={PART - 0.1:g}"),
        # Noise, because a drawing alone has keyframes of a few kilobytes.
        *("-vf", "noise=alls=12:allf=t:all_seed=7", "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", f"{25 * GROUP_SECONDS:g}"),
        *("-keyint_min", f"{25 * GROUP_SECONDS:g}", "-sc_threshold", "0"),
        *("-b:v", "5030k", "-maxrate", "6M", "-bufsize", "12M", "-c:a", "aac", "-b:a", "96k"),
    )


def _ffmpeg(path: Path, *arguments: str) -> None:
    # Under another name until it is whole: an interrupted run leaves nothing that the next one would take for a video.
    unfinished = path.with_name(f"unfinished-{path.name}")
    command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments, str(unfinished)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise VideosFailure(f"{path.name} could not be made: FFmpeg: {done.stderr.strip().splitlines()[-1:]}")
    unfinished.rename(path)
