"""The figures as a page: what must be reached and what is, all that was measured, what a million videos cost."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from benchmarks import videos
from benchmarks.containers import Image
from benchmarks.figures import Figures
from benchmarks.store import LATENCY, RATE
from benchmarks.videos import LARGE, Made
from benchmarks.ways import FFMPEG, MEMORY_MB, WIDTH

MB = 1_000_000

# Prices in US dollars, us-east-1, x86, first tier: https://aws.amazon.com/lambda/pricing/ and
# https://aws.amazon.com/s3/pricing/ (S3 Standard).
GB_SECOND = 0.0000166667
INVOCATION = 0.20 / 1e6
STORAGE_GB_SECOND = 0.0000000309
"""Of `/tmp` beyond the 512 MB that are free."""
GET = 0.0004 / 1000
"""GET, HEAD and all others but the next."""
PUT = 0.005 / 1000
FREE_STORAGE = 512 * MB

# What the limits are reckoned with, beside the index: one keyframe with the ends of the object that are read first.
KEYFRAME = 3 * MB


@dataclass(frozen=True)
class Measured:
    """All that was measured."""

    figures: tuple[Figures, ...]
    image: Image | None
    videos: tuple[Made, ...]
    cat: bool
    """Whether the reference video was there."""
    quick: bool

    def one(self, group: str, way: str) -> Figures | None:
        """The figures of a way in a group, if it was measured."""
        return next((each for each in self.figures if (each.group, each.way) == (group, way)), None)


@dataclass(frozen=True)
class Row:
    """A limit, and what was measured."""

    work: str
    what: str
    limit: str
    measured: str
    reached: bool


def rows(measured: Measured) -> list[Row]:
    """Every limit that could be measured."""
    return [
        *_cat(measured),
        *_large(measured),
        *_storyboard(measured),
        *_eights(measured),
        *_growth(measured),
        *_unchanged(measured),
        *_image(measured.image),
    ]


def _cat(measured: Measured) -> list[Row]:
    work = "poster of cat.mp4"
    auto = measured.one("cat", "auto")
    if auto is None:
        return []
    return [
        Row(
            work, "bytes", "1 × the object", f"{auto.bytes / auto.object_bytes:.2f} ×", auto.bytes == auto.object_bytes
        ),
        Row(work, "chain", "1", str(auto.chain), auto.chain <= 1),
        *_ratio(work, "time beside download, seek, upload", auto, measured.one("cat", "download"), 1 / 6),
        *_ratio(work, "time beside FFmpeg on the URL", auto, measured.one("cat", "URL 10%"), 0.6),
        *_same_picture(measured, f"{work}, the picture at 10% that the others make"),
    ]


def _same_picture(measured: Measured, work: str) -> list[Row]:
    tenth = measured.one("cat", "10%")
    if tenth is None:
        return []
    return [
        *_ratio(work, "time beside download, seek, upload", tenth, measured.one("cat", "download"), 1 / 6),
        *_ratio(work, "time beside FFmpeg on the URL", tenth, measured.one("cat", "URL 10%"), 0.6),
    ]


def _ratio(work: str, what: str, ours: Figures, theirs: Figures | None, limit: float) -> list[Row]:
    if theirs is None:
        return []
    ratio = ours.wall / theirs.wall
    return [Row(work, what, f"{limit:.2f} ×", f"{ratio:.2f} ×", ratio <= limit)]


def _large(measured: Measured) -> list[Row]:
    group = f"{LARGE} moov-last"
    auto, tenth, exact = (measured.one(group, way) for way in ("auto", "10%", "exact"))
    if auto is None or tenth is None or exact is None:
        return []
    moov, keyframes, largest_group = _index(_video(measured, LARGE))
    work = f"poster of the {LARGE} video"
    result = []
    for name, figures, further, text in (
        ("nearest keyframe", tenth, 0, "moov + 3 MB"),
        ("exact time", exact, largest_group, "moov + 3 MB + 1 GOP"),
        ("auto", auto, 12 * sum(keyframes) // len(keyframes), "moov + 3 MB + 12 keyframes"),
    ):
        limit = moov + KEYFRAME + further
        result += [
            Row(f"{work}, {name}", "bytes", f"{text} = {_mb(limit)}", _mb(figures.bytes), figures.bytes <= limit),
            Row(f"{work}, {name}", "chain", "4", str(figures.chain), figures.chain <= 4),
            Row(f"{work}, {name}", "peak memory", "350 MB", _mb(figures.peak, 0), figures.peak < 350 * MB),
        ]
    url, at_exact, other = (measured.one(group, way) for way in ("URL 10%", "URL exact", "ffmpegthumbnailer"))
    result += _ratio(f"{work}, auto", "time beside FFmpeg on the URL at 10%", auto, url, 0.8)
    result += _ratio(f"{work}, exact time", "time beside FFmpeg on the URL at that time", exact, at_exact, 1.0)
    result += _ratio(f"{work}, nearest keyframe", "time beside ffmpegthumbnailer", tenth, other, 1.1)
    if other is not None:
        share = tenth.bytes / other.bytes
        what = "bytes beside ffmpegthumbnailer"
        result.append(Row(f"{work}, nearest keyframe", what, "0.50 ×", f"{share:.2f} ×", share <= 0.5))
    return result


def _storyboard(measured: Measured) -> list[Row]:
    # In a quick run the largest video is not the one that the limits speak of.
    group = f"{LARGE} storyboard"
    ours, scan = measured.one(group, "storyboard"), measured.one(group, "keyframe scan")
    if ours is None:
        return []
    work = f"storyboard of 100 tiles of the {LARGE} video"
    moov, keyframes, _ = _index(_video(measured, LARGE))
    limit = int((moov + 100 * sum(keyframes) / len(keyframes)) * 1.25)
    share = ours.bytes / ours.object_bytes
    return [
        Row(work, "bytes", f"(moov + 100 keyframes) + 25% = {_mb(limit)}", _mb(ours.bytes), ours.bytes <= limit),
        Row(work, "share of the object", "1%", f"{share:.2%}", share < 0.01),
        Row(work, "chain", "10", str(ours.chain), ours.chain <= 10),
        *_ratio(work, "time beside a keyframe scan", ours, scan, 0.1),
        Row(work, "CPU", "2.5 s", f"{ours.cpu:.2f} s", ours.cpu <= 2.5),
    ]


def _eights(measured: Measured) -> list[Row]:
    found = [(name, measured.one(f"8k-{name.lower().replace('.', '')}", "auto")) for name in ("HEVC", "H.264")]
    return [
        Row(f"one frame of 8K {name}", "peak memory", "700 MB", _mb(each.peak, 0), each.peak < 700 * MB)
        for name, each in found
        if each is not None
    ]


def _growth(measured: Measured) -> list[Row]:
    result = []
    for way in ("auto", "10%"):
        small, large = measured.one("10 MB moov-last", way), measured.one(f"{LARGE} moov-last", way)
        if small is None or large is None:
            continue
        index, keyframes, _ = _index(_video(measured, LARGE))
        index -= _index(_video(measured, "10 MB"))[0]
        # `auto` has a dozen keyframes to choose from in the one and two in the other.
        room = (12 if way == "auto" else 1) * max(keyframes)
        grown = large.bytes - small.bytes
        work = f"from 10 MB to {LARGE}, {way}"
        ratio = large.peak / small.peak
        limit = f"the index's {_mb(index)}, and {_mb(room)} of keyframes"
        result += [
            Row(work, "more bytes", limit, _mb(grown), grown <= index + room),
            Row(work, "chain", f"{small.chain}, as of the small one", str(large.chain), large.chain <= small.chain),
            Row(work, "peak memory", "1.5 ×", f"{ratio:.2f} ×", ratio <= 1.5),
        ]
    return result


def _unchanged(measured: Measured) -> list[Row]:
    found = measured.one("unchanged", "unchanged")
    if found is None:
        return []
    work = "warm call, unchanged object"
    beyond = (found.wall - LATENCY) * 1000
    return [
        Row(work, "bytes", "headers only", f"{found.bytes} B in {found.gets} GETs", found.bytes == found.gets == 0),
        Row(work, "requests", "1", str(found.requests), found.requests <= 1),
        Row(work, "time beyond the request", "50 ms", f"{beyond:.0f} ms", beyond < 50),
    ]


def _image(image: Image | None) -> list[Row]:
    if image is None:
        return []
    return [
        Row("cold start", "over an empty handler", "0.8 s", f"{image.over_empty:.2f} s", image.over_empty <= 0.8),
        Row("image", "over the base", "320 MB", _mb(image.over_base, 0), image.over_base <= 320 * MB),
    ]


def _video(measured: Measured, label: str) -> Path:
    return next(each.path for each in measured.videos if (each.label, each.layout) == (label, "moov-last"))


def _index(path: Path) -> tuple[int, list[int], int]:
    """Of a video: the bytes of its `moov`, those of each keyframe, and those of its largest group of pictures."""
    import av  # of the image's requirements; needed here alone

    with av.open(str(path)) as container:
        entries = [(entry.pos, entry.size, entry.is_keyframe) for entry in container.streams.video[0].index_entries]
    starts = [position for position, _, is_keyframe in entries if is_keyframe]
    groups = [after - before for before, after in pairwise(starts)]
    return videos.moov_bytes(path), [size for _, size, is_keyframe in entries if is_keyframe], max(groups)


def cost(figures: Figures, memory_mb: int = MEMORY_MB) -> float:
    """US dollars for a million videos: Lambda's time and memory, the invocation, S3's requests, storage for a download.

    Traffic between S3 and Lambda in one region is free. Time is this machine's.
    """
    storage = max(0, figures.bytes - FREE_STORAGE) / 1e9 if figures.way == "download" else 0.0
    one = figures.wall * (memory_mb / 1024 * GB_SECOND + storage * STORAGE_GB_SECOND)
    # All but the last request read: the picture is put, unless it is there.
    puts = 0 if figures.way == "unchanged" else 1
    return 1e6 * (one + INVOCATION + (figures.requests - puts) * GET + puts * PUT)


def written(measured: Measured) -> str:
    """The page."""
    parts = [
        "# Benchmark",
        "Written by `make bench`; do not edit it by hand. Ratios, bytes and requests are what to look at: seconds are"
        " those of the machine below, and of its load at that time.",
        _figures_of_note(measured),
        "## What must be reached",
        _table(
            ("work", "what", "limit", "measured", "reached"),
            [
                (row.work, row.what, row.limit, row.measured, "yes" if row.reached else "**no**")
                for row in rows(measured)
            ],
        ),
        f"Not reached, and why:\n\n{_unreached(measured)}" if _unreached(measured) else "",
        "A chain is the longest row of GETs each of which began after the one before it had ended, as the store sees"
        " it. Like all figures it is the median of the repetitions.",
        "![bytes read against the size of the object](benchmark-bytes.svg)\n"
        "![time against the size of the object](benchmark-time.svg)\n"
        "![peak memory against the size of the object](benchmark-memory.svg)",
        "## All figures",
        "Ratios are to FFmpeg on a presigned URL (`-ss` before `-i`) at the same place in the video, in the same run.",
        _all(measured),
        "## What a million videos cost",
        f"US dollars, us-east-1, x86, Lambda at {MEMORY_MB} MB for every way: ${GB_SECOND:.10f} a GB-second and"
        f" ${INVOCATION * 1e6:.2f} a million invocations (https://aws.amazon.com/lambda/pricing/), ${GET * 1e3:.4f} a"
        f" thousand GETs and HEADs and ${PUT * 1e3:.3f} a thousand PUTs (https://aws.amazon.com/s3/pricing/), and for a"
        f" download over {FREE_STORAGE // MB} MB ${STORAGE_GB_SECOND:.10f} a GB-second of `/tmp`. The seconds are those"
        " measured here.",
        _costs(measured),
        "## What was measured, and how",
        _method(measured),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_REASONS = {
    "poster of cat.mp4": "Its one keyframe is its first picture, paving stones and two paws, and `auto` looks at all of"
    " its two seconds to find the cat. Of the time at 10%, half is two rounds"
    " of requests: the object, read while it is asked for its images, and the PUT.",
    "bytes beside ffmpegthumbnailer": "The index alone is most of what ffmpegthumbnailer reads.",
    "chain": "While an index fits into what is read first of either end, one round fewer is needed; from there on the"
    " chain is the same for any size.",
}
"""Why a limit is out of reach, by its work or by what it limits."""


def _unreached(measured: Measured) -> str:
    """Why, of all that is not reached."""
    missed = [row for row in rows(measured) if not row.reached]
    reasons = {
        key: reason
        for key, reason in _REASONS.items()
        if any(row.work.startswith(key) or row.what == key for row in missed)
    }
    return "\n".join(f"* {key}: {reason}" for key, reason in reasons.items())


def _figures_of_note(measured: Measured) -> str:
    if measured.quick:
        return f"A quick run: without the videos of {LARGE}, which most of the limits speak of."
    return ""


def _all(measured: Measured) -> str:
    lines = []
    for each in measured.figures:
        base = measured.one(each.group, "URL exact" if "exact" in each.way else "URL 10%")
        if each.group.endswith("storyboard"):
            base = measured.one(each.group, "keyframe scan")
        times = f"{each.wall / base.wall:.2f}" if base else ""
        share = f"{each.bytes / each.object_bytes:.2%}"
        lines.append(
            (
                each.group,
                NAMES.get(each.way, each.way),
                times,
                _mb(each.bytes, 3),
                share,
                str(each.requests),
                str(each.gets),
                str(each.chain),
                f"{each.wall:.3f} ({each.fastest:.3f} to {each.slowest:.3f})",
                f"{each.cpu:.2f}",
                _mb(each.peak, 0),
                str(each.runs),
            )
        )
    header = ("video", "way", "time, ratio", "read", "of the object", "requests", "GETs", "chain")
    return _table((*header, "seconds on this machine", "CPU s", "peak memory", "runs"), lines)


NAMES = {
    "auto": "this handler, auto",
    "10%": "this handler, 10%",
    "exact": "this handler, exact time",
    "storyboard": "this engine, 100 tiles",
    "URL 10%": "FFmpeg on the URL, 10%",
    "URL exact": "FFmpeg on the URL, exact time",
    "download": "AWS CLI, `-ss` after `-i` 10%, upload",
    "keyframe scan": "FFmpeg on the URL, all keyframes",
    "ffmpegthumbnailer": "ffmpegthumbnailer on the URL, 10%",
    "unchanged": "this handler, nothing to do",
}


def _costs(measured: Measured) -> str:
    lines = []
    for each in measured.figures:
        if each.way not in ("auto", "unchanged"):
            continue
        example = measured.one(each.group, "download")
        others = (f"{cost(example):,.2f}", f"{cost(example) / cost(each):.1f} ×") if example else ("", "")
        lines.append((each.group, f"{cost(each):,.2f}", *others))
    return _table(("video", "this handler, auto", "public example", "times as much"), lines)


def _method(measured: Measured) -> str:
    ffmpeg = subprocess.run([FFMPEG, "-version"], capture_output=True, text=True).stdout.splitlines()[0].split()[2]
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    made = ", ".join(
        f"{each.label} ({each.bytes / MB:,.1f} MB, moov {videos.moov_bytes(each.path) / MB:.2f} MB)"
        for each in measured.videos
        if each.layout == "moov-last"
    )
    image = measured.image
    cold = ""
    if image is not None:
        cold = (
            f"\n* Cold start: `docker run` to the first answer, {len(image.cold)} times in turn with an empty Python"
            f" handler on the same base; medians of this image {sorted(image.cold)[len(image.cold) // 2]:.2f} s, of the"
            f" empty one {sorted(image.empty)[len(image.empty) // 2]:.2f} s."
        )
    return f"""\
* Machine: {os.cpu_count()} cores ({_processor()}), {int(memory[1]) / 1e6 if memory else 0:.0f} GB, Linux \
{platform.release().split("-")[0]}; Python {platform.python_version()}, FFmpeg {ffmpeg}, PyAV {version("av")}, \
boto3 {version("boto3")}, AWS CLI 1 ({_pinned("awscli")}).
* Store: an S3 of this machine in a process of its own, {LATENCY * 1000:.0f} ms before each first byte, \
{RATE / 1e6:.0f} MB/s a connection; no TLS. It counts bytes (as handed to the connection), requests and chains itself.
* This handler: in AWS's Runtime Interface Emulator with the Runtime Interface Client, as processes, warm; each call
  takes in HEAD and PUT of the picture, the fork of its job and the emulator's own time.
* The other ways: FFmpeg is the same binary; ffmpegthumbnailer is Debian's, with Debian's libraries. What they write is
  put by an S3 client that is warm already, except for the public example's, which is three commands.
* Each way was warmed up and then repeated in turn with the others of its video; medians are shown. Pictures are {WIDTH}
  pixels wide.
* CPU is user and system time of the whole tree of processes, ended children included, without the emulator.
* Peak memory is the largest sum of proportional set sizes (`/proc/PID/smaps_rollup`) over the tree, sampled about every
  5 ms, in runs of its own whose times do not count (of ways that take over 10 s, in those that do).
* Videos: 1080p H.264, 25 pictures and 645 KB a second, a keyframe every 10 s, AAC; {made}. Exact times lie half-way
  between two keyframes. `cat.mp4` is that of the Pulumi examples (0.68 MB, 1440x810){
        "" if measured.cat else ", which was not there"
    }.{cold}

Again: `make bench`; without the two-hour videos: `python -m benchmarks --quick`."""


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _pinned(package: str) -> str:
    text = (Path(__file__).resolve().parent.parent / "requirements-bench.txt").read_text()
    found = re.search(rf"^{package}==(\S+)", text, re.MULTILINE)
    return found[1] if found else "not pinned"


def _mb(count: int, digits: int = 2) -> str:
    return f"{count / MB:,.{digits}f} MB"


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
