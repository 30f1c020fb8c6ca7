"""Packets that say themselves whether decoding can begin at them: what real encoders wrote, and what nobody did."""

import random
from typing import Any

import pytest

from pipeline.intra import Intra

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
    "Cinepak": ("cinepak", GROUPS, {"container": "avi", "layout": "rgb24"}),
}


@pytest.mark.parametrize("kind", CODECS)
def test_what_an_encoder_calls_a_keyframe_is_one_and_nothing_else(kind: str) -> None:
    codec, options, others = CODECS[kind]
    stream, found = packets(encoded(codec, options, **others))
    intra = Intra(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    assert [intra.may_be(bytes(packet)) for packet in found] == [packet.is_keyframe for packet in found]
    assert 1 < sum(packet.is_keyframe for packet in found) < len(found)


def test_the_longer_header_of_h263_is_read_too() -> None:
    # Only AVI takes it, and its demuxer calls every picture a keyframe.
    _, found = packets(encoded("h263p", GROUPS, (160, 120), container="avi"))
    intra = Intra("h263", None)
    assert [intra.may_be(bytes(packet)) for packet in found] == [number % 5 == 0 for number in range(len(found))]


@pytest.mark.parametrize("codec", ["ffv1", "libsvtav1"])
def test_of_other_codecs_every_packet_is_believed(codec: str) -> None:
    stream, found = packets(encoded(codec, {"g": "5"}))
    intra = Intra(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    assert all(intra.may_be(bytes(packet)) for packet in found)


@pytest.mark.parametrize("codec", ["hevc", "mpeg2video", "mpeg4", "h263", "vp8", "vp9", "wmv1", "wmv2", "cinepak", "x"])
def test_packets_of_chance_are_keyframes_or_not(codec: str) -> None:
    chance = random.Random(5)
    for configuration in (None, b"", b"\1" + bytes(40), bytes(40)):
        intra = Intra(codec, configuration)
        for length in range(1, 200):
            assert intra.may_be(chance.randbytes(length)) in (True, False)
