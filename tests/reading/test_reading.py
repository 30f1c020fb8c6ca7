"""What the handler reads of an object, as the store counts it: bytes, requests, and rows of requests that wait for one
another. None of it depends on the machine."""

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from model import KIB, ReadPolicy, Wanted
from position import Position
from standin_s3.faults import Fault
from standin_s3.s3 import S3
from tests.reading.reader import Read, index_of, put, read, read_until, total, within, work

POLICY = ReadPolicy()
ENDS = POLICY.edge + POLICY.tail
"""Bytes that are read first of a large object."""
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
def test_a_small_object_is_read_whole_by_one_request(store: S3, videos: dict[str, Path], position: str) -> None:
    video = put(store, videos["small.mp4"])
    made = read_until(within(1), store, video, position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.ranges == [(0, video.size)]
    assert made.counted.gets == made.counted.chain == 1


@pytest.mark.parametrize(("position", "keyframes"), POSITIONS)
@pytest.mark.parametrize("name", INDEXED)
def test_of_a_large_object_the_ends_the_index_and_the_keyframes_are_read_in_three_rounds(
    store: S3, videos: dict[str, Path], name: str, position: str, keyframes: int
) -> None:
    moov, places = index_of(videos[name])
    made = read_until(within(3), store, put(store, videos[name]), position)
    assert made.outcome.outcome == "made", made.outcome
    # An exact time needs what follows its keyframe too: at most the group of pictures.
    largest = max(after[0] - before[0] for before, after in pairwise(places))
    assert made.counted.chain <= 3
    assert made.counted.bytes <= ENDS + (moov[1] - moov[0]) + keyframes * (largest + POLICY.gap)


@pytest.mark.parametrize("position", ["auto", "0", "25%", "401"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_no_byte_is_read_twice(store: S3, videos: dict[str, Path], name: str, position: str) -> None:
    made = read(store, put(store, videos[name]), position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.bytes == total(made.ranges)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_the_handler_counts_is_what_the_store_counts(store: S3, videos: dict[str, Path], name: str) -> None:
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
def test_keyframes_are_fetched_as_exact_ranges_and_together(store: S3, videos: dict[str, Path], position: str) -> None:
    path = videos["moov-last.mp4"]
    moov, keyframes = index_of(path)

    def inside(made: Read) -> list[tuple[int, int]]:
        return [(start, end) for start, end in made.ranges if POLICY.edge <= start < moov[0] - POLICY.tail]

    def together(made: Read) -> bool:
        spans = [(get.began, get.ended) for get in made.gets if get.range in inside(made)]
        return max(began for began, _ in spans) < min(ended for _, ended in spans)

    made = read_until(together, store, put(store, path), position)
    inner = inside(made)
    starts = {start for start, _ in keyframes}
    assert inner
    assert {start for start, _ in inner} <= starts
    if position != "401":
        ends = {end for _, end in keyframes}
        assert all(end in ends for _, end in inner)
    assert together(made)


def test_bytes_grow_with_the_index_and_not_with_the_object(store: S3, videos: dict[str, Path], tmp_path: Path) -> None:
    small = read_until(within(3), store, put(store, videos["moov-last.mp4"]), "25%")
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
    large = read_until(within(small.counted.chain), store, put(store, grown), "25%")
    assert large.outcome.outcome == "made", large.outcome
    assert large.counted.bytes == small.counted.bytes
    assert large.counted.gets == small.counted.gets
    assert large.counted.chain <= small.counted.chain


def test_a_video_that_is_blank_throughout_gets_a_poster_for_a_bounded_share_of_its_bytes(
    store: S3, blank: Path
) -> None:
    video = put(store, blank)
    made = read(store, video)
    assert video.size is not None
    assert video.size > 180 * 10**6
    assert made.outcome.outcome == "made", made.outcome
    assert 8 * 10**6 < made.counted.bytes < 48 * 10**6


def test_a_short_video_that_shows_a_card_throughout_is_not_read_to_its_end_for_a_scene(store: S3, card: Path) -> None:
    made = read(store, put(store, card))
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.bytes < 0.35 * card.stat().st_size


@pytest.mark.parametrize("name", ["sidx.mp4", "mfra.mp4"])
@pytest.mark.parametrize(("position", "blocks"), [("auto", 12), ("25%", 1)])
def test_fragments_with_an_index_are_read_by_blocks_at_their_starts(
    store: S3, videos: dict[str, Path], name: str, position: str, blocks: int
) -> None:
    made = read_until(within(5), store, put(store, videos[name]), position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.outcome.notes == ()
    # The head, what follows it, the first fragment which the demuxer opens with, then those that are wanted.
    assert made.counted.chain <= 5
    assert made.counted.bytes <= ENDS + POLICY.hop + 2 * POLICY.block + blocks * (POLICY.block + POLICY.gap)


@pytest.mark.parametrize(("position", "seconds", "gets"), [("auto", None, 40), ("25%", 200, 8), ("401", 401, 8)])
def test_short_fragments_without_an_index_are_found_where_a_moment_should_lie(
    store: S3, videos: dict[str, Path], position: str, seconds: float | None, gets: int
) -> None:
    video = put(store, videos["bare.mp4"])
    made = read_until(within(5), store, video, position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.outcome.notes == ()
    assert seconds is None or made.outcome.images[0].seconds == pytest.approx(seconds, abs=0.04)
    assert video.size is not None
    assert made.counted.bytes < video.size / 5
    assert made.counted.gets <= gets
    assert made.counted.chain <= 5


@pytest.mark.parametrize(("position", "blocks"), [("auto", 12), ("25%", 1)])
def test_matroska_is_read_by_its_cues(store: S3, videos: dict[str, Path], position: str, blocks: int) -> None:
    made = read_until(within(6), store, put(store, videos["cues.mkv"]), position)
    assert made.outcome.outcome == "made", made.outcome
    assert made.outcome.notes == ()
    assert made.counted.chain <= 6
    assert made.counted.bytes <= ENDS + (blocks + 4) * (POLICY.block + POLICY.gap)


ALL_OUTPUTS: dict[str, object] = {
    **{"widths": [160, 80], "storyboard": True, "storyboard_playlist": True, "preview": "webp"},
    **{"manifest": True, "placeholder": True},
}


@pytest.mark.parametrize("position", ["auto", "401"])
@pytest.mark.parametrize("name", [*LAYOUTS, "small.mp4"])
def test_with_all_outputs_no_byte_is_read_twice(store: S3, videos: dict[str, Path], name: str, position: str) -> None:
    made = read(store, put(store, videos[name]), position, outputs=ALL_OUTPUTS)
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.bytes == total(made.ranges)
    kinds = {file.kind for file in (*made.outcome.images, *made.outcome.texts)}
    assert kinds == {"poster", "storyboard", "preview", "manifest"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the programs that are started, one after the other."""
    programs: list[str] = []

    class Counted(subprocess.Popen[bytes]):
        def __init__(self, arguments: list[str], **options: Any) -> None:
            programs.append(Path(arguments[0]).name)
            super().__init__(arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Counted)
    return programs


@pytest.mark.parametrize("position", ["auto", "401"])
@pytest.mark.parametrize("name", [*LAYOUTS, "small.mp4"])
def test_ffmpeg_is_started_once_for_each_kind_of_output_and_once_for_candidates(
    videos: dict[str, Path], started: list[str], name: str, position: str
) -> None:
    wanted = Wanted(position=Position.parse(position), widths=(160, 80, 0, 40), storyboard=True, preview="webp")
    made = work(videos[name], wanted)
    assert [output.kind for output in made] == ["poster"] * 4 + ["sheet", "cues", "preview"]
    # `auto` looks at small candidates first.
    assert len(started) == 3 + (position == "auto")
    assert all(program.startswith("ffmpeg") for program in started)


@pytest.mark.parametrize("name", ["sidx.mp4", "mfra.mp4"])
def test_of_fragments_with_an_index_only_the_wanted_one_is_read(store: S3, videos: dict[str, Path], name: str) -> None:
    video = put(store, videos[name])
    made = read_until(within(2), store, video, "25%")
    assert made.outcome.outcome == "made", made.outcome
    # The demuxer is opened with what the first of them says of itself, without its pictures.
    first, wanted, last = made.ranges
    assert video.size is not None
    assert (first, last) == ((0, POLICY.edge), (video.size - POLICY.tail, video.size))
    # Of a fragment that is shorter than a block, no more than all of it.
    assert wanted[1] - wanted[0] <= POLICY.block
    assert made.counted.chain == 2


def test_of_a_video_whose_picture_is_there_nothing_is_read(store: S3, videos: dict[str, Path]) -> None:
    video = put(store, videos["moov-last.mp4"])
    assert read(store, video).outcome.outcome == "made"
    # The function knows an event that it has had before.
    again = read(store, video, seen=True)
    assert again.outcome.outcome == "unchanged"
    assert [request.method for request in again.log] == ["HEAD"]


def test_of_a_video_that_is_new_the_object_is_read_while_its_picture_is_looked_for(
    store: S3, videos: dict[str, Path]
) -> None:

    def meanwhile(made: Read) -> bool:
        looked, opened = (next(r for r in made.log if r.method == method) for method in ("HEAD", "GET"))
        return opened.began < looked.ended

    assert meanwhile(read_until(meanwhile, store, put(store, videos["small.mp4"])))


@pytest.mark.parametrize("name", [*LAYOUTS, "small.mp4"])
def test_every_read_asks_for_the_object_of_the_event(store: S3, videos: dict[str, Path], name: str) -> None:
    video = put(store, videos[name])
    made = read(store, video)
    assert made.gets
    assert {get.if_match for get in made.gets} == {video.etag}


@pytest.mark.parametrize("number", [0, 2, 3])
def test_an_object_that_is_overwritten_while_it_is_read_is_superseded(
    store: S3, videos: dict[str, Path], number: int
) -> None:
    video = put(store, videos["moov-last.mp4"])
    store.fail(Fault("replace", skip=number, count=1, content=b"newer"))
    made = read(store, video)
    assert made.outcome.outcome == "superseded", made.outcome
    assert not any(request.method == "PUT" for request in made.log)
    assert store.stored() == ["moov-last.mp4"]


@pytest.mark.parametrize("kind", ["short", "reset"])
def test_a_read_that_breaks_off_is_resumed_where_it_broke(store: S3, videos: dict[str, Path], kind: str) -> None:
    video = put(store, videos["small.mp4"])
    after = 400_000
    store.fail(Fault(kind, count=1, after=after))
    made = read(store, video)
    assert made.outcome.outcome == "made", made.outcome
    first, second = made.ranges
    # What a reader had in hand when the connection broke, it may have lost: a piece of at most 256 KiB.
    assert first == (0, after)
    assert after - 256 * KIB <= second[0] <= after
    assert second[1] == video.size


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("kind", ["short", "reset", "503", "SlowDown"])
def test_one_fault_costs_one_more_request(store: S3, videos: dict[str, Path], kind: str, number: int) -> None:
    video = put(store, videos["moov-last.mp4"])
    sound = read(store, video)
    store.remove("moov-last.jpg")
    store.fail(Fault(kind, skip=number, count=1, after=1000))
    made = read(store, video)
    assert made.outcome.outcome == "made", made.outcome
    assert made.counted.gets == sound.counted.gets + 1
    assert total(made.ranges) == total(sound.ranges)
    assert made.counted.bytes <= sound.counted.bytes + 1000


def test_a_store_that_never_delivers_is_a_fault_that_is_raised(store: S3, videos: dict[str, Path]) -> None:
    video = put(store, videos["small.mp4"])
    store.fail(Fault("short", after=10))
    with pytest.raises(Exception, match="S3 failed in 5 attempts; at the last, IncompleteReadError"):
        read(store, video)


def test_more_than_the_limit_is_not_read(store: S3, videos: dict[str, Path]) -> None:
    made = read(store, put(store, videos["moov-last.mp4"]), read_limit=ENDS)
    assert made.outcome.outcome == "rejected", made.outcome
    assert made.counted.bytes <= ENDS


def test_of_a_long_matroska_without_cues_samples_are_read_which_is_noted(
    store: S3, videos: dict[str, Path], tmp_path: Path
) -> None:
    video = put(store, _live(videos["cues.mkv"], tmp_path / "live.mkv", POLICY.scan * 3))
    for position, limit in (("auto", POLICY.scan), ("50%", POLICY.scan // 3), ("3000", POLICY.scan // 3)):
        made = read_until(within(6), store, video, position)
        assert made.outcome.outcome == "made", made.outcome
        assert any("no index" in note for note in made.outcome.notes)
        assert made.counted.bytes <= limit
        assert made.counted.bytes == total(made.ranges)
        assert made.counted.chain <= 6
        store.remove(*(key for key in store.stored() if key != video.key))


def _live(path: Path, live: Path, size: int) -> Path:
    """Return a recording that goes on and on: `path` without its cues and all that points to them, its clusters
    repeated."""
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
