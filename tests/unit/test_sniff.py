"""Sniffing: a container is known by its first bytes, cut or not, and nothing else is taken for one."""

import random
import struct

import pytest

from model import Rejected
from worker.container.sniff import SNIFFED, called, format_of

TS_PACKET = b"\x47\x41\x00\x10" + bytes(184)
PACK = bytes.fromhex("000001ba44000400040189c3f8")  # of MPEG-2; a last byte says how much stuffing follows
PACK_1 = bytes.fromhex("000001ba2100010001800fa1")  # of MPEG-1
PES = bytes.fromhex("000001e0") + struct.pack(">H", 100) + b"\x80" + bytes(99)
SPS = bytes.fromhex("00000001 6764000a acd9")
PPS = bytes.fromhex("00000001 68ebe3cb 22c0")
HEVC_SETS = bytes.fromhex("00000001 40010c01 00000001 420101016000 00000001 4401c172b0")
MPEG4 = bytes.fromhex("000001b001 000001b589 00000100 00000120 00845d4c")

CONTAINERS = [
    (b"\0\0\0\x18ftypisom", "mov"),
    (b"\0\0\0\x08moov", "mov"),
    (b"\0\0\0\x08mdat", "mov"),
    (b"\0\0\0\x08wide", "mov"),
    (b"\0\0\0\x20emsg", "mov"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"RIFF\0\0\0\0AVI LIST", "avi"),
    (b"RIFF\0\0\0\0CDXAfmt ", "mpeg"),
    (b"FLV\x01\x05", "flv"),
    (b"OggS\0", "ogg"),
    (bytes.fromhex("3026b2758e66cf11"), "asf"),
    (TS_PACKET * 6, "mpegts"),
    ((bytes(4) + TS_PACKET) * 6, "mpegts"),
    ((TS_PACKET + bytes(16)) * 6, "mpegts"),
    (TS_PACKET[100:] + TS_PACKET * 6, "mpegts"),
    ((TS_PACKET + bytes(16))[190:] + (TS_PACKET + bytes(16)) * 6, "mpegts"),
    (b"ID3\4\0\0\0\0\0\x3f" + bytes(63) + TS_PACKET * 6, "mpegts"),
    (b"\0\0\x01\xba", "mpeg"),
    (PES + PES, "mpeg"),
    (bytes(5000) + PACK + b"\xf8" + PES, "mpeg"),
    (bytes.fromhex("000001bb0004") + bytes(4) + PES, "mpeg"),
    (bytes(range(200, 250)) * 9 + PACK + b"\xfa\xff\xff" + PES, "mpeg"),
    (bytes(range(200, 250)) * 9 + PACK_1 + PES, "mpeg"),
    (b"\0\0\x01\xb3\x14\0\xf0", "mpegvideo"),
    (b"\0\0\0\x01\xb3\x14\0\xf0", "mpegvideo"),
    (SPS + PPS, "h264"),
    (bytes.fromhex("0000000109f0") + SPS + PPS, "h264"),
    (SPS[1:] + PPS[1:], "h264"),
    (HEVC_SETS, "hevc"),
    (bytes.fromhex("00000001460110") + HEVC_SETS, "hevc"),
    (MPEG4, "m4v"),
    (MPEG4[10:], "m4v"),
    (b"\x1f\x07\x00\x3f", "dv"),
]


@pytest.mark.parametrize(("start", "name"), CONTAINERS, ids=[f"{name} {n}" for n, (_, name) in enumerate(CONTAINERS)])
def test_a_container_is_known_by_its_first_bytes(start: bytes, name: str) -> None:
    assert format_of((start + bytes(range(1, 255)) * 12)[:SNIFFED]) == name


OTHERS = [
    b"#EXTM3U\n#EXT-X-VERSION:3\n",
    b"ffconcat version 1.0\n",
    b"v=0\r\no=- 0 0 IN IP4 127.0.0.1",
    b"\xff\xd8\xff\xe0\0\x10JFIF",
    b"RIFF\0\0\0\0WAVE",
    b"<?xml version='1.0'?><MPD/>",
    b"\x47" + bytes(600),
    b"G" * SNIFFED,
    b"ID3\x04" + bytes(2000),
    b"x",
    b"",
    bytes(5000),
    b"\0\0\x01",
    b"\0\0\x01\xe0\0\x10" + bytes(5000),
    b"\0\0\x01\x67" + bytes(5000),
    b"\0\0\x01\xb6" * 500,
    SPS + bytes(500),
    b"text" + SPS + PPS,
]


@pytest.mark.parametrize("content", OTHERS, ids=range(len(OTHERS)))
def test_anything_else_is_rejected_with_what_is_supported(content: bytes) -> None:
    with pytest.raises(Rejected, match=r"no container found.*MP4.*MPEG-TS"):
        format_of(content)


def test_what_else_is_recognised_is_named() -> None:
    with pytest.raises(Rejected, match="a JPEG image"):
        format_of(b"\xff\xd8\xff\xe0\0\x10JFIF")


def test_noise_is_no_container() -> None:
    for seed in range(200):
        with pytest.raises(Rejected):
            format_of(random.Random(seed).randbytes(SNIFFED))


def test_start_codes_without_end_are_gone_through_quickly() -> None:
    for content in (
        *(PES[:size] for size in range(8)),
        b"x" + PACK,
        b"\0\0\x01" * 6000,
        b"\0\0\x01\xba\x44" * 4000,
        b"\0\0\x01\x07" * 4000,
    ):
        try:
            format_of(content)
        except Rejected:
            continue


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypisom", "mp4"),
        (b"\0\0\0\x18ftypM4V ", "mp4"),
        (b"\0\0\0\x14ftypqt  ", "mov"),
        (b"\0\0\0\x08wide", "mov"),
        (b"\0\0\0\x1cftyp3gp5", "3gp"),
        (bytes.fromhex("1a45dfa3 9f 4286810142f7810142f2810442f381084282847765626d"), "webm"),
        (bytes.fromhex("1a45dfa3 a3 4286810142f7810142f2810442f381084282") + b"\x88matroska", "mkv"),
        (TS_PACKET * 6, "ts"),
        (b"\0\0\x01\xba", "mpg"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
    ],
)
def test_containers_have_the_names_that_people_know(start: bytes, name: str) -> None:
    assert called(format_of(start), start) == name
