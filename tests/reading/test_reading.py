"""What the handler reads of an object, as the store counts it: bytes, requests, and rows of requests that wait for one
another. None of it depends on the machine."""

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.store import BUCKET, Fault, Object, Store
from pipeline import layout
from pipeline.demux.scan import SCAN_BYTES
from pipeline.source import BLOCK, EDGE, GAP, KIB, LARGEST_BLOCK
from tests.reading.reader import index_of, put, read, total

INDEXED = ["moov-last.mp4", "moov-first.mp4"]
LAYOUTS = [*INDEXED, "sidx.mp4", "mfra.mp4", "bare.mp4", "cues.mkv"]
# What moment is asked for, and by how many keyframes that may be answered.
POSITIONS = [
    ("auto", 12),
    ("0", 1),
    ("25%", 1),
    ("401", 1),
    ("99%", 1),
]


@pytest.mark.parametrize("position", ["auto", "25%", "7.4"])
def test_a_small_object_is_read_whole_by_one_request(slow_store: Store, videos: dict[str, Path], position: str) -> None:
    video = put(slow_store, videos["small.mp4"])
    made = read(slow_store, video, position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.ranges == [(0, video.size)]
    assert made.counted.gets == made.counted.chain == 1


@pytest.mark.parametrize(("position", "keyframes"), POSITIONS)
@pytest.mark.parametrize("name", INDEXED)
def test_of_a_large_object_the_ends_the_index_and_the_keyframes_are_read_in_three_rounds(
    slow_store: Store, videos: dict[str, Path], name: str, position: str, keyframes: int
) -> None:
    moov, places = index_of(videos[name])
    made = read(slow_store, put(slow_store, videos[name]), position)
    assert made.outcome.outcome == "made", made.outcome
    # An exact time needs what follows its keyframe too: at most the group of pictures.
    largest = max(after[0] - before[0] for before, after in pairwise(places))
    assert made.counted.chain <= 3
    assert made.counted.bytes <= 2 * EDGE + (moov[1] - moov[0]) + keyframes * (largest + GAP)


@pytest.mark.parametrize("position", ["auto", "0", "25%", "401"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_no_byte_is_read_twice(store: Store, videos: dict[str, Path], name: str, position: str) -> None:
    made = read(store, put(store, videos[name]), position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.bytes == total(made.ranges)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_the_handler_counts_is_what_the_store_counts(store: Store, videos: dict[str, Path], name: str) -> None:
    made = read(store, put(store, videos[name]))
    assert made.outcome.read.bytes == made.counted.bytes
    assert made.outcome.read.requests == made.counted.gets
    # It sees a request begin earlier and end later than the store does.
    assert made.outcome.read.chain <= made.counted.chain


@pytest.mark.parametrize(
    "position",
    [
        "auto",
        "25%",
        "401",
    ],
)
def test_keyframes_are_fetched_as_exact_ranges_and_together(
    slow_store: Store, videos: dict[str, Path], position: str
) -> None:
    path = videos["moov-last.mp4"]
    moov, keyframes = index_of(path)
    made = read(slow_store, put(slow_store, path), position)
    inner = [(start, end) for start, end in made.ranges if EDGE <= start < moov[0] - EDGE]
    starts = {start for start, _ in keyframes}
    assert inner
    assert {start for start, _ in inner} <= starts
    if position != "401":
        ends = {end for _, end in keyframes}
        assert all(end in ends for _, end in inner)
    spans = [(get.began, get.ended) for get in made.gets if get.range in inner]
    assert max(began for began, _ in spans) < min(ended for _, ended in spans)


def test_bytes_grow_with_the_index_and_not_with_the_object(
    slow_store: Store, videos: dict[str, Path], tmp_path: Path
) -> None:
    small = read(slow_store, put(slow_store, videos["moov-last.mp4"]), "25%")
    grown = tmp_path / "grown.mp4"
    content = videos["moov-last.mp4"].read_bytes()
    moov, _ = index_of(videos["moov-last.mp4"])
    # Unused bytes at the end of the samples: the index says the same of a file of five times the size.
    mdat = content.index(b"mdat") - 4
    more = 4 * len(content)
    size = int.from_bytes(content[mdat : mdat + 4], "big") + more
    grown.write_bytes(
        content[:mdat] + size.to_bytes(4, "big") + content[mdat + 4 : moov[0]] + bytes(more) + content[moov[0] :]
    )
    large = read(slow_store, put(slow_store, grown), "25%")
    assert large.outcome.outcome == "made", large.outcome
    assert large.counted.bytes == small.counted.bytes
    assert large.counted.gets == small.counted.gets
    assert large.counted.chain == small.counted.chain


@pytest.mark.parametrize("name", ["sidx.mp4", "mfra.mp4"])
@pytest.mark.parametrize(("position", "blocks"), [("auto", 12), ("25%", 1)])
def test_fragments_with_an_index_are_read_by_blocks_at_their_starts(
    slow_store: Store, videos: dict[str, Path], name: str, position: str, blocks: int
) -> None:
    made = read(slow_store, put(slow_store, videos[name]), position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.outcome.notes == ()
    # The head, what follows it, the first fragment which the demuxer opens with, then those that are wanted.
    assert made.counted.chain <= 5
    assert made.counted.bytes <= 2 * EDGE + layout.HOP + 2 * BLOCK + blocks * (BLOCK + GAP)


@pytest.mark.parametrize(
    "position",
    [
        "auto",
        "25%",
        "401",
    ],
)
def test_fragments_without_an_index_are_looked_for_as_far_as_a_limit_that_is_noted(
    store: Store, videos: dict[str, Path], position: str
) -> None:
    video = put(store, videos["bare.mp4"])
    made = read(store, video, position)
    assert made.outcome.outcome == "made", made.outcome
    assert any("no index" in note for note in made.outcome.notes)
    assert video.size is not None
    assert made.counted.bytes < video.size
    # A request for each fragment that is looked for, and those around them.
    assert made.counted.gets <= layout.HOPS + 12 + 8


@pytest.mark.parametrize(("position", "blocks"), [("auto", 12), ("25%", 1)])
def test_matroska_is_read_by_its_cues(slow_store: Store, videos: dict[str, Path], position: str, blocks: int) -> None:
    made = read(slow_store, put(slow_store, videos["cues.mkv"]), position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.outcome.notes == ()
    assert made.counted.chain <= 6
    assert made.counted.bytes <= 2 * EDGE + (blocks + 4) * (BLOCK + GAP)


ALL_OUTPUTS = {
    "THUMBNAIL_WIDTHS": "[160, 80]",
    "THUMBNAIL_STORYBOARD": "true",
    "THUMBNAIL_STORYBOARD_PLAYLIST": "true",
    "THUMBNAIL_PREVIEW": "webp",
    "THUMBNAIL_MANIFEST": "true",
    "THUMBNAIL_PLACEHOLDER": "true",
}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that are started, one after the other."""
    programs: list[str] = []

    class Counted(subprocess.Popen[bytes]):
        def __init__(self, arguments: list[str], **options: Any) -> None:
            programs.append(Path(arguments[0]).name)
            super().__init__(arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Counted)
    return programs


@pytest.mark.parametrize("position", ["auto", "401"])
@pytest.mark.parametrize("name", [*LAYOUTS, "small.mp4"])
def test_with_all_outputs_no_byte_is_read_twice_and_ffmpeg_is_started_once_for_each_kind(
    store: Store, videos: dict[str, Path], started: list[str], name: str, position: str
) -> None:
    made = read(store, put(store, videos[name]), position, outputs=ALL_OUTPUTS)
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.bytes == total(made.ranges)
    kinds = ("poster", "storyboard", "preview", "manifest")
    assert {image.kind for image in made.outcome.images} == set(kinds)
    # The manifest needs no pictures.
    assert len(started) == len(kinds) - 1
    assert all(program.startswith("ffmpeg") for program in started)


@pytest.mark.parametrize(("storyboard", "count"), [("false", 1), ("true", 2)])
def test_all_widths_come_out_of_one_run_of_ffmpeg(
    store: Store, videos: dict[str, Path], started: list[str], storyboard: str, count: int
) -> None:
    outputs = {"THUMBNAIL_WIDTHS": "[160, 80, 0, 40]", "THUMBNAIL_STORYBOARD": storyboard}
    made = read(store, put(store, videos["small.mp4"]), outputs=outputs)
    assert len([image for image in made.outcome.images if image.kind == "poster"]) == 4
    assert len(started) == count


@pytest.mark.parametrize("name", ["sidx.mp4", "mfra.mp4"])
def test_of_fragments_with_an_index_only_the_wanted_one_is_read(
    slow_store: Store, videos: dict[str, Path], name: str
) -> None:
    video = put(slow_store, videos[name])
    made = read(slow_store, video, "25%")
    assert made.outcome.outcome == "made", made.outcome
    # The demuxer is opened with what the first of them says of itself, without its pictures.
    first, wanted, last = made.ranges
    assert video.size is not None
    assert (first, last) == ((0, EDGE), (video.size - EDGE, video.size))
    assert wanted[1] - wanted[0] == BLOCK
    assert made.counted.chain == 2


def test_of_a_video_whose_picture_is_there_nothing_is_read(store: Store, videos: dict[str, Path]) -> None:
    video = put(store, videos["moov-last.mp4"])
    assert read(store, video).outcome.outcome == "made"
    # The function knows an event that it has had before.
    again = read(store, video, seen=True)
    assert again.outcome.outcome == "unchanged"
    assert [request.method for request in again.log] == ["HEAD"]


def test_of_a_video_that_is_new_the_object_is_read_while_its_picture_is_looked_for(
    slow_store: Store, videos: dict[str, Path]
) -> None:
    made = read(slow_store, put(slow_store, videos["small.mp4"]))
    looked, opened = (next(r for r in made.log if r.method == method) for method in ("HEAD", "GET"))
    assert opened.began < looked.ended


@pytest.mark.parametrize("name", [*LAYOUTS, "small.mp4"])
def test_every_read_asks_for_the_object_of_the_event(store: Store, videos: dict[str, Path], name: str) -> None:
    video = put(store, videos[name])
    made = read(store, video)
    assert made.gets
    assert {get.if_match for get in made.gets} == {video.etag}


@pytest.mark.parametrize("number", [0, 2, 3])
def test_an_object_that_is_overwritten_while_it_is_read_is_superseded(
    store: Store, videos: dict[str, Path], number: int
) -> None:
    video = put(store, videos["moov-last.mp4"])
    store.replacements[number] = Object.of_bytes(b"newer")
    made = read(store, video)
    assert made.outcome.outcome == "superseded", made.outcome
    assert not any(request.method == "PUT" for request in made.log)
    assert f"{BUCKET}/moov-last.jpg" not in store.objects


@pytest.mark.parametrize("kind", ["short", "reset"])
def test_a_read_that_breaks_off_is_resumed_where_it_broke(store: Store, videos: dict[str, Path], kind: str) -> None:
    video = put(store, videos["small.mp4"])
    after = 400_000
    store.faults[0] = Fault(kind, after)
    made = read(store, video)
    assert made.outcome.outcome == "made", made.outcome
    first, second = made.ranges
    # What a reader had in hand when the connection broke, it may have lost: a piece of at most 256 KiB.
    assert first == (0, after)
    assert after - 256 * KIB <= second[0] <= after
    assert second[1] == video.size


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("kind", ["short", "reset", "503", "SlowDown"])
def test_one_fault_costs_one_more_request(store: Store, videos: dict[str, Path], kind: str, number: int) -> None:
    video = put(store, videos["moov-last.mp4"])
    sound = read(store, video)
    del store.objects[f"{BUCKET}/moov-last.jpg"]
    store.faults[number] = Fault(kind, 1000)
    made = read(store, video)
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.gets == sound.counted.gets + 1
    assert total(made.ranges) == total(sound.ranges)
    assert made.counted.bytes <= sound.counted.bytes + 1000


def test_a_store_that_never_delivers_is_a_fault_that_is_raised(store: Store, videos: dict[str, Path]) -> None:
    video = put(store, videos["small.mp4"])
    store.faults.update({number: Fault("short", 10) for number in range(100)})
    with pytest.raises(Exception, match="could not be read"):
        read(store, video)


def test_more_than_the_limit_is_not_read(store: Store, videos: dict[str, Path]) -> None:
    made = read(store, put(store, videos["moov-last.mp4"]), read_limit=2 * EDGE)
    assert made.outcome.outcome == "rejected", made.outcome
    assert made.counted.bytes <= 2 * EDGE


def test_matroska_without_cues_is_read_from_the_start_as_far_as_a_limit_that_is_noted(
    store: Store, videos: dict[str, Path], tmp_path: Path
) -> None:
    video = put(store, _live(videos["cues.mkv"], tmp_path / "live.mkv", SCAN_BYTES * 3 // 2))
    made = read(store, video)
    assert made.outcome.outcome == "made", made.outcome
    assert any("no index" in note for note in made.outcome.notes)
    assert made.counted.bytes <= SCAN_BYTES + LARGEST_BLOCK + 2 * EDGE
    assert made.counted.bytes == total(made.ranges)


def _live(path: Path, live: Path, size: int) -> Path:
    """A recording that goes on and on: `path` without its cues and all that points to them, its clusters repeated."""
    content = path.read_bytes()
    first, cues = content.index(b"\x1f\x43\xb6\x75"), content.rindex(b"\x1c\x53\xbb\x6b")
    head, clusters = content[:first], content[first:cues]
    # The segment's length becomes unknown, and the list of places (SeekHead) a void element of the same length.
    segment = head.index(b"\x18\x53\x80\x67")
    places = head.index(b"\x11\x4d\x9b\x74")
    assert head[places + 4] & 0x80
    length = (head[places + 4] & 0x7F) + 3
    void = b"\xec" + bytes([0x80 | length]) + bytes(length)
    head = (
        head[: segment + 4] + b"\x01" + b"\xff" * 7 + head[segment + 12 : places] + void + head[places + 2 + length :]
    )
    with live.open("wb") as file:
        file.write(head)
        for _ in range(-(-size // len(clusters))):
            file.write(clusters)
    return live
