"""What videos of others were found to do, by running some 1,300 of them; here made anew, as small as can be."""

import io
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from .fields import in_fields
from .service import Answer, Service, is_near
from .videos import BLUE, GREEN, GREY, H264, ORANGE, RED, SECONDS, WHITE, YELLOW, Studio, plain

EVERY_SECOND = (*H264, "-g", "10", "-bf", "2", "-sc_threshold", "0")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
PRORES = ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")


def manifest(answer: Answer) -> dict[str, Any]:
    """Return what is told of the video itself."""
    key = next(key for key in answer.keys if key.endswith(".json"))
    content = answer.client.get_object(Bucket=answer.bucket, Key=key)["Body"].read()
    return dict(json.loads(content)["video"])


# ---- the shape of pixels


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", H264), ("a.mov", H264), ("a.mkv", H264), ("a.mp4", VP9), ("a.mov", PRORES)],
    ids=["H.264 in MP4", "H.264 in QuickTime", "H.264 in Matroska", "VP9 in MP4", "ProRes"],
)
def test_the_container_alone_says_that_pixels_are_oblong(
    service: Service, studio: Studio, name: str, options: tuple[str, ...]
) -> None:
    square = studio.quadrants(name, *options)
    wide = studio.run(name, "-i", str(square), "-c", "copy", "-aspect", "4:1")
    assert service.poster(square, "square.mp4").picture().size == (128, 64)
    assert service.poster(wide, "wide.mp4", position="0").picture().size == (256, 64)


def test_the_container_knows_better_than_the_pictures_how_oblong_they_are(service: Service, studio: Studio) -> None:
    wide = studio.quadrants("wide.mp4", *H264, "-vf", "setsar=2,format=yuv420p")
    square = studio.run("square.mp4", "-i", str(wide), "-c", "copy", "-aspect", "2:1")
    assert service.poster(wide, "wide.mp4").picture().size == (256, 64)
    assert service.poster(square, "square.mp4").picture().size == (128, 64)


def test_oblong_pixels_of_a_turned_video_are_turned_with_it(service: Service, studio: Studio) -> None:
    wide = studio.run("wide.mp4", "-i", str(studio.quadrants()), "-c", "copy", "-aspect", "4:1")
    turned = studio.run("turned.mp4", "-display_rotation", "90", "-i", str(wide), "-c", "copy")
    answer = service.poster(turned)
    assert answer.picture().size == (64, 256)
    assert is_near(answer.colour(0.25, 0.25), GREEN, 20)


# ---- where a video without an index begins


@pytest.mark.parametrize("name", ["late.ts", "late.flv", "late.mpg"])
@pytest.mark.parametrize("start", ["0", "500", "95442.7"])
def test_a_video_without_an_index_is_shown_from_its_very_beginning(
    service: Service, studio: Studio, name: str, start: str
) -> None:
    # The clock of MPEG runs over after 95,443.7 s; what was cut from a broadcast may begin just before.
    codec = EVERY_SECOND if name != "late.mpg" else ("-c:v", "mpeg2video", "-q:v", "2", "-g", "10", "-r", "25")
    flags = ("-flvflags", "no_duration_filesize") if name == "late.flv" else ()
    video = studio.counting(name, *codec, *flags, "-output_ts_offset", start)
    for position, colour in (("0", RED), ("0.5", RED), ("1.5", GREEN), ("6.5", GREY)):
        answer = service.poster(video, f"{position}.mp4", position=position, manifest=True)
        assert is_near(answer.colour(0.5, 0.2), colour, 24), (position, answer)
        assert manifest(answer)["seconds"] == pytest.approx(8, abs=0.3)


@pytest.mark.parametrize("flags", [0, 4, 5])
def test_the_head_of_a_flash_video_need_not_say_that_it_holds_video(
    service: Service, studio: Studio, flags: int
) -> None:
    # Sound begins half a second before the video, whose first packet alone tells that there is one.
    inputs = ("-f", "lavfi", "-i", "sine=duration=8", "-itsoffset", "0.5", "-i", str(studio.counting()))
    options = ("-c:v", "flv", "-q:v", "2", "-g", "10", "-c:a", "libmp3lame", "-ar", "44100")
    content = bytearray(studio.run("a.flv", *inputs, *options).read_bytes())
    content[4] = flags
    # The old codec has no tags for the colours that it is given.
    assert is_near(service.poster(bytes(content), position="2").colour(0.5, 0.2), GREEN, 32)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m1v", ("-c:v", "mpeg1video", "-q:v", "2", "-r", "25")),
        ("a.m2v", ("-c:v", "mpeg2video", "-q:v", "2", "-r", "25")),
        ("a.dv", ("-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p", "-r", "25")),
    ],
)
def test_a_video_without_a_container_is_shown(
    service: Service, studio: Studio, name: str, options: tuple[str, ...]
) -> None:
    video = studio.film([plain(RED)] * 25 + [plain(BLUE)] * 25, name, *options)
    assert is_near(service.poster(video, "first.mp4", position="0").colour(), RED, 24)
    assert is_near(service.poster(video, "last.mp4", position="1.5").colour(), BLUE, 24)


def test_motion_jpeg_2000_is_shown(service: Service, studio: Studio) -> None:
    content = studio.film([plain(RED)] * 5, "a.mov", "-c:v", "jpeg2000", "-pix_fmt", "yuv422p").read_bytes()
    # A QuickTime file but for its head, which is as long.
    assert content[4:8] + content[24:28] == b"ftypwide"
    head = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x10ftypmjp2\0\0\0\0"
    assert is_near(service.poster(head + content[28:]).colour(), RED, 24)


def test_an_index_of_the_beginning_alone_does_not_hide_the_fragments_behind_it(
    service: Service, studio: Studio
) -> None:
    video = studio.counting("a.mp4", *EVERY_SECOND, "-movflags", "frag_keyframe")
    for position, colour in (("0", RED), ("1.5", GREEN), ("7.5", ORANGE)):
        answer = service.poster(video, f"{position}.mp4", position=position)
        assert is_near(answer.colour(0.5, 0.2), colour, 20), (position, answer)


# ---- pictures that need others


def an_open_film(studio: Studio) -> Path:
    """Each keyframe is decoded before two pictures that are shown before it and refer to the one before that."""
    frames = [plain(colour) for colour in SECONDS] * 2
    params = "keyint=3:min-keyint=1:open-gop=1:bframes=2:b-adapt=0:b-pyramid=none:scenecut=0"
    return studio.film(frames, "open.mp4", *H264, "-x264-params", params, rate="1")


def test_pictures_before_the_keyframe_that_they_are_decoded_behind_are_whole(service: Service, studio: Studio) -> None:
    video = an_open_film(studio)
    for second in range(16):
        answer = service.poster(video, f"{second}.mp4", position=str(second + 0.5))
        assert is_near(answer.colour(), SECONDS[second % 8], 20), (second, answer)


def test_an_edit_list_that_begins_between_a_keyframe_and_the_next_shows_what_it_begins_with(
    service: Service, studio: Studio
) -> None:
    content = an_open_film(studio).read_bytes()
    # One entry: its duration, and the time in the media, in ticks, which a second is 16,384 of.
    entry = content.index(b"elst") + 12
    start = int.from_bytes(content[entry + 4 : entry + 8], "big")
    cut = content[: entry + 4] + (start + 16384).to_bytes(4, "big") + content[entry + 8 :]
    for second in range(15):
        answer = service.poster(cut, f"{second}.mp4", position=str(second + 0.5))
        assert is_near(answer.colour(), SECONDS[(second + 1) % 8], 20), (second, answer)


def test_how_an_old_encoder_wrote_it_is_known_at_every_keyframe(service: Service, studio: Studio) -> None:
    # Before its build 151 x264 wrote 4:4:4 differently, and says which it is with the first picture alone. Here one of
    # today claims to be old: that is taken at its word, and all of it looks different, the middle like the beginning.
    options = ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-qp", "0", "-coder", "vlc", "-g", "10", "-sc_threshold", "0")
    video = studio.run("new.mp4", "-f", "lavfi", "-i", "testsrc2=s=192x108:r=10:d=4", *options).read_bytes()
    old, claims = re.subn(rb"core \d{3}", b"core 142", video)
    assert claims == 1
    with av.open(io.BytesIO(old), "r") as container:
        expected = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]
    shown_new = service.poster(video, "new.mp4", position="2.5", widths=[0], format="png").picture()
    shown_old = service.poster(old, "old.mp4", position="2.5", widths=[0], format="png").picture()
    assert difference(shown_old, expected[25]) == 0 < difference(shown_new, expected[25])


@pytest.mark.parametrize(
    "options",
    [
        ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "35"),
        ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none:keyint=35:min-keyint=35"),
        ("-c:v", "mpeg4", "-q:v", "2", "-g", "35"),
    ],
    ids=["H.264", "HEVC", "MPEG-4"],
)
@pytest.mark.parametrize("by_ranges", [False, True])
def test_an_index_that_calls_every_picture_a_keyframe_is_not_believed(
    service: Service, studio: Studio, options: tuple[str, ...], by_ranges: bool
) -> None:
    video = studio.counting("video.mp4", *options).read_bytes()
    assert video.count(b"stss") == 1
    if by_ranges:
        service.read_by_ranges()
    for position, colour in (("0.5", RED), ("3.2", YELLOW), ("6.5", GREY), ("7.9", ORANGE)):
        answer = service.poster(video.replace(b"stss", b"free"), f"{position}.mp4", position=position)
        assert is_near(answer.colour(0.5, 0.2), colour, 24), (position, answer)
    answer = service.poster(video.replace(b"stss", b"free"), "auto.mp4", position="auto", storyboard=True)
    assert not answer.said["notes"]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures, in levels of 256."""
    mean = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(mean) / len(mean)


@pytest.fixture(scope="module")
def fields(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, red, green and blue, as a camcorder writes them."""
    path = tmp_path_factory.mktemp("fields") / "fields.ts"
    packets = in_fields([(81, 90, 240)] * 8 + [(145, 54, 34)] * 8 + [(41, 240, 110)] * 8)
    with av.open(str(path), "w", format="mpegts") as output:
        stream = output.add_stream("h264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number, content in enumerate(packets):
            packet: Any = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 16)
            packet.pts = packet.dts = number
            packet.is_keyframe = number % 2 == 0
            output.mux(packet)
    return path


@pytest.mark.parametrize("name", ["fields.ts", "fields.mp4", "fields.mkv"])
def test_pictures_of_two_fields_are_shown_whole(service: Service, studio: Studio, fields: Path, name: str) -> None:
    video = studio.run(name, "-i", str(fields), "-c", "copy")
    wanted = (("0", (254, 0, 0)), ("1.5", (0, 254, 1)), ("2.5", (0, 0, 253)))
    for position, colour in wanted:
        answer = service.poster(video, f"{position}.mp4", position=position, storyboard=True, preview="webp")
        assert is_near(answer.colour(), colour, 24), (position, answer)
        assert not answer.notes
        assert is_near(answer.colour(0.5, 0.02), answer.colour(0.5, 0.5), 8)


# ---- what is not in the file, or not to be had


def test_a_video_that_breaks_off_has_a_poster_a_storyboard_and_a_preview_all_the_same(
    service: Service, studio: Studio
) -> None:
    content = studio.counting("first.mp4", *EVERY_SECOND, "-movflags", "+faststart").read_bytes()
    content = content[: len(content) // 8]
    answer = service.poster(content, position="80%", storyboard=True, preview="webp")
    assert is_near(answer.colour(0.5, 0.2), RED, 20)
    assert [file["kind"] for file in answer.files] == ["poster", "storyboard", "preview", "storyboard"]
    assert any("breaks off" in note for note in answer.notes), answer.notes


def test_a_fragment_that_begins_without_a_keyframe_is_passed_over(service: Service, studio: Studio) -> None:
    whole = studio.counting("whole.mp4", *EVERY_SECOND)
    copy = ("-c", "copy", "-copyinkf", "-bsf:v", "noise=drop=lt(n\\,3)")
    cut = studio.run("cut.mp4", "-i", str(whole), *copy, "-movflags", "empty_moov+frag_keyframe")
    answer = service.poster(cut, position="0")
    assert is_near(answer.colour(0.5, 0.2), GREEN, 20)
    # The second keyframe, counted from the first frame that was left.
    assert answer.seconds == pytest.approx(0.8, abs=0.11)


def test_an_encrypted_video_is_rejected_for_that(service: Service, studio: Studio) -> None:
    key = "76a6c65c5ea762046bd749a2e632ccbb"
    options = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key)
    answer = service.answer(studio.counting("secret.mp4", *EVERY_SECOND, *options), storyboard=True)
    assert (answer.outcome, answer.reason) == ("rejected", "its video is encrypted")


# ---- colours


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mov", ("-c:v", "qtrle", "-pix_fmt", "rgb555be")),
        ("a.avi", ("-c:v", "rawvideo", "-pix_fmt", "rgb555le")),
        ("a.avi", ("-c:v", "msvideo1", "-pix_fmt", "rgb555le")),
    ],
)
def test_white_of_five_bits_is_white(service: Service, studio: Studio, name: str, options: tuple[str, ...]) -> None:
    video = studio.film([plain(WHITE)] * 5, name, *options)
    assert is_near(service.poster(video).colour(), WHITE, 1)
