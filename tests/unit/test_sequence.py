"""What streams say of their frames, in headers that real encoders wrote, and in those that nobody did."""

import random
import time
from typing import Any

import pytest

from worker.bitstream.sequence import Sequence, Sequences

from .encoded import encoded, packets

TAGS = {
    (1, 1, 1): "colorprim=bt709:transfer=bt709:colormatrix=bt709",
    (9, 16, 9): "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
    (9, 18, 9): "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    (5, 2, 5): "colorprim=bt470bg:colormatrix=bt470bg",
    (12, 13, 1): "colorprim=smpte432:transfer=iec61966-2-1:colormatrix=bt709",
    (2, 2, 2): "",
}
KINDS = {
    "high": ({}, "yuv420p", ""),
    "baseline": ({"profile": "baseline"}, "yuv420p", ""),
    "main": ({"profile": "main"}, "yuv420p", ""),
    "in fields": ({}, "yuv420p", "tff=1:"),
    "with scaling lists": ({}, "yuv420p", "cqm=jvt:"),
    "4:2:2, 10 bits": ({}, "yuv422p10le", ""),
    "4:4:4 with scaling lists": ({}, "yuv444p", "cqm=jvt:"),
    "with oblong pixels": ({}, "yuv420p", "sar=64/45:"),
    "with oddly oblong pixels": ({}, "yuv420p", "sar=999/1000:"),
    "with an overscan flag": ({}, "yuv420p", "overscan=show:"),
    "in full range": ({}, "yuv420p", "fullrange=on:"),
}


def tags_beside(codec: str, record: bytes) -> tuple[int, int, int] | None:
    return Sequences(codec, record).beside.tags


def configuration(kind: str, tags: str = "", size: tuple[int, int] = (64, 48)) -> bytes:
    options, layout, params = KINDS[kind]
    video = encoded("libx264", {**options, "x264-params": params + tags} if params + tags else options, size, layout)
    return packets(video)[0].codec_context.extradata or b""


@pytest.mark.parametrize("tags", TAGS, ids=map(str, TAGS))
@pytest.mark.parametrize("kind", KINDS)
def test_the_tags_of_every_kind_of_h264_are_read(kind: str, tags: tuple[int, int, int]) -> None:
    assert tags_beside("h264", configuration(kind, TAGS[tags])) == tags


@pytest.mark.parametrize("size", [(62, 46), (16, 16), (34, 18)])
def test_they_stand_behind_the_cropping(size: tuple[int, int]) -> None:
    assert tags_beside("h264", configuration("high", TAGS[9, 16, 9], size)) == (9, 16, 9)


@pytest.mark.parametrize("content", [b"", b"\1", bytes(50), b"\0\0\0\1\x67\x64", b"\1\x64\0\x0a\xff\xe0\0\0\0\0"])
def test_what_is_no_configuration_record_has_no_tags(content: bytes) -> None:
    assert tags_beside("h264", content) is None


def test_a_record_that_was_tampered_with_has_tags_or_none() -> None:
    chance = random.Random(3)
    record = configuration("with scaling lists", TAGS[9, 16, 9])
    seen = set()
    for _ in range(2000):
        content = bytearray(record[: chance.randrange(9, len(record) + 1)])
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        found = tags_beside("h264", bytes(content))
        assert all(0 <= tag <= 255 for tag in found or ())
        seen.add(found)
    assert len(seen) > 3


HEVC: dict[str, tuple[dict[str, str], str, str]] = {
    "main": ({}, "yuv420p", ""),
    "10 bits": ({}, "yuv420p10le", ""),
    "4:4:4, 12 bits": ({}, "yuv444p12le", ""),
    "with scaling lists": ({}, "yuv420p", "scaling-list=default:"),
    "with many references": ({}, "yuv420p", "ref=6:bframes=8:b-adapt=2:rc-lookahead=10:"),
    "with temporal layers": ({}, "yuv420p", "temporal-layers=3:"),
    "with oblong pixels": ({}, "yuv420p", "sar=999\\:1000:"),
    "lossless": ({}, "yuv420p", "lossless=1:"),
    "with an overscan flag": ({}, "yuv420p", "overscan=crop:"),
    "in full range, with the place of chroma": ({}, "yuv420p", "range=full:chromaloc=2:"),
}


@pytest.mark.parametrize(
    ("kind", "tags"), [*((kind, (9, 16, 9)) for kind in HEVC), *(("main", tags) for tags in TAGS if tags != (9, 16, 9))]
)
def test_the_tags_of_every_kind_of_hevc_are_read(kind: str, tags: tuple[int, int, int]) -> None:
    options, layout, params = HEVC[kind]
    video = encoded("libx265", {**options, "x265-params": f"log-level=none:{params}{TAGS[tags]}"}, layout=layout)
    assert tags_beside("hevc", packets(video)[0].codec_context.extradata or b"") == tags


def test_hevc_says_whether_its_pictures_are_fields() -> None:
    for params, has_fields in (("interlace=tff", True), ("interlace=bff", True), ("interlace=prog", False)):
        stream, _ = packets(encoded("libx265", {"x265-params": f"log-level=none:{params}"}))
        assert Sequences("hevc", stream.codec_context.extradata).beside.has_fields is has_fields


@pytest.mark.parametrize("tags", [(1, 1, 1), (9, 16, 9), (9, 18, 9), (2, 2, 2)], ids=str)
def test_the_tags_of_av1_are_read(tags: tuple[int, int, int]) -> None:
    params = "color-primaries={}:transfer-characteristics={}:matrix-coefficients={}".format(*tags)
    for container in ("mp4", "matroska"):
        options = {"preset": "12", "svtav1-params": params}
        stream, found = packets(encoded("libsvtav1", options, layout="yuv420p10le", container=container))
        sequences = Sequences("av1", stream.codec_context.extradata)
        assert sequences.beside.tags == tags
        assert sequences.at(bytes(found[0]), Sequence()).tags == tags


@pytest.mark.parametrize(
    ("options", "layout", "matrix"),
    [
        ({}, "yuv420p", 2),
        ({"colorspace": "bt709"}, "yuv420p", 1),
        ({"colorspace": "smpte170m"}, "yuv444p", 6),
        ({"colorspace": "bt2020nc"}, "yuv420p", 9),
        ({"colorspace": "bt2020nc"}, "yuv422p", 9),
        ({"colorspace": "rgb"}, "gbrp", 0),
    ],
)
def test_the_matrix_of_vp9_is_read(options: dict[str, str], layout: str, matrix: int) -> None:
    _, found = packets(encoded("libvpx-vp9", {"deadline": "realtime", **options}, layout=layout))
    sequences = Sequences("vp9", None)
    first = sequences.at(bytes(found[0]), Sequence())
    assert first.tags == (2, 2, matrix)
    assert sequences.at(bytes(found[1]), first) == first


def test_the_tags_of_mpeg_2_are_read() -> None:
    for options, tags in (
        ({"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}, (1, 1, 1)),
        ({"color_primaries": "bt470bg", "color_trc": "smpte170m", "colorspace": "bt470bg"}, (5, 6, 5)),
        ({}, (2, 2, 2)),
    ):
        _, found = packets(encoded("mpeg2video", {"g": "5", **options}, rate=25))
        assert Sequences("mpeg2video", None).at(bytes(found[0]), Sequence()).tags == tags


SIZES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "h264": ("libx264", {"x264-params": "repeat-headers=1"}, {"container": "mpegts"}),
    "hevc": ("libx265", {"x265-params": "log-level=none"}, {"container": "mpegts"}),
    "av1": ("libsvtav1", {"preset": "12"}, {}),
    "vp8": ("libvpx", {}, {}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime"}, {}),
    "mpeg1video": ("mpeg1video", {"g": "5"}, {"rate": 25}),
    "mpeg2video": ("mpeg2video", {"g": "5"}, {"rate": 25}),
    "mjpeg": ("mjpeg", {}, {"layout": "yuvj420p"}),
}


@pytest.mark.parametrize("codec", SIZES)
def test_another_size_is_another_sequence_and_the_same_size_the_same(codec: str) -> None:
    encoder, options, others = SIZES[codec]
    sequences = Sequences(codec, None)
    seen: list[Sequence] = []
    for size in ((128, 64), (64, 128), (128, 64)):
        _, found = packets(encoded(encoder, options, size, **others))
        keys = [bytes(packet) for packet in found if packet.is_keyframe]
        seen += [sequences.at(key, seen[-1] if seen else Sequence()) for key in (keys[0], keys[-1])]
    assert seen[0] == seen[1] == seen[4] == seen[5]
    assert seen[2] == seen[3] != seen[0]


@pytest.mark.parametrize(("number", "packing"), [(3, "side by side"), (4, "top and bottom"), (5, ""), (-1, "")])
def test_the_packing_of_stereo_video_is_read(number: int, packing: str) -> None:
    for container in ("mp4", "mpegts"):
        video = encoded("libx264", {"x264-params": f"frame-packing={number}:keyint=6"}, container=container)
        stream, found = packets(video)
        sequences = Sequences("h264", stream.codec_context.extradata)
        keys = [packet for packet in found if packet.is_keyframe]
        assert {sequences.at(bytes(key), sequences.beside).messages.packing for key in keys} == {packing}
        assert len(keys) > 1


def test_the_transfer_that_old_players_do_not_know_is_read() -> None:
    params = "log-level=none:colorprim=bt2020:transfer=bt2020-10:colormatrix=bt2020nc:atc-sei=18:repeat-headers=1"
    stream, found = packets(encoded("libx265", {"x265-params": params}, layout="yuv420p10le"))
    sequences = Sequences("hevc", stream.codec_context.extradata)
    sequence = sequences.at(bytes(found[0]), sequences.beside)
    assert sequence.tags == (9, 14, 9)
    assert sequence.messages.transfer == 18


@pytest.mark.parametrize("codec", [*SIZES, "x"])
def test_headers_that_were_tampered_with_are_read_or_not(codec: str) -> None:
    chance = random.Random(7)
    encoder, options, others = SIZES.get(codec, SIZES["mjpeg"])
    stream, found = packets(encoded(encoder, options, **others))
    contents = [bytes(found[0])[:400], stream.codec_context.extradata or b"\1" * 40]
    for _ in range(500):
        mutants = [bytearray(content[: chance.randrange(1, len(content) + 1)]) for content in contents]
        for mutant in mutants:
            for _ in range(chance.randrange(1, 6)):
                mutant[chance.randrange(len(mutant))] = chance.randrange(256)
        sequences = Sequences(codec, bytes(mutants[1]))
        for sequence in (sequences.beside, sequences.at(bytes(mutants[0]), sequences.beside)):
            assert all(0 <= tag <= 255 for tag in sequence.tags or ())


@pytest.mark.parametrize("codec", [*SIZES, "x"])
def test_no_packet_takes_long_to_look_into(codec: str) -> None:
    units = (b"\0\0\1\x06" + b"\5\0" * 2000) * 4096, (b"\0\0\1\x4e\1" + b"\5\0" * 2000) * 4096
    began = time.process_time()
    for content in (
        *units,
        bytes(2**24),
        b"\xff" * 2**24,
        b"\0\0\1\xb5" * 2**22,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 2**20,
    ):
        for record in (None, b"\1" * 40):
            Sequences(codec, record).at(content, Sequence())
    assert time.process_time() - began < 3
