"""Where the index and the fragments of an MP4 lie, and that no content leads astray or on for ever."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

import pytest

from model import MIB, ReadPolicy, Rejected
from worker.container.mp4 import fragments, layout, movie
from worker.container.mp4.fragments import Fragments, Kind
from worker.container.mp4.layout import find_index
from worker.container.mp4.movie import LARGEST_INDEX, Defaults
from worker.container.mp4.walks import HOPS, by_hops, usual
from worker.reader import Reader

from .fake_object import FakeRanges, box, fake_object, numbers

FTYP = box(b"ftyp", b"isom", numbers([512]), b"isomiso2")
SIZE = 30 * MIB


def track(
    number: int = 1, timescale: int = 1000, kind: bytes = b"vide", version: int = 0, tables: int | None = None
) -> bytes:
    """Return a track, with so many bytes of tables after its headers."""
    times = numbers([0, 0], 8 if version else 4)
    tkhd = box(b"tkhd", bytes([version, 0, 0, 3]), times, numbers([number, 0, 0]), bytes(60))
    mdhd = box(
        b"mdhd", bytes([version, 0, 0, 0]), times, numbers([timescale]), numbers([9], 8 if version else 4), bytes(4)
    )
    hdlr = box(b"hdlr", bytes(8), kind, bytes(12), b"x\0")
    minf = box(b"minf", box(b"stbl", box(b"free", bytes(tables or 0))))
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf))


def moov(*tracks: bytes, fragmented: bool = True) -> bytes:
    return box(b"moov", box(b"mvhd", bytes(100)), *tracks, *([box(b"mvex", bytes(8))] if fragmented else []))


def moof(number: int, time: int, version: int = 1, run: bytes = b"") -> bytes:
    tfhd = box(b"tfhd", numbers([0, number]))
    tfdt = box(b"tfdt", bytes([version, 0, 0, 0]), numbers([time], 8 if version else 4))
    return box(b"moof", box(b"mfhd", numbers([0, 1])), box(b"traf", tfhd, tfdt, run))


def sidx(
    sizes: list[int], ticks: int, version: int, nested: bool = False, track: int = 1, access: Iterable[int] = ()
) -> bytes:
    head = bytes([version, 0, 0, 0]) + numbers([track, 1000]) + numbers([0, 0], 8 if version else 4)
    marks = list(access) or [1] * len(sizes)
    entries = b"".join(
        numbers([size | nested << 31, ticks, mark << 31]) for size, mark in zip(sizes, marks, strict=True)
    )
    return box(b"sidx", head, bytes(2), numbers([len(sizes)], 2), entries)


def reader_of(content: bytes | Mapping[int, bytes], size: int | None = None) -> Reader:
    return fake_object(content, size)[0]


@dataclass(frozen=True)
class Index:
    begin: bytes
    start: int
    content: bytes
    unread: int | None


def whole(found: layout.Index | None) -> Index:
    """Return an index that was found."""
    assert found is not None
    assert found.moov.end - found.moov.start == len(found.content)
    return Index(found.begin, found.moov.start, found.content, found.unread)


VIDEO = Kind(1, 1000, Defaults())


def look(reader: Reader, kind: Kind = VIDEO) -> Fragments:
    """Return the fragments of a file, by whichever way finds them."""
    index = find_index(reader)
    assert index is not None
    return fragments.named(reader, kind, index.moov.end) or by_hops(reader, kind, index.moov.end)


def rows(found: Fragments) -> list[tuple[int, int, float]]:
    return list(zip(found.starts, found.ends, found.times, strict=True))


def fragmented(
    sizes: list[int], index: bytes = b"", tail: bytes = b"", version: int = 1
) -> tuple[Reader, FakeRanges, int]:
    """Return a large object of fragments of these sizes, each lasting two seconds; and where the first of them
    begins."""
    head = FTYP + moov(track())
    parts = {0: head + index}
    position = start = len(head) + len(index)
    for number, size in enumerate(sizes):
        fragment = moof(1, 2000 * number, version)
        parts[position] = fragment + numbers([size - len(fragment)]) + b"mdat"
        position += size
    parts[position] = tail
    return *fake_object(parts, position + len(tail)), start


@pytest.mark.parametrize("first", [True, False], ids=["index first", "index last"])
def test_the_index_is_found_and_fetched_whole(first: bool) -> None:
    index = moov(track(), box(b"free", bytes(MIB)), fragmented=False)
    data = numbers([SIZE]) + b"mdat"
    at = len(FTYP) if first else len(FTYP) + SIZE
    parts = {0: FTYP, at: index, (len(FTYP) + len(index) if first else len(FTYP)): data}
    reader, ranges = fake_object(parts, len(FTYP) + SIZE + len(index))
    assert whole(find_index(reader)) == Index(FTYP, at, index, None)
    assert ranges.bytes < 3 * MIB


TABLES = 3 * MIB
TRACKS = {
    "video, sound": ((b"vide", b"soun"), 1),
    "video, sound, text": ((b"vide", b"soun", b"text"), None),
    "sound, video": ((b"soun", b"vide"), None),
    "video, video": ((b"vide", b"vide"), None),
    "video alone": ((b"vide",), None),
}


@pytest.mark.parametrize("first", [True, False], ids=["index first", "index last"])
@pytest.mark.parametrize("kinds", TRACKS)
def test_of_a_long_index_the_tables_of_the_one_track_behind_the_video_that_is_not_video_are_left_out(
    kinds: str, first: bool
) -> None:
    tracks, left_out = TRACKS[kinds]
    boxes = [track(number, kind=kind, tables=TABLES) for number, kind in enumerate(tracks, 1)]
    index = moov(*boxes, fragmented=False)
    at = len(FTYP) if first else len(FTYP) + SIZE
    data = {len(FTYP) + len(index) if first else len(FTYP): numbers([SIZE]) + b"mdat"}
    reader, ranges = fake_object({0: FTYP, at: index, **data}, len(FTYP) + SIZE + len(index))
    found = find_index(reader)
    assert found is not None
    starts = [index.index(each) for each in boxes]
    assert found.unread == (None if left_out is None else starts[left_out])
    here = [found.content[start : start + len(each)] == each for start, each in zip(starts, boxes, strict=True)]
    assert here == [number != left_out for number in range(len(boxes))]
    assert found.content.endswith(index[starts[-1] + len(boxes[-1]) :])
    if left_out is not None:
        # The headers of the track tell that it is sound; what is fetched beside the rest is a share of the tables.
        assert ranges.bytes < len(index) - TABLES // 2


def test_a_box_of_64_bits_is_stepped_over() -> None:
    size = 6 * 2**30
    data = numbers([1]) + b"mdat" + numbers([size], 8)
    index = moov(track(), fragmented=False)
    reader = reader_of({0: FTYP + data, len(FTYP) + size: index}, len(FTYP) + size + len(index))
    assert whole(find_index(reader)).content == index


@pytest.mark.parametrize("version", [0, 1])
def test_a_segment_index_names_the_fragments(version: int) -> None:
    sizes = [10 * MIB, 9 * MIB, 11 * MIB]
    reader, _, start = fragmented(sizes, sidx(sizes, 2000, version))
    found = look(reader)
    assert rows(found) == [
        (start, start + 10 * MIB, 0.0),
        (start + 10 * MIB, start + 19 * MIB, 2.0),
        (start + 19 * MIB, start + 30 * MIB, 4.0),
    ]
    assert found.end == 6.0
    assert found.is_complete


def test_of_the_segment_indexes_that_of_the_track_is_read() -> None:
    sizes = [10 * MIB] * 3
    others = sidx(sizes, 5000, 1, track=2)
    of_video = sidx(sizes, 2000, 1)
    of_sound = others[:28] + numbers([len(of_video)], 8) + others[36:]
    reader, _, start = fragmented(sizes, of_sound + of_video)
    assert rows(look(reader)) == [(start + n * 10 * MIB, start + (n + 1) * 10 * MIB, 2.0 * n) for n in range(3)]


def test_a_segment_index_says_which_fragments_begin_with_a_keyframe() -> None:
    sizes = [10 * MIB] * 3
    reader, _, _ = fragmented(sizes, sidx(sizes, 2000, 1, access=[1, 0, 1]))
    assert list(look(reader).marked) == [1, 0, 1]


@pytest.mark.parametrize("size", [10 * MIB, 20_000])
def test_a_segment_index_of_a_part_alone_is_not_believed(size: int) -> None:
    reader, _, start = fragmented([size] * 3, sidx([size], 2000, 1))
    assert [each[0] for each in rows(look(reader))] == [start + n * size for n in range(3)]


def test_a_segment_index_of_indexes_is_not_believed() -> None:
    sizes = [10 * MIB] * 3
    reader, _, _ = fragmented(sizes, sidx(sizes, 2000, 1, nested=True))
    assert len(look(reader)) == 3


@pytest.mark.parametrize("version", [0, 1])
def test_a_random_access_table_names_the_fragments(version: int) -> None:
    sizes = [10 * MIB] * 3
    _, _, start = fragmented(sizes)
    entries = b"".join(
        numbers([2000 * n, start + n * 10 * MIB], 8 if version else 4) + bytes([1, 1, 1]) for n in range(len(sizes))
    )
    tfra = box(b"tfra", bytes([version, 0, 0, 0]), numbers([1, 0, len(sizes)]), entries)
    tail = box(b"mfra", tfra, box(b"mfro", numbers([0, 8 + len(tfra) + 16])))
    reader, _, start = fragmented(sizes, tail=tail)
    assert rows(look(reader)) == [(start + n * 10 * MIB, start + (n + 1) * 10 * MIB, 2.0 * n) for n in range(3)]


@pytest.mark.parametrize("version", [0, 1])
def test_without_an_index_fragments_are_found_one_by_one(version: int) -> None:
    reader, _, start = fragmented([3 * MIB] * 10, version=version)
    found = look(reader)
    assert rows(found) == [(start + n * 3 * MIB, start + (n + 1) * 3 * MIB, 2.0 * n) for n in range(10)]
    assert found.is_complete


def uneven(count: int) -> list[int]:
    """Sizes of fragments of which none tells that of the next."""
    chance = random.Random(5)
    return [MIB + chance.randrange(MIB) for _ in range(count)]


def test_after_so_many_fragments_the_search_ends_and_says_so() -> None:
    reader, ranges, _ = fragmented(uneven(HOPS + 10))
    found = look(reader)
    assert len(found) == HOPS
    assert not found.is_complete
    assert ranges.requests < 2 * HOPS + 10


def test_fragments_as_long_as_one_another_are_found_several_at_a_time() -> None:
    reader, ranges, _ = fragmented([MIB + n % 3 for n in range(HOPS + 10)])
    found = look(reader)
    assert len(found) == HOPS + 10
    assert found.is_complete
    assert len(ranges.rounds) < 20
    assert ranges.bytes < 2 * (HOPS + 10) * ReadPolicy().hop


@pytest.mark.parametrize("walkers", [2, 3, 7])
def test_several_walkers_find_the_same_fragments_in_fewer_rounds(walkers: int) -> None:
    sizes = uneven(2 * HOPS)
    reader, ranges, start = fragmented(sizes)
    found = by_hops(reader, VIDEO, start, walkers)
    starts = [start, *(start + reached for reached in accumulate(sizes))]
    assert rows(found) == [(first, last, 2.0 * n) for n, (first, last) in enumerate(pairwise(starts))]
    assert found.is_complete
    assert len(ranges.rounds) < 2 * 2 * HOPS / walkers
    # From where a walker begins it reads on to the next fragment.
    assert ranges.bytes < walkers * (2 * MIB + ReadPolicy().block) + 2048 * len(sizes) + MIB


def test_what_a_walker_cannot_reach_is_left_out_and_not_taken_for_a_part_of_what_it_reached() -> None:
    few, many = [4 * MIB] * 50, [size // 2 for size in uneven(3 * HOPS)]
    reader, _, start = fragmented([*few, *many, *few])
    found = by_hops(reader, VIDEO, start, 4, most=HOPS)
    assert found.ends[-1] == start + sum(few) * 2 + sum(many)
    assert found.is_complete
    assert len(found) < len(many)
    assert max(last - first for first, last, _ in rows(found)) == 4 * MIB


def test_how_long_short_fragments_are_is_told_by_the_times_of_the_first_and_the_last() -> None:
    policy = ReadPolicy()
    head, parts, position = FTYP + moov(track()), {}, 0
    parts[0] = head
    start = position = len(head)
    # A keyframe longer than what is read of the beginning, and frames longer than half of what is read of the end.
    for number, size in enumerate([2 * policy.edge, *[policy.tail * 2 // 3] * 500]):
        run = box(b"trun", bytes([0, 0, 3, 0]), numbers([1, 40, size]))
        fragment = moof(1, 40 * number, run=run)
        parts[position] = fragment + numbers([size]) + b"mdat"
        position += len(fragment) + size
    reader, ranges = fake_object(parts, position)
    reader.fetch([(0, policy.edge), (position - policy.tail, position)])
    first, length = usual(reader, VIDEO, start)
    assert first == start
    assert length == pytest.approx(policy.tail * 2 // 3, rel=0.02)
    assert len(ranges.rounds) == 1


def test_fragments_of_other_tracks_tell_no_time() -> None:
    head = FTYP + moov(track(1, kind=b"soun"), track(2, 500))
    fragment = box(
        b"moof",
        box(b"traf", box(b"tfhd", numbers([0, 1])), box(b"tfdt", bytes(4), numbers([7]))),
        box(b"traf", box(b"tfhd", numbers([0, 2])), box(b"tfdt", bytes(4), numbers([1000]))),
    )
    data = numbers([SIZE]) + b"mdat"
    reader = reader_of({0: head + fragment + data}, len(head + fragment) + SIZE)
    assert look(reader, Kind(2, 500, Defaults())).times[0] == 2.0


def test_fragments_of_sound_alone_belong_to_the_one_before() -> None:
    head = FTYP + moov(track(1), track(2, kind=b"soun"))
    parts, position, starts = {0: head}, len(head), []
    for number in range(3):
        for kind in (1, 2):
            fragment = moof(kind, 4000 * number)
            parts[position] = fragment + numbers([5 * MIB]) + b"mdat"
            starts.append(position)
            position += len(fragment) + 5 * MIB
    found = rows(look(reader_of(parts, position)))
    assert found == [
        (starts[0], starts[2], 0.0),
        (starts[2], starts[4], 4.0),
        (starts[4], position, 8.0),
    ]


@pytest.mark.parametrize("version", [0, 1])
def test_tracks_of_both_versions_are_read(version: int) -> None:
    found = movie.read(FTYP, moov(track(7, 100, version=version)))
    assert [(each.id, each.kind, each.timescale, each.duration) for each in found.tracks] == [(7, b"vide", 100, 9)]


def test_an_absurdly_long_index_is_rejected() -> None:
    size = LARGEST_INDEX + 1
    reader, ranges = fake_object({0: FTYP + numbers([size]) + b"moov"}, len(FTYP) + size)
    with pytest.raises(Rejected, match="index"):
        find_index(reader)
    assert ranges.bytes < 2 * MIB


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 9, 15, 16, 2**31, 2**32 - 1])
@pytest.mark.parametrize("kind", [b"free", b"mdat", b"moov", b"moof", b"sidx", b"uuid"])
def test_a_box_of_any_length_ends_the_search(length: int, kind: bytes) -> None:
    reader, ranges = fake_object({0: FTYP + numbers([length]) + kind + bytes(100)}, SIZE)
    assert answered(reader, ranges)


@pytest.mark.parametrize("length", [0, 1, 7, 15, 16, 17, 2**40, 2**63, 2**64 - 1])
def test_a_box_of_any_64_bit_length_ends_the_search(length: int) -> None:
    assert answered(*fake_object({0: FTYP + numbers([1]) + b"mdat" + numbers([length], 8)}, SIZE))


@pytest.mark.parametrize("child", [b"trak", b"mvex", b"mvhd"])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 2**32 - 1])
def test_a_box_in_the_index_of_any_length_ends_the_search(length: int, child: bytes) -> None:
    inner = numbers([length]) + child + bytes(40)
    index = box(b"moov", inner, track(), box(b"mvex", bytes(8)))
    data = numbers([SIZE - len(FTYP) - len(index)]) + b"mdat"
    assert answered(*fake_object({0: FTYP + index + data}, SIZE))


@pytest.mark.parametrize("count", [0, 1, 100, 65_535])
@pytest.mark.parametrize("size", [0, 1, 2**31 - 1])
def test_a_lying_segment_index_ends_the_search(count: int, size: int) -> None:
    index = box(b"sidx", bytes(4), numbers([1, 0, 0, 0]), bytes(2), numbers([count], 2), numbers([size, 0, 0]))
    reader, ranges, _ = fragmented([10 * MIB] * 3, index)
    assert answered(reader, ranges)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 10_000, 2**31, 2**32 - 1])
def test_a_lying_random_access_table_ends_the_search(size: int) -> None:
    for tail in (
        box(b"mfro", numbers([0, size])),
        box(b"mfra", box(b"tfra", bytes(4), numbers([1, 0xFFFFFFFF, size])), box(b"mfro", numbers([0, 48]))),
        box(b"mfra", box(b"tfra"), box(b"mfro", numbers([0, 32]))),
    ):
        reader, ranges, _ = fragmented([10 * MIB] * 3, tail=tail)
        assert answered(reader, ranges)


def test_many_tiny_boxes_end_the_search() -> None:
    reader, ranges = fake_object({0: FTYP + box(b"free") * 600_000}, SIZE)
    assert answered(reader, ranges)


def test_heads_that_were_tampered_with_end_the_search() -> None:
    chance = random.Random(7)
    head = FTYP + moov(track()) + sidx([10 * MIB] * 3, 2000, 1) + moof(1, 0) + numbers([SIZE]) + b"mdat"
    for _ in range(300):
        content = bytearray(head)
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.choice((0, 1, 7, 8, 0x7F, 0xFF, chance.randrange(256)))
        assert answered(*fake_object({0: bytes(content)}, SIZE))


def answered(reader: Reader, ranges: FakeRanges) -> bool:
    """Whether fragments or a stated reason come out, at a bounded price."""
    try:
        index = find_index(reader)
        if index is not None:
            movie.read(index.begin, index.content, index.unread)
            assert all(0 <= start <= end for start, end, _ in rows(look(reader)))
    except Rejected as rejected:
        return bool(rejected.reason)
    return ranges.requests <= 4 * HOPS + 20 and ranges.bytes <= SIZE + 4 * ReadPolicy().edge


def test_a_truncated_head_ends_the_search() -> None:
    head = FTYP + moov(track()) + sidx([MIB] * 3, 2000, 1) + moof(1, 0)
    for size in range(8, len(head)):
        assert answered(*fake_object(head[:size]))
