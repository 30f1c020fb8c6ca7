"""The figures as a page: what must be reached and what is, all that was measured, what memory buys, what it costs."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import videos
from benchmarks.cases import LONG_TAIL, MEMORY, SIZES_MB, TAIL
from benchmarks.figures import Figures
from benchmarks.limits import MB, Measured, mb, rows
from benchmarks.measure import PERIOD
from benchmarks.videos import LARGE
from benchmarks.ways import FFMPEG, MEMORY_MB, PACKAGED_FFMPEG, WIDTH
from standin_s3.pace import AS_S3, WITH_TAIL

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


def written(measured: Measured) -> str:
    """Return the page."""
    missed = _unreached(measured)
    parts = [
        "# Benchmark",
        "Written by `make bench`; do not edit it by hand. Ratios, bytes, requests and connections are what to look at:"
        " seconds are those of the machine below, and of its load at that time. TLS, one processor,"
        f" {AS_S3.latency * 1000:.0f} ms a request, warm, each call a new object.",
        f"A quick run: without the videos of {LARGE}, which most of the limits speak of." if measured.quick else "",
        "## What must be reached",
        _table(
            ("work", "what", "limit", "measured", "reached"),
            [
                (row.work, row.what, row.limit, row.measured, "yes" if row.reached else "**no**")
                for row in rows(measured)
            ],
        ),
        _TWO_FFMPEGS if PACKAGED_FFMPEG else "",
        f"Not reached, and why:\n\n{missed}" if missed else "",
        "A chain is the longest row of GETs each of which began after the one before it had ended, as the S3 stand-in"
        " sees it. Like all figures it is the median of the repetitions.",
        "![bytes read against the size of the object](benchmark-bytes.svg)\n"
        "![time against the size of the object](benchmark-time.svg)\n"
        "![peak memory against the size of the object](benchmark-memory.svg)",
        "## All figures",
        "Ratios are to FFmpeg, the image's own, on a presigned URL (`-ss` before `-i`) at the same place in the video,"
        " in the same run.",
        _all(measured),
        "## When some requests are late",
        f"Of all requests {WITH_TAIL.tail_share:.0%} take {WITH_TAIL.tail * 1000:.0f} ms more, or 2% take 500 ms more.",
        _tails(measured),
        "## What memory buys",
        f"The same posters, `auto`, by functions of less and more memory. Each has the share of a processor that Lambda"
        f" gives it, its memory over {MEMORY_MB} MB, by the kernel's control groups in periods of {PERIOD // 1000} ms."
        " Dollars are for a million.",
        _memory(measured),
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


def cost(figures: Figures, memory_mb: int = MEMORY_MB) -> float:
    """US dollars for a million videos: Lambda's time and memory, the invocation, S3's requests, storage for a download.

    Traffic between S3 and Lambda in one region is free. Time is this machine's.
    """
    storage = max(0, figures.bytes - FREE_STORAGE) / 1e9 if figures.way == "download" else 0.0
    one = figures.wall * (memory_mb / 1024 * GB_SECOND + storage * STORAGE_GB_SECOND)
    # All but the last request read: the picture is put, unless it is there.
    puts = 0 if figures.way == "unchanged" else 1
    return 1e6 * (one + INVOCATION + (figures.requests - puts) * GET + puts * PUT)


_TWO_FFMPEGS = (
    "Times beside FFmpeg are given twice. The limits are older than this table: they were set beside what systems"
    " package, which loads some 200 shared libraries when it starts and waits longer at its connections. The image's"
    " own is one file, and a newer version; beside it the same limits are harder."
)
"""Why most times have two rows."""
_REASONS = {
    "cat, auto": "the clip is one GOP, and `auto` decodes 32 of its 58 frames (no other frame refers to the rest): the"
    " whole cat is not seen before the second half. FFmpeg's decoder alone takes half of the processor time for that,"
    " mostly for entropy decoding; without the loop filter it would take a sixth less. Its requests are those of 10%,"
    " so TLS adds as much; where its own ratio is higher, decoding took longer in that run.",
    "cat, 10%": "60 ms of it are two rounds of requests, and most of the rest is FFmpeg, which has to start and to"
    " decode six frames (198 kB).",
    "200 MB, index first, auto": "twelve keyframes together take FFmpeg half of the processor time, again mostly for"
    " entropy decoding; the other ways decode one.",
    "4.6 GB, index last, auto": "twelve keyframes as of 200 MB, and the index of 6.45 MB, which FFmpeg reads as well.",
    "4.6 GB, index last, exact": "the frames of half a GOP are decoded either way, which takes most of the time.",
    "poster and storyboard of 100 tiles, 4.6 GB": "the index takes three rounds and the poster one; the ranges of the"
    " 100 tiles are asked for together, but one processor has to send and receive them, on 48 connections at most:"
    " some begin when others have ended. The processor time is that of decoding 112 keyframes.",
    "95th percentile with 2% of requests 500 ms late, beside the median without": "two of the rounds can be late in"
    " one call, and a late PUT is not sent a second time.",
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


def _all(measured: Measured) -> str:
    lines = []
    for each in measured.figures:
        if _is_of_a_tail(each) or each.group.startswith(MEMORY):
            continue
        base = measured.one(each.group, "URL exact" if "exact" in each.way else "URL 10%")
        if each.group.endswith("storyboard"):
            base = measured.one(each.group, "keyframe scan")
        lines.append(
            (
                each.group,
                NAMES.get(each.way, each.way),
                f"{each.wall / base.wall:.2f}" if base else "",
                mb(each.bytes, 3),
                f"{each.bytes / each.object_bytes:.2%}",
                str(each.requests),
                str(each.gets),
                str(each.chain),
                str(each.connections),
                mb(each.peak, 0),
                str(each.runs),
                f"{each.cpu:.2f}",
                f"{each.wall:.3f} ({each.fastest:.3f} to {each.slowest:.3f})",
            )
        )
    header = ("video", "way", "time, ratio", "read", "of the object", "requests", "GETs", "chain", "connections opened")
    return _table((*header, "peak memory", "runs", "CPU s", "seconds on this machine"), lines)


NAMES = {
    "auto": "this handler, auto",
    "10%": "this handler, 10%",
    "exact": "this handler, exact time",
    "auto, plain": "this handler, auto, without TLS",
    "10%, plain": "this handler, 10%, without TLS",
    "exact, plain": "this handler, exact time, without TLS",
    "storyboard": "this handler, auto and 100 tiles",
    "URL 10%": "FFmpeg on the URL, 10%",
    "URL 10%, verified": "FFmpeg on the URL, 10%, verifying the certificate",
    "URL 10%, packaged": "the system's FFmpeg on the URL, 10%",
    "URL exact": "FFmpeg on the URL, exact time",
    "URL exact, packaged": "the system's FFmpeg on the URL, exact time",
    "download": "AWS CLI, `-ss` after `-i` 10%, upload",
    "keyframe scan": "FFmpeg on the URL, all keyframes",
    "ffmpegthumbnailer": "ffmpegthumbnailer on the URL, 10%",
    "unchanged": "this handler, nothing to do",
}


def _is_of_a_tail(each: Figures) -> bool:
    return each.group.endswith((TAIL, LONG_TAIL))


def _tails(measured: Measured) -> str:
    lines = []
    for each in filter(_is_of_a_tail, measured.figures):
        group = each.group.removesuffix(f", {TAIL}").removesuffix(f", {LONG_TAIL}")
        usual = measured.one(group, each.way)
        without = (f"{usual.wall:.3f}", f"{each.late / usual.wall:.2f}") if usual else ("", "")
        times = (f"{each.wall:.3f}", f"{each.late:.3f}", f"{each.slowest:.3f}")
        lines.append((each.group, NAMES[each.way], *times, *without, str(each.runs)))
    seconds = ("median, s", "95th percentile, s", "slowest, s", "median without, s", "95th beside it")
    return _table(("video", "way", *seconds, "runs"), lines)


def _memory(measured: Measured) -> str:
    names = dict.fromkeys(each.way for each in measured.figures if each.group.startswith(MEMORY))
    lines = []
    for size in SIZES_MB:
        found = [measured.one(f"{MEMORY} {size}", name) for name in names]
        cells = [f"{each.wall:.3f} s, ${cost(each, size):,.2f}" if each else "" for each in found]
        lines.append((f"{size} MB", f"{size / MEMORY_MB:.2f}", *cells))
    return _table(("memory", "processors", *names), lines)


def _costs(measured: Measured) -> str:
    lines = []
    for each in measured.figures:
        if each.way not in ("auto", "unchanged") or _is_of_a_tail(each):
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
        for each in measured.videos.made
        if each.layout == "index first"
    )
    cold = "".join(
        f"\n* Cold start on {start.processors} processor(s): `docker run` to the first answer, {start.runs} times in"
        f" turn with an empty Python handler on the same base; medians of this image {start.image:.2f} s, of the empty"
        f" one {start.empty:.2f} s."
        for start in (measured.image.starts if measured.image else ())
    )
    return f"""\
* Machine: {os.cpu_count()} cores ({_processor()}), {int(memory[1]) / 1e6 if memory else 0:.0f} GB, Linux \
{platform.release().split("-")[0]}; Python {platform.python_version()}, FFmpeg {ffmpeg}, PyAV {version("av")}, \
boto3 {version("boto3")}, AWS CLI 1 ({_pinned("awscli")}).
* S3: `standin_s3` in a process and on a processor of its own, {AS_S3.latency * 1000:.0f} ms before each first byte, \
{AS_S3.rate / 1e6:.0f} MB/s a connection, TLS with an RSA certificate; clients trust all authorities that botocore \
trusts, and one more. It counts bytes (as handed to the connection), requests, chains and connections itself.
* All else runs on one processor: the handler with all of its processes and the emulator, and every other way.
* This handler: in AWS's Runtime Interface Emulator with the Runtime Interface Client, as processes, warm; each call
  takes in HEAD and PUT of the picture, the fork of its job and the emulator's own time.
* The other ways: FFmpeg is the image's binary, or the system's ({_packaged()}). It verifies no certificate where
  nothing else is said: to read all authorities anew for each connection takes it longer. ffmpegthumbnailer is the
  system's. What they write is put by an S3 client that is warm already, except for the public example's, which is
  three commands.
* A handler that has not done a work for more than 5 s does it three times before it is measured.
* Each way was warmed up and then repeated in turn with the others of its video; medians are shown. Pictures are {WIDTH}
  pixels wide.
* CPU is user and system time of the whole tree of processes, ended children included, without the emulator.
* Peak memory is the largest sum of proportional set sizes (`/proc/PID/smaps_rollup`) over the tree, sampled about every
  5 ms, in runs of its own whose times do not count (of ways that take over 10 s, in those that do).
* Videos: 1080p H.264, 25 pictures and 645 KB a second, a keyframe every 10 s, AAC; {made}. Exact times lie half-way
  between two keyframes. `cat.mp4` is that of the Pulumi examples (0.68 MB, 1440x810){
        "" if measured.videos.cat else ", which was not there"
    }.{cold}

Again: `make bench`; without the two-hour videos: `python -m benchmarks --quick`."""


def _packaged() -> str:
    if PACKAGED_FFMPEG is None:
        return "which was not there"
    first = subprocess.run([PACKAGED_FFMPEG, "-version"], capture_output=True, text=True).stdout.splitlines()[0]
    return first.removeprefix("ffmpeg version ").partition(" ")[0]


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _pinned(package: str) -> str:
    text = (Path(__file__).resolve().parent.parent / "requirements-bench.txt").read_text()
    found = re.search(rf"^{package}==(\S+)", text, re.MULTILINE)
    return found[1] if found else "not pinned"


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
