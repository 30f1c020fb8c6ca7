"""Packets that hold a picture which no other is decoded from: without them the others must look the same."""

import pytest

from worker.bitstream.unreferenced import Disposables

from .encoded import decoded, encoded, packets

QUIET = "log-level=none:"
VIDEOS = {
    "H.264": ("libx264", {"bf": "2", "g": "12", "x264-params": "b-adapt=0:scenecut=0"}),
    "H.264 with a pyramid": ("libx264", {"bf": "3", "g": "12", "x264-params": "b-pyramid=normal:b-adapt=0:scenecut=0"}),
    "H.264 in fields": ("libx264", {"bf": "2", "g": "12", "x264-params": "tff=1:b-adapt=0:scenecut=0"}),
    "HEVC": ("libx265", {"g": "12", "x265-params": QUIET + "bframes=2:b-adapt=0"}),
    "HEVC with a pyramid": ("libx265", {"g": "12", "x265-params": QUIET + "bframes=4:b-pyramid=1:b-adapt=0"}),
}


@pytest.mark.parametrize("kind", VIDEOS)
def test_what_is_disposable_can_be_left_out(kind: str) -> None:
    stream, found = packets(encoded(*VIDEOS[kind]))
    disposables = Disposables(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    kept = [packet for packet in found if not disposables.has(bytes(packet))]
    assert len(kept) < len(found), "every picture is needed, where B-pictures are not"
    times = {packet.pts for packet in kept}
    whole = decoded(stream, found)
    assert decoded(stream, kept) == {time: picture for time, picture in whole.items() if time in times}


@pytest.mark.parametrize("codec", ["mpeg4", "libvpx-vp9"])
def test_of_other_codecs_everything_is_kept(codec: str) -> None:
    stream, found = packets(encoded(codec, {"g": "12"}))
    disposables = Disposables(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    assert not any(disposables.has(bytes(packet)) for packet in found)


@pytest.mark.parametrize("configuration", [None, b"", b"\1", b"\0\0\0\1\x67" + bytes(30), bytes(100)])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_without_a_configuration_record_everything_is_kept(codec: str, configuration: bytes | None) -> None:
    _, found = packets(encoded("libx264", {"bf": "2"}))
    disposables = Disposables(codec, configuration)
    assert not any(disposables.has(bytes(packet)) for packet in found)


@pytest.mark.parametrize("packet", [b"", b"\0", b"\0\0\0\0", b"\0\0\0\1", bytes(1000)])
def test_a_broken_packet_is_kept(packet: bytes) -> None:
    assert not Disposables("h264", b"\1\x64\0\x0a\xff\xe1\0").has(packet)
