"""What is answered to files that are no videos, or no longer: one stated outcome each, and no retry."""

import os
from pathlib import Path

import pytest

from .service import Context, Service, is_near
from .videos import BLUE, GREEN, H264, SECONDS, Studio, plain

TEXTS = {
    "text": b"This is no video at all, but it has a few words.\n" * 20,
    "one byte": b"\x00",
    "zeros": bytes(5000),
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concat script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "DASH manifest": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "picture": bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(200) + b"\xff\xd9",
    "web page": b"<!doctype html><video src='file:///etc/passwd'></video>",
    "head of an MP4 alone": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2",
    "box without an end": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00\x00\x00\x00mdat" + bytes(100),
    "box larger than the file": b"\xff\xff\xff\xffmoov" + bytes(100),
    "box of no size": b"\x00\x00\x00\x07moov" + bytes(100),
    "head of Matroska alone": bytes.fromhex("1a45dfa3a3428681014287810142f2810442f381084282886d6174726f736b61"),
    "sync bytes": (b"\x47" + bytes(187)) * 30,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_what_is_no_video_is_rejected_with_a_reason(service: Service, kind: str) -> None:
    answer = service.answer(TEXTS[kind])
    assert answer.outcome in ("rejected", "skipped")
    assert answer.reason
    assert "passwd" not in answer.reason
    assert service.listed() == ["video.mp4"]


def test_an_empty_object_is_rejected_without_reading_it(service: Service) -> None:
    answer = service.answer(b"")
    assert (answer.outcome, answer.reason) == ("rejected", "the object is empty")
    assert answer.said["read"]["requests"] == 0


def test_a_photograph_named_mp4_is_rejected(service: Service, studio: Studio) -> None:
    answer = service.answer(studio.film([plain(BLUE)], "photo.jpg", "-frames:v", "1"))
    assert answer.outcome == "rejected"
    assert "no container" in answer.reason


@pytest.mark.parametrize("name", ["sound.mp4", "sound.mkv", "sound.ts"])
def test_sound_alone_is_skipped(service: Service, studio: Studio, name: str) -> None:
    sound = studio.run(name, "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac")
    answer = service.answer(sound)
    assert answer.outcome == "skipped"
    assert "audio" in answer.reason


def test_sound_with_cover_art_is_skipped(service: Service, studio: Studio) -> None:
    cover = studio.film([plain(GREEN)], "cover.png", "-frames:v", "1")
    inputs = ("-f", "lavfi", "-i", "sine=duration=1", "-i", str(cover))
    song = studio.run(
        "song.mp4", *inputs, "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "aac", "-disposition:v:0", "attached_pic"
    )
    assert service.answer(song).outcome == "skipped"


def test_text_tracks_alone_are_skipped(service: Service, studio: Studio, tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    answer = service.answer(studio.run("words.mp4", "-i", str(words), "-c:s", "mov_text"))
    assert answer.outcome == "skipped"
    assert answer.reason


@pytest.mark.parametrize("thirds", [1, 2])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("first.mp4", ("-movflags", "+faststart")),
        ("last.mp4", ()),
        ("fragmented.mp4", ("-movflags", "frag_keyframe+empty_moov")),
        ("cut.mkv", ()),
        ("cut.ts", ()),
        ("cut.avi", ("-bf", "0")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_beginning_of_a_file_that_breaks_off_is_shown(
    service: Service, studio: Studio, name: str, options: tuple[str, ...], thirds: int
) -> None:
    whole = studio.counting(name, *H264, "-g", "10", *options).read_bytes()
    content = whole[: len(whole) * thirds // 3]
    for position in ("auto", "0", "90%", "1:00"):
        answer = service.answer(content, f"{position[:2]}.mp4", position=position)
        if name == "last.mp4":
            assert answer.outcome == "rejected"
            assert answer.reason
        elif position in ("auto", "0"):
            assert answer.outcome == "made", answer
            assert any(is_near(answer.colour(), colour, 20) for colour in SECONDS)
        else:
            assert answer.outcome == "made" or answer.reason


def test_an_index_that_breaks_off_is_rejected(service: Service, studio: Studio) -> None:
    content = studio.quadrants("first.mp4", *H264, "-movflags", "+faststart").read_bytes()
    for size in (40, 100, 200, 300, 400, 500, 600, 700):
        answer = service.answer(content[:size], f"{size}.mp4")
        assert answer.outcome in ("rejected", "skipped"), size
        assert answer.reason


@pytest.mark.parametrize("name", ["flipped.mp4", "flipped.mkv", "flipped.ts"])
def test_flipped_bytes_end_in_an_outcome(service: Service, studio: Studio, name: str) -> None:
    content = bytearray(studio.counting(name, *H264, "-g", "10").read_bytes())
    for place in range(97, len(content), 211):
        content[place] ^= 0x55
    answer = service.answer(bytes(content), position="3")
    assert answer.outcome in ("made", "rejected", "skipped")
    assert answer.outcome == "made" or answer.reason


def test_a_frame_larger_than_the_limits_is_rejected(service: Service, studio: Studio) -> None:
    options = ("-f", "lavfi", "-i", "color=red:s=16000x8000:r=1:d=1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    answer = service.answer(studio.run("huge.mov", *options, "-threads", "1"))
    assert answer.outcome == "rejected"
    assert answer.reason


def test_a_function_of_little_memory_rejects_what_needs_more(service: Service, studio: Studio) -> None:
    # 130 MB a frame, within the limits of size; and less memory than the stack allows, so that no larger one is needed.
    options = ("-f", "lavfi", "-i", "color=red:s=6600x6600:r=1:d=1", "-c:v", "mjpeg", "-pix_fmt", "yuvj444p")
    video = studio.run("large.mov", *options, "-threads", "1")
    answer = service.answer(video, memory=256)
    assert answer.outcome == "rejected"
    assert "memory" in answer.reason
    assert service.poster(studio.quadrants(), "next.mp4", memory=256).picture().width == 128


def test_no_job_is_begun_when_no_time_is_left(service: Service, studio: Studio) -> None:
    record = service.put("video.mp4", studio.quadrants())
    with pytest.raises(Exception, match="no time was left"):
        service.call(record, context=Context(seconds=3.5))


def test_a_warm_handler_keeps_no_file_open(service: Service, studio: Studio) -> None:
    service.poster(studio.quadrants(), "first.mp4")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for number in range(5):
        service.poster(studio.quadrants(), f"{number}.mp4")
        service.answer(b"nothing", f"no-{number}.mp4")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
