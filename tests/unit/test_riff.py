"""The index of an AVI, by idx1 and by OpenDML, in files that are built here."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest

from model import MIB, ReadPolicy
from worker.container.riff import FrameTable, frame_table
from worker.reader import Reader

from .fake_object import FakeRanges, fake_object

KEYFRAME = 0x10
NOT_A_KEYFRAME = 1 << 31
FRAMES = [b"k" * 30, b"p" * 7, b"", b"p" * 8, b"k" * 31]
KEYS = [0, 4]
SUPER = 4


def chunk(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def lists(kind: bytes, *content: bytes) -> bytes:
    return chunk(b"LIST", kind, *content)


def stream(kind: bytes = b"vids", scale: int = 1, rate: int = 25, start: int = 0, index: bytes = b"") -> bytes:
    header = kind + b"MJPG" + struct.pack("<IHHIIII", 0, 0, 0, 0, scale, rate, start) + bytes(24)
    return lists(b"strl", chunk(b"strh", header), chunk(b"strf", bytes(40)), index)


def header(*streams: bytes) -> bytes:
    return lists(b"hdrl", chunk(b"avih", bytes(56)), *streams)


def movi(frames: Sequence[bytes], kind: bytes = b"00dc") -> tuple[bytes, list[tuple[bytes, int, int]]]:
    """Frames, each after one of sound; and (kind, place, size) of all chunks, as idx1 has it."""
    content, rows = b"movi", []
    for frame in frames:
        for its, body in ((b"01wb", b"sound"), (kind, frame)):
            rows.append((its, len(content), len(body)))
            content += chunk(its, body)
    return chunk(b"LIST", content), rows


def idx1(rows: list[tuple[bytes, int, int]], base: int = 0, kind: bytes = b"00dc") -> bytes:
    number, entries = 0, b""
    for its, place, size in rows:
        entries += its + struct.pack("<III", KEYFRAME if its != kind or number in KEYS else 0, base + place, size)
        number += its == kind
    return chunk(b"idx1", entries)


def avi(head: bytes, *content: bytes) -> bytes:
    return chunk(b"RIFF", b"AVI ", head, *content)


def whole(
    streams: Sequence[bytes] = (stream(), stream(b"auds")), absolute: bool = False, kind: bytes = b"00dc"
) -> bytes:
    head = header(*streams) + chunk(b"JUNK", bytes(1001))
    chunks, rows = movi(FRAMES, kind)
    return avi(head, chunks, idx1(rows, 12 + len(head) + 8 if absolute else 0, kind))


def check(found: FrameTable | None, content: bytes) -> None:
    assert found is not None
    assert [content[at : at + size] for at, size in zip(found.places, found.sizes, strict=True)] == FRAMES
    assert [*found.keyframes] == KEYS


@pytest.mark.parametrize("absolute", [False, True], ids=["from the chunks on", "from the start of the file"])
@pytest.mark.parametrize("kind", [b"00dc", b"00db", b"00__"])
def test_idx1_names_all_frames_of_a_stream(absolute: bool, kind: bytes) -> None:
    content = whole(absolute=absolute, kind=kind)
    found = frame_table(fake_object(content)[0], 0)
    check(found, content)
    assert found is not None
    assert (found.frame_seconds, found.start) == (Fraction(1, 25), 0)


def test_of_several_streams_the_one_asked_for_is_read() -> None:
    streams = (stream(b"auds"), stream(b"txts"), stream(scale=1001, rate=30000, start=7))
    content = whole(streams, kind=b"02dc")
    found = frame_table(fake_object(content)[0], 2)
    check(found, content)
    assert found is not None
    assert (found.frame_seconds, found.start) == (Fraction(1001, 30000), 7)
    assert frame_table(fake_object(content)[0], 0) is None
    assert frame_table(fake_object(content)[0], 3) is None


def test_a_change_of_the_palette_is_no_frame() -> None:
    chunks, rows = movi(FRAMES)
    rows.insert(3, (b"00pc", 4, 10))
    head = header(stream(), stream(b"auds"))
    content = avi(head, chunks, idx1(rows))
    check(frame_table(fake_object(content)[0], 0), content)


def opendml(superindex: bool = True, fields: bool = False) -> bytes:
    """Frames in two lists of chunks (RIFF AVIX), with an index in each."""
    size = 24 + 16 * 2 if superindex else 0
    head = header(stream(index=chunk(b"indx", bytes(size))) if superindex else stream(), stream(b"auds"))
    content, places, entries = b"", [], []
    position = 12 + len(head)
    number = 0
    for frames, kind in ((FRAMES[:2], b"AVI "), (FRAMES[2:], b"AVIX")):
        position += 0 if kind == b"AVI " else 12
        chunks, rows = movi(frames)
        base = position
        table = b""
        for its, place, length in rows:
            if its == b"00dc":
                flag = 0 if number in KEYS else NOT_A_KEYFRAME
                table += struct.pack("<II", 8 + place + 8, length | flag) + (bytes(4) if fields else b"")
                number += 1
        count = sum(its == b"00dc" for its, _, _ in rows)
        index = chunk(
            b"ix00", struct.pack("<HBBI4sQI", 3 if fields else 2, int(fields), 1, count, b"00dc", base, 0), table
        )
        places.append((position + len(chunks), len(index), count))
        body = chunks + index
        entries.append(body)
        position += len(body)
    named = [struct.pack("<QII", *place) for place in places]
    indx = chunk(b"indx", struct.pack("<HBBI4s12x", SUPER, 0, 0, len(named), b"00dc"), *named)
    if superindex:
        head = header(stream(index=indx), stream(b"auds"))
    content = avi(head, entries[0])
    return content + chunk(b"RIFF", b"AVIX", entries[1])


@pytest.mark.parametrize("fields", [False, True], ids=["frames", "fields"])
def test_indexes_of_opendml_name_all_frames(fields: bool) -> None:
    content = opendml(fields=fields)
    check(frame_table(fake_object(content)[0], 0), content)


def test_of_a_long_video_the_index_alone_is_read() -> None:
    policy = ReadPolicy(whole=0, edge=8192, tail=4096, block=4096)
    head = header(stream(), stream(b"auds"))
    start = 12 + len(head)
    size = 500 * MIB
    frames = [(start + 12 + 1000 * n, 900) for n in range(250_000)]
    entries = b"".join(
        b"00dc" + struct.pack("<III", KEYFRAME if n % 12 == 0 else 0, place - start - 8, length)
        for n, (place, length) in enumerate(frames)
    )
    parts = {0: b"RIFF" + bytes(4) + b"AVI " + head + b"LIST" + struct.pack("<I", size) + b"movi" + b"00dc"}
    parts[start + 8 + size] = chunk(b"idx1", entries)
    reader, ranges = fake_object(parts, policy=policy)
    found = frame_table(reader, 0)
    assert found is not None
    assert (len(found.places), found.places[1000]) == (250_000, frames[1000][0] + 8)
    assert [*found.keyframes[:3]] == [0, 12, 24]
    assert ranges.bytes < len(entries) + 50_000
    assert len(ranges.rounds) <= 3


BROKEN = {
    "no index": avi(header(stream()), movi(FRAMES)[0]),
    "an index of another stream": avi(header(stream()), movi(FRAMES)[0], idx1([(b"07dc", 4, 3)])),
    "places outside of the file": avi(header(stream()), movi(FRAMES)[0], idx1([(b"00dc", 2**31, 3)])),
    "empty frames alone": avi(header(stream()), movi([b""])[0], idx1([(b"00dc", 4, 0)])),
    "no rate": avi(header(stream(rate=0)), *(movi(FRAMES)[0], idx1(movi(FRAMES)[1]))),
    "no headers": avi(b"", *movi(FRAMES)[:1]),
    "sizes of 0": b"RIFF\0\0\0\0AVI LIST\0\0\0\0movi",
    "a list in itself": b"RIFF\0\0\0\0AVI " + b"LIST\xff\xff\xff\xffhdrl" * 500,
    "an OpenDML index of the whole file": avi(
        header(stream(index=chunk(b"indx", struct.pack("<HBBI16xQII", 4, 0, 0, 1, 0, 2**31, 0)))), movi(FRAMES)[0]
    ),
    "an OpenDML index of nothing": avi(header(stream(index=chunk(b"indx", bytes(24)))), movi(FRAMES)[0]),
    "an OpenDML index of too much": avi(
        header(stream(index=chunk(b"indx", struct.pack("<HBBI", 4, 0, 0, 2**32 - 1), bytes(16)))), movi(FRAMES)[0]
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_index_that_cannot_be_read_is_none(kind: str) -> None:
    assert frame_table(fake_object(BROKEN[kind])[0], 0) is None


def test_no_content_leads_on_for_ever() -> None:
    good = [whole(), opendml()]
    for seed in range(400):
        chance = Random(seed)
        content = bytearray(chance.choice(good))
        for _ in range(chance.choice((1, 3, 20))):
            content[chance.randrange(len(content))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        del content[chance.choice((len(content), chance.randrange(len(content)))) :]
        ranges = FakeRanges(len(content), {0: bytes(content)})
        found = frame_table(Reader(ranges, ReadPolicy(block=256, gap=0)), 0)
        assert found is None or len(found.places) == len(found.sizes) >= len(found.keyframes)
        assert ranges.requests < 100
