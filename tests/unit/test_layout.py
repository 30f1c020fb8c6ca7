"""Layout: where the index and the fragments of an object lie, and that no content leads astray or on for ever."""

import random

import pytest

from pipeline import layout
from pipeline.layout import HOPS, LARGEST_INDEX, Layout
from pipeline.outcome import Rejected
from pipeline.source import EDGE, MIB, Source

from .fake_s3 import FakeS3, box, numbers, source_of, video

FTYP = box(b"ftyp", b"isom", numbers([512]), b"isomiso2")
SIZE = 30 * MIB


def track(
    number: int = 1, timescale: int = 1000, kind: bytes = b"vide", version: int = 0, tables: int | None = None
) -> bytes:
    """A track, with so many bytes of tables behind its headers."""
    times = numbers([0, 0], 8 if version else 4)
    tkhd = box(b"tkhd", bytes([version, 0, 0, 3]), times, numbers([number, 0, 0]), bytes(60))
    mdhd = box(b"mdhd", bytes([version, 0, 0, 0]), times, numbers([timescale, 0]), bytes(4))
    hdlr = box(b"hdlr", bytes(8), kind, bytes(12), b"x\0")
    minf = () if tables is None else (box(b"minf", bytes(tables)),)
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, *minf))


def moov(*tracks: bytes, fragmented: bool = True) -> bytes:
    return box(b"moov", box(b"mvhd", bytes(100)), *tracks, *([box(b"mvex", bytes(8))] if fragmented else []))


def moof(number: int, time: int, version: int = 1) -> bytes:
    tfhd = box(b"tfhd", numbers([0, number]))
    tfdt = box(b"tfdt", bytes([version, 0, 0, 0]), numbers([time], 8 if version else 4))
    return box(b"moof", box(b"mfhd", numbers([0, 1])), box(b"traf", tfhd, tfdt))


def sidx(sizes: list[int], ticks: int, version: int, offset: int = 0, nested: bool = False) -> bytes:
    head = bytes([version, 0, 0, 0]) + numbers([1, 1000]) + numbers([0, offset], 8 if version else 4)
    entries = b"".join(numbers([size | (1 << 31 if nested else 0), ticks, 1 << 31]) for size in sizes)
    return box(b"sidx", head, bytes(2), numbers([len(sizes)], 2), entries)


def fragments_of(found: Layout) -> list[tuple[int, int, float | None]]:
    return [(each.start, each.end, each.seconds) for each in found.fragments]


def fragmented(sizes: list[int], index: bytes = b"", tail: bytes = b"", version: int = 1) -> tuple[Source, int]:
    """A large object of fragments of these sizes, each lasting two seconds; and where the first of them begins."""
    head = FTYP + moov(track())
    parts = {0: head + index}
    position = start = len(head) + len(index)
    for number, size in enumerate(sizes):
        fragment = moof(1, 2000 * number, version)
        parts[position] = fragment + numbers([size - len(fragment)]) + b"mdat"
        position += size
    parts[position] = tail
    return source_of(parts, position + len(tail)), start


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (FTYP, "mov"),
        (box(b"moov"), "mov"),
        (box(b"mdat"), "mov"),
        (box(b"wide"), "mov"),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"FLV\x01\x05", "flv"),
        (b"OggS\0", "ogg"),
        (bytes.fromhex("3026b2758e66cf11"), "asf"),
        (b"\0\0\x01\xba", "mpeg"),
        ((b"\x47" + bytes(187)) * 6, "mpegts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 6, "mpegts"),
    ],
)
def test_a_container_is_known_by_its_first_bytes(start: bytes, name: str) -> None:
    assert layout.look(source_of(start + bytes(3000))).format == name


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n",
        b"ffconcat version 1.0\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"RIFF\0\0\0\0WAVE",
        b"<?xml version='1.0'?><MPD/>",
        b"\x47" + bytes(600),
        b"x",
        b"ID3\x04",
        bytes(5000),
    ],
)
def test_anything_else_is_rejected(content: bytes) -> None:
    with pytest.raises(Rejected, match="no container"):
        layout.look(source_of(content))


@pytest.mark.parametrize("first", [True, False], ids=["index first", "index last"])
def test_the_index_is_found_and_fetched_whole(first: bool) -> None:
    index = moov(track(), box(b"free", bytes(MIB)), fragmented=False)
    data = numbers([SIZE]) + b"mdat"
    at = len(FTYP) if first else len(FTYP) + SIZE
    parts = {0: FTYP, at: index, (len(FTYP) + len(index) if first else len(FTYP)): data}
    source = source_of(parts, len(FTYP) + SIZE + len(index))
    found = layout.look(source)
    assert found.indexed
    assert found.fragments == ()
    assert source.has(at, at + len(index))
    assert source.reading.bytes < 3 * MIB


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
    source = source_of({0: FTYP, at: index, **data}, len(FTYP) + SIZE + len(index))
    found = layout.look(source)
    starts = [at + index.index(each) for each in boxes]
    ends = [start + len(each) for start, each in zip(starts, boxes, strict=True)]
    assert found.indexed
    assert found.ready
    assert found.unread == (None if left_out is None else starts[left_out])
    here = [source.has(start, end) for start, end in zip(starts, ends, strict=True)]
    assert here == [number != left_out for number in range(len(boxes))]
    assert source.has(ends[-1], at + len(index))
    if left_out is not None:
        # The headers of the track tell that it is sound; what is fetched beside the rest is a share of the tables.
        assert source.reading.bytes < len(index) - TABLES // 2


def test_a_box_of_64_bits_is_stepped_over() -> None:
    size = 6 * 2**30
    data = numbers([1]) + b"mdat" + numbers([size], 8)
    index = moov(track(), fragmented=False)
    source = source_of({0: FTYP + data, len(FTYP) + size: index}, len(FTYP) + size + len(index))
    assert layout.look(source).indexed


@pytest.mark.parametrize("version", [0, 1])
def test_a_segment_index_names_the_fragments(version: int) -> None:
    sizes = [10 * MIB, 9 * MIB, 11 * MIB]
    source, start = fragmented(sizes, sidx(sizes, 2000, version))
    found = layout.look(source)
    assert not found.indexed
    assert fragments_of(found) == [
        (start, start + 10 * MIB, 0.0),
        (start + 10 * MIB, start + 19 * MIB, 2.0),
        (start + 19 * MIB, start + 30 * MIB, 4.0),
    ]
    assert found.head[0] == 0
    assert found.complete


@pytest.mark.parametrize("size", [10 * MIB, 20_000])
def test_a_segment_index_of_a_part_alone_is_not_believed(size: int) -> None:
    source, start = fragmented([size] * 3, sidx([size], 2000, 1))
    assert [each[0] for each in fragments_of(layout.look(source))] == [start + n * size for n in range(3)]


def test_a_segment_index_of_indexes_is_not_believed() -> None:
    sizes = [10 * MIB] * 3
    source, _ = fragmented(sizes, sidx(sizes, 2000, 1, nested=True))
    assert len(layout.look(source).fragments) == 3


@pytest.mark.parametrize("version", [0, 1])
def test_a_random_access_table_names_the_fragments(version: int) -> None:
    sizes = [10 * MIB] * 3
    _, start = fragmented(sizes)
    rows = b"".join(
        numbers([2000 * n, start + n * 10 * MIB], 8 if version else 4) + bytes([1, 1, 1]) for n in range(len(sizes))
    )
    tfra = box(b"tfra", bytes([version, 0, 0, 0]), numbers([1, 0, len(sizes)]), rows)
    tail = box(b"mfra", tfra, box(b"mfro", numbers([0, 8 + len(tfra) + 16])))
    source, start = fragmented(sizes, tail=tail)
    assert fragments_of(layout.look(source)) == [
        (start + n * 10 * MIB, start + (n + 1) * 10 * MIB, 2.0 * n) for n in range(3)
    ]


@pytest.mark.parametrize("version", [0, 1])
def test_without_an_index_fragments_are_found_one_by_one(version: int) -> None:
    source, start = fragmented([3 * MIB] * 10, version=version)
    found = layout.look(source)
    assert fragments_of(found) == [(start + n * 3 * MIB, start + (n + 1) * 3 * MIB, 2.0 * n) for n in range(10)]
    assert found.complete
    assert found.seconds == pytest.approx(20)


def test_after_so_many_fragments_the_search_ends_and_says_so() -> None:
    source, _ = fragmented([MIB] * (HOPS + 10))
    found = layout.look(source)
    assert len(found.fragments) == HOPS
    assert not found.complete
    assert source.reading.requests < 2 * HOPS + 10


def test_fragments_of_other_tracks_tell_no_time() -> None:
    head = FTYP + moov(track(1, kind=b"soun"), track(2, 500))
    fragment = box(
        b"moof",
        box(b"traf", box(b"tfhd", numbers([0, 1])), box(b"tfdt", bytes(4), numbers([7]))),
        box(b"traf", box(b"tfhd", numbers([0, 2])), box(b"tfdt", bytes(4), numbers([1000]))),
    )
    data = numbers([SIZE]) + b"mdat"
    source = source_of({0: head + fragment + data}, len(head + fragment) + SIZE)
    assert layout.look(source).fragments[0].seconds == 2.0


def test_fragments_of_sound_alone_belong_to_the_one_before() -> None:
    head = FTYP + moov(track(1), track(2, kind=b"soun"))
    parts, position, starts = {0: head}, len(head), []
    for number in range(3):
        for kind in (1, 2):
            fragment = moof(kind, 4000 * number)
            parts[position] = fragment + numbers([5 * MIB]) + b"mdat"
            starts.append(position)
            position += len(fragment) + 5 * MIB
    found = fragments_of(layout.look(source_of(parts, position)))
    assert found == [
        (starts[0], starts[2], 0.0),
        (starts[2], starts[4], 4.0),
        (starts[4], position, 8.0),
    ]


@pytest.mark.parametrize("version", [0, 1])
def test_tracks_of_both_versions_are_read(version: int) -> None:
    head = FTYP + moov(track(1, 100, version=version))
    parts = {0: head + moof(1, 500), len(head) + len(moof(1, 500)): numbers([SIZE]) + b"mdat"}
    assert layout.look(source_of(parts, len(head) + len(moof(1, 500)) + SIZE)).fragments[0].seconds == 5.0


def test_an_absurdly_long_index_is_rejected() -> None:
    size = LARGEST_INDEX + 1
    source = source_of({0: FTYP + numbers([size]) + b"moov"}, len(FTYP) + size)
    with pytest.raises(Rejected, match="index"):
        layout.look(source)
    assert source.reading.bytes < 2 * MIB


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 9, 15, 16, 2**31, 2**32 - 1])
@pytest.mark.parametrize("kind", [b"free", b"mdat", b"moov", b"moof", b"sidx", b"uuid"])
def test_a_box_of_any_length_ends_the_search(length: int, kind: bytes) -> None:
    source = source_of({0: FTYP + numbers([length]) + kind + bytes(100)}, SIZE)
    assert answered(source)


@pytest.mark.parametrize("length", [0, 1, 7, 15, 16, 17, 2**40, 2**63, 2**64 - 1])
def test_a_box_of_any_64_bit_length_ends_the_search(length: int) -> None:
    assert answered(source_of({0: FTYP + numbers([1]) + b"mdat" + numbers([length], 8)}, SIZE))


@pytest.mark.parametrize("child", [b"trak", b"mvex", b"mvhd"])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 2**32 - 1])
def test_a_box_in_the_index_of_any_length_ends_the_search(length: int, child: bytes) -> None:
    inner = numbers([length]) + child + bytes(40)
    index = box(b"moov", inner, track(), box(b"mvex", bytes(8)))
    data = numbers([SIZE - len(FTYP) - len(index)]) + b"mdat"
    assert answered(source_of({0: FTYP + index + data}, SIZE))


@pytest.mark.parametrize("count", [0, 1, 100, 65_535])
@pytest.mark.parametrize("size", [0, 1, 2**31 - 1])
def test_a_lying_segment_index_ends_the_search(count: int, size: int) -> None:
    index = box(b"sidx", bytes(4), numbers([1, 0, 0, 0]), bytes(2), numbers([count], 2), numbers([size, 0, 0]))
    source, _ = fragmented([10 * MIB] * 3, index)
    assert answered(source)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 10_000, 2**31, 2**32 - 1])
def test_a_lying_random_access_table_ends_the_search(size: int) -> None:
    for tail in (
        box(b"mfro", numbers([0, size])),
        box(b"mfra", box(b"tfra", bytes(4), numbers([1, 0xFFFFFFFF, size])), box(b"mfro", numbers([0, 48]))),
        box(b"mfra", box(b"tfra"), box(b"mfro", numbers([0, 32]))),
    ):
        source, _ = fragmented([10 * MIB] * 3, tail=tail)
        assert answered(source)


def test_many_tiny_boxes_end_the_search() -> None:
    source = source_of({0: FTYP + box(b"free") * 600_000}, SIZE)
    assert answered(source)


def test_heads_that_were_tampered_with_end_the_search() -> None:
    chance = random.Random(7)
    head = FTYP + moov(track()) + sidx([10 * MIB] * 3, 2000, 1) + moof(1, 0) + numbers([SIZE]) + b"mdat"
    for _ in range(300):
        content = bytearray(head)
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.choice((0, 1, 7, 8, 0x7F, 0xFF, chance.randrange(256)))
        assert answered(source_of({0: bytes(content)}, SIZE))


def answered(source: Source) -> bool:
    """Whether a layout or a stated reason comes out, at a bounded price."""
    try:
        found = layout.look(source)
    except Rejected as rejected:
        return bool(rejected.reason)
    assert all(0 <= each.start <= each.end for each in found.fragments)
    reading = source.reading
    return reading.requests <= 4 * HOPS + 20 and reading.bytes <= SIZE + 4 * EDGE


def test_a_truncated_head_ends_the_search() -> None:
    head = FTYP + moov(track()) + sidx([MIB] * 3, 2000, 1) + moof(1, 0)
    for size in range(8, len(head)):
        store = FakeS3(size, {0: head[:size]})
        source = Source(store, video(size), 2**30)
        source.open()
        assert answered(source)
