"""AVI, which has an index of its own and no times of showing."""

import io
import json
import struct
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageSequence

from model import ReadPolicy
from tests.unit.fake_object import fake_object
from worker.container import open_video
from worker.container.avi import Avi
from worker.index import Shot

from .service import Service, is_near
from .test_streams import shown, shows_its_seconds, tiles
from .videos import H264, SECONDS, Studio

MJPEG = ("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-huffman", "default")
MPEG4 = ("-c:v", "mpeg4", "-q:v", "2", "-g", "20")
NOT_A_KEYFRAME = 1 << 31


def chunk(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def padded(film: bytes, padding: int, opendml: bool = False) -> bytes:
    """Return the frames of an MJPEG film at 10 a second in another AVI, with padding after each, and an index at its
    end."""
    with av.open(io.BytesIO(film), "r") as container:
        frames = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    strh = chunk(
        b"strh", b"vidsMJPG", struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, 10, 0, len(frames), 0, 0, 0, 0, 0, 128, 72)
    )
    strf = chunk(b"strf", struct.pack("<IiiHH4sIiiII", 40, 128, 72, 1, 24, b"MJPG", 0, 0, 0, 0, 0))
    avih = chunk(b"avih", struct.pack("<14I", 100000, 0, 0, 0x10, len(frames), 0, 1, 0, 128, 72, 0, 0, 0, 0))
    indx = bytes(8 + 24 + 16) if opendml else b""

    def head(index: bytes) -> bytes:
        return chunk(b"LIST", b"hdrl", avih, chunk(b"LIST", b"strl", strh, strf, index))

    movi, places = b"movi", []
    start = 12 + len(head(indx)) + 8
    for frame in frames:
        places.append(len(movi))
        movi += chunk(b"00dc", frame) + chunk(b"JUNK", bytes(padding))
    if not opendml:
        rows = (b"00dc" + struct.pack("<III", 0x10, at, len(frame)) for at, frame in zip(places, frames, strict=True))
        return chunk(b"RIFF", b"AVI ", head(b""), chunk(b"LIST", movi), chunk(b"idx1", *rows))
    rows = (struct.pack("<II", at + 8, len(frame)) for at, frame in zip(places, frames, strict=True))
    ix00 = chunk(b"ix00", struct.pack("<HBBI4sQI", 2, 0, 1, len(frames), b"00dc", start, 0), *rows)
    place = start + len(movi)
    movi += ix00
    named = struct.pack("<HBBI4s12xQII", 4, 0, 0, 1, b"00dc", place, len(ix00), len(frames))
    return chunk(b"RIFF", b"AVI ", head(chunk(b"indx", named)), chunk(b"LIST", movi))


CODECS = {
    "H.264": (*H264, "-g", "20", "-bf", "0"),
    "H.264 with B-frames": (*H264, "-g", "20", "-bf", "3"),
    "H.264 with a pyramid of them": (*H264, "-g", "40", "-bf", "8", "-x264-params", "b-pyramid=normal:open-gop=1"),
    "MPEG-4": MPEG4,
    "MPEG-4 with B-frames": (*MPEG4, "-bf", "2"),
    "MPEG-2 with B-frames": ("-c:v", "mpeg2video", "-q:v", "2", "-g", "20", "-bf", "2", "-r", "25"),
    "MJPEG": MJPEG,
    "Windows Media": ("-c:v", "wmv2", "-q:v", "2", "-g", "20"),
}


@pytest.mark.parametrize("ways", ["whole", "by ranges", "without its index"])
@pytest.mark.parametrize("codec", CODECS)
def test_each_frame_is_at_its_moment(service: Service, studio: Studio, codec: str, ways: str) -> None:
    content = studio.counting("film.avi", *CODECS[codec]).read_bytes()
    if ways == "by ranges":
        service.read_by_ranges()
    elif ways == "without its index":
        content = content[: content.rindex(b"idx1")]
    shows_its_seconds(service, content, 0.0, 0.9, 1.0, 3.9, 4.0, 7.9)


@pytest.mark.parametrize("codec", CODECS)
def test_a_keyframe_alone_has_the_time_when_it_is_shown(studio: Studio, codec: str) -> None:
    film = studio.counting("film.avi", *CODECS[codec])
    with av.open(str(film)) as container:
        rate = float(container.streams.video[0].base_rate or 0)
        frames = [frame.key_frame for frame in container.decode(video=0)]
    shown_at = [number / rate for number, is_key in enumerate(frames) if is_key]
    demuxer = open_video(fake_object(film.read_bytes(), policy=ReadPolicy(whole=0, scan=0, edge=8192, tail=8192))[0])
    assert type(demuxer) is Avi
    runs = demuxer.read(tuple(map(Shot, range(len(demuxer.index)))))
    assert [run.start for run in runs] == pytest.approx(shown_at, abs=0.001)
    assert all(len(run.packets) == 1 for run in runs)
    demuxer.close()


@pytest.mark.parametrize("opendml", [False, True], ids=["idx1", "OpenDML"])
def test_of_a_large_one_the_index_and_the_frames_wanted_are_read(
    service: Service, studio: Studio, opendml: bool
) -> None:
    content = padded(studio.counting("film.avi", *MJPEG).read_bytes(), 20_000, opendml)
    service.read_by_ranges(scan=200_000)
    answer = service.poster(content, position="77%", storyboard=True, preview="webp", manifest=True)
    shown(answer, 6)
    assert answer.notes == []
    assert json.loads(answer.text(".thumbnails.json"))["video"]["seconds"] == 8.0
    for start, end, second in tiles(answer):
        assert start - 1 <= second <= end
    assert any(is_near(frame, SECONDS[6], 25) for frame in _preview(service, answer.keys))
    assert answer.said["read"]["bytes"] < len(content) / 3


def _preview(service: Service, keys: list[str]) -> list[tuple[int, ...]]:
    (key,) = (key for key in keys if key.endswith(".webp"))
    content = service.client.get_object(Bucket=service.bucket, Key=key)["Body"].read()
    frames = ImageSequence.Iterator(Image.open(io.BytesIO(content)))
    return [frame.convert("RGB").resize((4, 8)).getpixel((1, 2)) for frame in frames]  # type: ignore[misc]


def test_a_recording_that_was_never_finished_is_read_to_its_end(service: Service, studio: Studio) -> None:
    content = bytearray(studio.counting("film.avi", *MJPEG).read_bytes())
    del content[content.rindex(b"idx1") :]
    for place in (4, content.index(b"movi") - 4, content.index(b"avih") + 24, content.index(b"strh") + 40):
        content[place : place + 4] = bytes(4)
    shows_its_seconds(service, bytes(content))


@pytest.mark.parametrize("length", [0, 1, 10_000_000])
def test_a_wrong_length_in_the_header_is_not_believed(service: Service, studio: Studio, length: int) -> None:
    content = bytearray(studio.counting("film.avi", *MJPEG).read_bytes())
    for place in (content.index(b"avih") + 24, content.index(b"strh") + 40):
        content[place : place + 4] = struct.pack("<I", length)
    answer = service.poster(bytes(content), position="55%", manifest=True)
    shown(answer, 4)
    assert json.loads(answer.text(".thumbnails.json"))["video"]["seconds"] == 8.0


@pytest.mark.parametrize("flag", [0x10, 0], ids=["every frame a keyframe", "no frame a keyframe"])
@pytest.mark.parametrize("codec", ["MPEG-4", "H.264 with B-frames"])
def test_an_index_that_calls_frames_what_they_are_not_is_not_believed(
    service: Service, studio: Studio, flag: int, codec: str
) -> None:
    content = bytearray(studio.counting("film.avi", *CODECS[codec]).read_bytes())
    for place in range(content.rindex(b"idx1") + 8, len(content) - 15, 16):
        content[place + 4 : place + 8] = struct.pack("<I", flag)
    shows_its_seconds(service, bytes(content), 0.0, 1.9, 4.5, 7.5)


def test_images_without_their_tables_are_shown(service: Service, studio: Studio) -> None:
    content = bytearray(studio.counting("film.avi", *MJPEG).read_bytes())
    for before, after in pairwise([-1, *(n for n in range(len(content)) if content[n : n + 2] == b"\xff\xc4")]):
        assert before < after
        content[after + 1] = 0xFE  # A comment in the place of Huffman tables.
    shows_its_seconds(service, bytes(content), 0.0, 4.5)
