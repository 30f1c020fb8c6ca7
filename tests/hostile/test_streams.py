"""Spoiled streams, read by samples and by their indexes as large ones are: nothing is read again and again."""

import resource
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from model import Range, ReadPolicy, Settled
from tests.unit import test_riff
from worker.choose import pick
from worker.container import open_video
from worker.reader import Reader

from .mutate import mutant
from .seeds import FFMPEG

_NOISE = ("-f", "lavfi", "-i", "testsrc2=s=160x96:r=10:d=6,noise=alls=60:allf=t:all_seed=7")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-b:v", "1M", "-g", "10", "-bf", "2")
SEEDS: dict[str, tuple[str, ...]] = {
    "a.ts": (*_H264, "-f", "mpegts"),
    "a.m2ts": (*_H264, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "a.mpg": ("-c:v", "mpeg2video", "-b:v", "1M", "-r", "25", "-f", "vob"),
    "even.ts": (*_H264, "-s", "80x48", "-b:v", "400k", "-g", "4", "-f", "mpegts"),
    "a.flv": (*_H264, "-f", "flv"),
    "table.flv": (*_H264, "-f", "flv", "-flvflags", "add_keyframe_index"),
    "live.mkv": (*_H264, "-f", "matroska", "-live", "1"),
    "even.mkv": (*_H264, "-s", "80x48", "-b:v", "400k", "-g", "4", "-f", "matroska", "-live", "1"),
    "cues.mkv": (*_H264, "-f", "matroska"),
    "a.asf": ("-c:v", "wmv2", "-b:v", "1M", "-g", "10", "-f", "asf"),
    "a.ogv": ("-c:v", "libtheora", "-b:v", "1M", "-g", "10", "-f", "ogg"),
    "a.h264": (*_H264, "-f", "h264"),
    "a.avi": (*_H264, "-f", "avi"),
}
SMALL = ReadPolicy(
    whole=0, edge=16384, tail=16384, gap=0, block=16384, largest_block=65536, scan=65536, hop=4096, part=65536
)
MUTANTS = 150
BACKGROUND = 4 * 2**20
"""Bytes that may be read of a file beside a multiple of its size."""


class Counting:
    """An object in memory that is not read for ever."""

    def __init__(self, content: bytes) -> None:
        self._content, self.size = content, len(content)
        self.bytes = self.requests = 0

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, memoryview]]:
        for start, end in ranges:
            part = self._content[start:end]
            self.bytes += len(part)
            self.requests += 1
            assert self.bytes <= 4 * self.size + BACKGROUND, "it is read again and again"
            assert self.requests <= 3000, "it is read piece by piece"
            yield start, memoryview(part)


def stated(content: bytes, policy: ReadPolicy) -> str:
    """Return what becomes of a file, all ways to choose frames of it tried."""
    reader = Reader(Counting(content), policy)
    try:
        demuxer = open_video(reader, 12)
        index = demuxer.index
        for plan in (
            pick.exact(index, (index.duration or 0) * 0.6),
            pick.spread(index, 12, 2**25),
            pick.stretches(index, 50, 4, 2**25),
            pick.exact(index, 1e9),
        ):
            for run in demuxer.read(plan):
                assert len(run.packets) == len(run.shown)
                assert run.start >= 0
        demuxer.close()
    except Settled as settled:
        return settled.outcome if settled.reason else "without a reason"
    return "made"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder: Path = tmp_path_factory.mktemp("streams")
    made = {"indexes.avi": test_riff.opendml()}
    for name, options in SEEDS.items():
        command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", *_NOISE, "-pix_fmt", "yuv420p", *options]
        subprocess.run([*command, str(folder / name)], check=True, timeout=60)
        made[name] = (folder / name).read_bytes()
    made["joined.ts"] = made["a.ts"][100:] + made["a.ts"]
    made["unfinished.avi"] = made["a.avi"][: made["a.avi"].rindex(b"idx1")]
    return made


def test_good_ones_are_shown(seeds: dict[str, bytes]) -> None:
    assert {name: stated(content, SMALL) for name, content in seeds.items() if name != "indexes.avi"} == dict.fromkeys(
        seeds.keys() - {"indexes.avi"}, "made"
    )


@pytest.mark.parametrize("policy", [SMALL, ReadPolicy()], ids=["by samples", "whole"])
def test_spoiled_ones_are_shown_or_rejected_with_a_reason(seeds: dict[str, bytes], policy: ReadPolicy) -> None:
    # What is cut to less than the policy's `scan` is read from its start, and not by samples.
    outcomes = [stated(mutant(number, seeds, 2**21).content, policy) for number in range(MUTANTS)]
    assert set(outcomes) <= {"made", "rejected", "skipped"}
    assert outcomes.count("made") > MUTANTS / 2


def test_an_index_of_two_million_frames_is_read_within_bounds() -> None:
    places = range(4, 2**25, 16)
    index = test_riff.chunk(b"idx1", *(b"00dc" + struct.pack("<III", 0x10, place, 1) for place in places))
    content = test_riff.avi(test_riff.header(test_riff.stream()), test_riff.movi([b"x"])[0], index)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert stated(content, ReadPolicy()) in ("made", "rejected")
    assert time.process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20
