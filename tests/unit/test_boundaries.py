"""Where reading can go on in the middle of an object, in files of real muxers and in noise."""

import io
from fractions import Fraction
from random import Random

import av
import pytest

from worker.container.boundaries import boundary_of

FORMATS = {
    "mpegts": "mpegts",
    "mpeg": "mpeg",
    "flv": "flv",
    "asf": "asf",
    "ogg": "ogg",
    "matroska": "matroska",
    "avi": "avi",
}
CODECS = {"mpegts": "mpeg2video", "mpeg": "mpeg2video", "flv": "flv", "asf": "wmv2", "ogg": "libvpx"}
STARTS = {
    "mpegts": b"\x47",
    "mpeg": b"\0\0\x01\xba",
    "ogg": b"OggS",
    "matroska": b"\x1f\x43\xb6\x75",
}


def muxed(format_: str) -> bytes:
    """Ten seconds of noise, a megabyte or more."""
    content, chance = io.BytesIO(), Random(1)
    options = {"live": "1", "cluster_time_limit": "500"} if format_ == "matroska" else {}
    with av.open(content, "w", format=format_, options=options) as output:
        stream = output.add_stream(
            CODECS.get(format_, "mpeg4"), rate=25, options={"g": "12", "b": "1500k", "deadline": "realtime"}
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(250):
            frame = av.VideoFrame(160, 96, "yuv420p")
            for plane in frame.planes:
                plane.update(chance.randbytes(plane.buffer_size))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return content.getvalue()


@pytest.fixture(scope="module", params=FORMATS)
def video(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return request.param, muxed(request.param)


def frames(format_: str, content: bytes) -> list[tuple[int | None, int, bytes]]:
    """Return the time and place of each packet, and itself."""
    options = {"probesize": "65536", "fflags": "ignidx"}
    with av.open(io.BytesIO(content), "r", format=format_, container_options=options) as container:
        packets = container.demux(video=0)
        return [(packet.pts or packet.dts, packet.pos or 0, bytes(packet)) for packet in packets if packet.size]


def test_reading_goes_on_after_any_place(video: tuple[str, bytes]) -> None:
    format_, content = video
    found = boundary_of(format_, content[: 2**18])
    assert found is not None
    head, boundary = found
    assert head < len(content) // 3
    whole = {packet for _, _, packet in frames(format_, content)}
    for place in (len(content) // 3, len(content) // 2 + 77, len(content) * 3 // 4):
        at = boundary(content[place : place + 2**18], place)
        assert at is not None
        assert content[place + at :].startswith(STARTS.get(format_, b""))
        joined = content[:head] + content[place + at : place + 2**18]
        its = [packet for _, position, packet in frames(format_, joined) if position >= head]
        # The first frame may have lost its beginning, the last one its end.
        assert len(its) > 3
        assert all(packet in whole for packet in its[1:-1])


def test_there_is_no_place_in_what_holds_none(video: tuple[str, bytes]) -> None:
    format_, content = video
    found = boundary_of(format_, content[: 2**18])
    assert found is not None
    if format_ != "asf":
        assert found[1](bytes(5000), 0) is None
    found[1](b"", 7)


@pytest.mark.parametrize("format_", [*FORMATS, "h264", "hevc", "m4v", "mpegvideo", "mov", "dv"])
def test_noise_and_zeros_are_no_fault(format_: str) -> None:
    for content in (b"", bytes(2**16), b"\x47" * 2**16, b"\0\0\x01\xba" * 2**14, Random(2).randbytes(2**18)):
        found = boundary_of(format_, content)
        if found is not None:
            head, boundary = found
            assert 0 <= head <= len(content)
            place = boundary(content, 12345)
            assert place is None or place >= 0


def test_packets_of_a_size_that_cannot_be_end_the_search() -> None:
    header = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + (5000).to_bytes(8, "little") + bytes(6)
    properties = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365") + bytes(76)
    for smallest, largest in ((0, 0), (1, 2), (2**32 - 1, 2**32 - 1)):
        sizes = smallest.to_bytes(4, "little") + largest.to_bytes(4, "little")
        found = boundary_of("asf", (header + properties + sizes).ljust(9000, b"\0"))
        assert found is None or smallest == largest != 0
