"""The order of showing, told from the packets of real encoders as their containers say it."""

from random import Random

import pytest

from worker.bitstream.order import REORDER, Order, ranked

from .encoded import encoded, packets

QUIET = "log-level=none:repeat-headers=1:annexb=1:"
PYRAMID = "b-pyramid=normal:b-adapt=0:scenecut=0"
VIDEOS = {
    "H.264": ("libx264", {"bf": "3", "g": "12"}, "yuv420p"),
    "H.264 with a pyramid and open GOPs": (
        "libx264",
        {"bf": "6", "g": "5", "x264-params": f"{PYRAMID}:open-gop=1"},
        "yuv420p",
    ),
    "H.264 of a few frames a GOP": ("libx264", {"bf": "2", "g": "4", "x264-params": PYRAMID}, "yuv420p"),
    "H.264 in fields": ("libx264", {"bf": "2", "x264-params": f"tff=1:{PYRAMID}"}, "yuv420p"),
    "H.264, 4:4:4": ("libx264", {"bf": "3"}, "yuv444p"),
    "H.264 without B-frames": ("libx264", {"bf": "0"}, "yuv420p"),
    "HEVC": ("libx265", {"x265-params": QUIET + "bframes=4:b-pyramid=1:b-adapt=0:keyint=12"}, "yuv420p"),
    "HEVC with open GOPs": ("libx265", {"x265-params": QUIET + "bframes=3:b-adapt=0:keyint=5:open-gop=1"}, "yuv420p"),
    "MPEG-4": ("mpeg4", {"bf": "2", "g": "5"}, "yuv420p"),
    "MPEG-2": ("mpeg2video", {"bf": "2", "g": "5"}, "yuv420p"),
    "MPEG-1": ("mpeg1video", {"bf": "2", "g": "5"}, "yuv420p"),
    "MJPEG": ("mjpeg", {}, "yuvj420p"),
}


def order_of(video: str) -> tuple[Order, list[tuple[bytes, int]]]:
    codec, options, layout = VIDEOS[video]
    rate = 25 if codec.startswith("mpeg") else 10
    stream, found = packets(encoded(codec, options, layout=layout, rate=rate))
    context = stream.codec_context
    return Order(context.codec.canonical_name, context.extradata), [(bytes(it), it.pts or 0) for it in found]


@pytest.mark.parametrize("video", VIDEOS)
def test_frames_are_ranked_as_they_are_shown(video: str) -> None:
    order, found = order_of(video)
    shown = sorted(time for _, time in found)
    ranks = list(ranked(found, lambda frame: order.number(frame[0])))
    assert [frame for frame, _ in ranks] == found
    assert [rank for _, rank in ranks] == [shown.index(time) for _, time in found]


def test_reading_may_begin_at_any_keyframe() -> None:
    _, found = order_of("H.264 of a few frames a GOP")
    order, _ = order_of("H.264 of a few frames a GOP")
    later = found[4:]
    shown = sorted(time for _, time in later)
    assert [rank for _, rank in ranked(later, lambda frame: order.number(frame[0]))] == [
        shown.index(time) for _, time in later
    ]


def test_a_frame_packed_with_another_one_is_shown_after_it() -> None:
    def frame(kind: int, size: int = 60) -> bytes:
        return b"\0\0\1\xb6" + bytes([kind << 6]) + bytes(size)

    stored = [frame(0), frame(1) + frame(2), frame(2), frame(1, 3), frame(1) + frame(2), frame(1, 3), frame(1)]
    order = Order("mpeg4", None)
    assert [rank for _, rank in ranked(stored, order.number)] == [0, 3, 1, 2, 5, 4, 6]


def test_what_has_no_numbers_is_shown_as_it_is_decoded() -> None:
    assert [rank for _, rank in ranked(range(50), lambda _: None)] == list(range(50))


def test_numbers_far_out_of_order_end_in_ranks_of_what_was_read() -> None:
    numbers = Random(1).sample(range(1000), 100)
    ranks = [rank for _, rank in ranked(numbers, lambda number: (False, number))]
    assert all(0 <= rank < min(100, place + 1 + REORDER) for place, rank in enumerate(ranks))


@pytest.mark.parametrize("packet", [b"", b"\0", b"\0\0\1", b"\0\0\1\x65", b"\0\0\1\xb6", b"\0\0\1\0\0", b"\xff" * 50])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4", "mpeg2video", "vp8"])
def test_a_broken_packet_is_no_fault(codec: str, packet: bytes) -> None:
    sets = bytes.fromhex("00000001 6764000a acd94441f0000000")
    order = Order(codec, sets)
    for _ in range(3):
        found = order.number(packet)
        assert found is None or isinstance(found[1], int)
