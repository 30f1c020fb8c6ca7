"""The clip that FFmpeg gets: every packet in its place, whatever timestamps it had before."""

from __future__ import annotations  # PyAV's packets are generic for the type checker alone

import io
from fractions import Fraction

import av
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from worker.container import Run
from worker.decode.clip import TICKS, Clip, remux

COUNT = 12


def packets(shift: int = 0) -> tuple[VideoStream, list[Packet[VideoStream]]]:
    """Return the packets of a tiny H.264 video with B-frames, a keyframe every six pictures, and their stream."""
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=10, options={"bf": "2", "g": "6", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(COUNT):
            frame = av.VideoFrame(32, 32, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([10 * number % 256]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    content.seek(0)
    container = av.open(content, "r")
    video = container.streams.video[0]
    found = [packet for packet in container.demux(video) if packet.size]
    for packet in found:
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
    return video, found


def run_of(found: list[Packet[VideoStream]], wanted: dict[int, float]) -> Run:
    return Run(tuple(found), tuple(packet.pts or 0 for packet in found), wanted)


def timestamps(clip: Clip) -> list[tuple[int, int]]:
    """(time of decoding, time of showing) of each packet of a clip, in ticks."""
    with av.open(io.BytesIO(clip.content), "r") as container:
        return [
            (round(p.dts * p.time_base * TICKS), round(p.pts * p.time_base * TICKS))
            for p in container.demux(container.streams.video[0])
            if p.size and p.dts is not None and p.pts is not None
        ]


@pytest.mark.parametrize("shift", [0, 10**9, -(10**6)])
def test_no_picture_is_shown_before_it_is_decoded_nor_before_zero(shift: int) -> None:
    stream, found = packets(shift)
    times = timestamps(remux(stream, [run_of(found, {5: 0.5})]))
    assert all(0 <= decoded <= shown for decoded, shown in times)
    assert [decoded for decoded, _ in times] == sorted({decoded for decoded, _ in times}), "not one behind the other"
    assert len({shown for _, shown in times}) == len(times), "two pictures have one time"


def test_pictures_are_shown_in_the_order_that_they_had() -> None:
    stream, found = packets()
    before = sorted(range(COUNT), key=lambda place: found[place].pts or 0)
    clip = remux(stream, [run_of(found, {place: float(place) for place in range(COUNT)})])
    times = timestamps(clip)
    assert len(times) == clip.decoded == COUNT
    assert sorted(range(COUNT), key=lambda place: times[place][1]) == before
    # Each wanted picture is found again by its time.
    assert {shown: clip.targets[shown] for _, shown in times} == clip.targets
    assert [clip.targets[times[place][1]] for place in range(COUNT)] == [float(place) for place in range(COUNT)]


def test_runs_follow_one_another() -> None:
    stream, found = packets()
    keys = [place for place, packet in enumerate(found) if packet.is_keyframe]
    assert len(keys) == 2
    runs = [run_of(found[keys[1] :], {0: 0.6}), run_of(found[: keys[1]], {0: 0.0})]
    clip = remux(stream, runs)
    times = timestamps(clip)
    assert [decoded for decoded, _ in times] == sorted(decoded for decoded, _ in times)
    assert [clip.targets[tick] for tick in sorted(clip.targets)] == [0.6, 0.0]
    assert set(clip.targets) <= {shown for _, shown in times}


def test_the_wanted_picture_alone_makes_a_clip() -> None:
    stream, found = packets()
    clip = remux(stream, [run_of(found[:1], {0: 0.25})])
    assert clip.decoded == 1
    assert list(clip.targets.values()) == [0.25]
    assert clip.codec == "h264"
    assert len(clip.content) < 20_000
