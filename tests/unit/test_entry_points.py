"""Packets that say themselves whether decoding can begin there: what real encoders wrote, and what nobody did."""

import random
import time
from typing import Any

import pytest

from tests.pictures.fields import in_fields
from worker.bitstream.keyframes import EntryPoints

from .encoded import encoded, packets

GROUPS = {"g": "5", "bf": "0", "sc_threshold": "1000000000"}
CODECS: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "HEVC": ("libx265", {"x265-params": "log-level=none:keyint=5:min-keyint=5"}, {}),
    "HEVC behind start codes": ("libx265", {"x265-params": "log-level=none:keyint=5"}, {"container": "mpegts"}),
    "MPEG-1": ("mpeg1video", {"g": "5", "bf": "2"}, {"rate": 25}),
    "MPEG-2": ("mpeg2video", {"g": "5", "bf": "2"}, {"rate": 25}),
    "MPEG-4": ("mpeg4", {"g": "5", "bf": "2"}, {}),
    "H.263": ("h263", GROUPS, {"container": "mov", "size": (176, 144)}),
    "VP8": ("libvpx", GROUPS, {}),
    "VP9": ("libvpx-vp9", {"g": "5", "deadline": "realtime"}, {}),
    "MPEG-4 of Microsoft, 2": ("msmpeg4v2", GROUPS, {"container": "avi"}),
    "MPEG-4 of Microsoft, 3": ("msmpeg4", GROUPS, {"container": "avi"}),
    "WMV 7": ("wmv1", GROUPS, {"container": "avi"}),
    "WMV 8": ("wmv2", GROUPS, {"container": "avi"}),
    "AV1": ("libsvtav1", {"g": "5", "preset": "12"}, {}),
    "Cinepak": ("cinepak", GROUPS, {"container": "avi", "layout": "rgb24"}),
}


@pytest.mark.parametrize("kind", CODECS)
def test_what_an_encoder_calls_a_keyframe_is_one_and_nothing_else(kind: str) -> None:
    codec, options, others = CODECS[kind]
    stream, found = packets(encoded(codec, options, **others))
    points = EntryPoints(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    assert [points.recovery(bytes(packet)) == 0 for packet in found] == [packet.is_keyframe for packet in found]
    assert 1 < sum(packet.is_keyframe for packet in found) < len(found)


def test_the_longer_header_of_h263_is_read_too() -> None:
    # Only AVI takes it, and its demuxer calls every picture a keyframe.
    _, found = packets(encoded("h263p", GROUPS, (160, 120), container="avi"))
    points = EntryPoints("h263", None)
    assert [points.recovery(bytes(packet)) == 0 for packet in found] == [n % 5 == 0 for n in range(len(found))]


@pytest.mark.parametrize(("kind", "recovery"), [(7, 0), (8, 0), (9, 0), (0, None), (1, None), (2, None), (10, None)])
def test_of_vvc_the_type_of_the_first_slice_decides(kind: int, recovery: int | None) -> None:
    # ITU-T H.266, table 5: a delimiter comes first (20), and a slice with its type in the upper five bits.
    units = [b"\0\xa1\x28", bytes([0, kind << 3 | 1, 0x80])]
    behind_start_codes = b"".join(b"\0\0\0\1" + unit for unit in units)
    assert EntryPoints("vvc", b"\0\0\1").recovery(behind_start_codes) == recovery
    with_lengths = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    assert EntryPoints("vvc", b"\xff\0\x65").recovery(with_lengths) == recovery


def test_of_other_codecs_every_packet_is_believed() -> None:
    stream, found = packets(encoded("ffv1", {"g": "5"}))
    points = EntryPoints(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    assert all(points.recovery(bytes(packet)) == 0 for packet in found)


@pytest.mark.parametrize("container", ["mp4", "mpegts"])
@pytest.mark.parametrize(
    "params",
    [
        "intra-refresh=1:keyint=8:bframes=0:scenecut=0",
        "intra-refresh=1:keyint=8:bframes=2:scenecut=0:slices=3",
    ],
    ids=["plain", "with B-frames and slices"],
)
def test_where_the_picture_is_refreshed_part_by_part_it_takes_frames_to_recover(params: str, container: str) -> None:
    stream, found = packets(encoded("libx264", {"x264-params": params}, (128, 96), container=container))
    points = EntryPoints(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    recovery = [points.recovery(bytes(packet)) for packet in found]
    assert recovery[0] == 0
    first, *rest = (number for number in recovery[1:] if number is not None)
    assert 4 <= first <= 8
    assert all(number == first for number in rest)
    assert recovery.count(None) > len(rest)


@pytest.mark.parametrize(
    ("message", "recovery"),
    [(b"\6\1\x1d", 7), (b"\6\2\x09\x40", 9), (b"\1\1\x1d", None)],
    ids=["seven frames", "nine frames", "another message"],
)
def test_hevc_says_its_recovery_in_the_same_way(message: bytes, recovery: int | None) -> None:
    # Seven and nine as signed numbers in Exp-Golomb code.
    units = (b"\x46\1\x50", b"\x4e\1" + message + b"\x80", b"\x02\1\xd0")
    packet = b"".join(b"\0\0\0\1" + unit for unit in units)
    assert EntryPoints("hevc", None).recovery(packet) == recovery


@pytest.mark.parametrize("params", ["slices=4", "open-gop=1:bframes=2", "tff=1", "aud=1"])
@pytest.mark.parametrize("container", ["mp4", "mpegts"])
def test_of_h264_frames_of_intra_slices_are_keyframes(params: str, container: str) -> None:
    options = {"x264-params": f"keyint=4:min-keyint=2:scenecut=0:{params}"}
    stream, found = packets(encoded("libx264", options, (128, 96), container=container))
    points = EntryPoints("h264", stream.codec_context.extradata)
    assert [points.recovery(bytes(packet)) == 0 for packet in found] == [packet.is_keyframe for packet in found]
    assert sum(packet.is_keyframe for packet in found) == 3


def test_the_two_fields_of_a_keyframe_may_share_a_packet() -> None:
    # The second of them refers to the first.
    both = b"".join(in_fields([(50, 100, 200)]))
    assert EntryPoints("h264", None).recovery(both) == 0
    assert EntryPoints("h264", None).recovery(both.replace(b"\0\0\1\x65", b"\0\0\1\x61")) == 0


@pytest.mark.parametrize(
    "codec", ["h264", "hevc", "vvc", "mpeg2video", "mpeg4", "h263", "vp8", "vp9", "av1", "wmv1", "wmv2", "cinepak", "x"]
)
def test_packets_of_chance_are_keyframes_or_not(codec: str) -> None:
    chance = random.Random(5)
    for configuration in (None, b"", b"\1" + bytes(40), bytes(40), b"\xff"):
        points = EntryPoints(codec, configuration)
        for length in range(1, 200):
            recovery = points.recovery(chance.randbytes(length))
            assert recovery is None or recovery >= 0


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_packet_of_nothing_but_messages_is_read_in_no_time(codec: str) -> None:
    began = time.process_time()
    header = b"\x06" if codec == "h264" else b"\x4e\1"
    for content in (b"\xff" * 2**20, b"\6\1\x80" * 2**18, (b"\0\0\1" + header + b"\6\1\0\x80") * 2**14):
        EntryPoints(codec, None).recovery(b"\0\0\1" + header + content)
    assert time.process_time() - began < 2
