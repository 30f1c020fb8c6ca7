"""Which moment a poster shows. The videos change their colour each second, so that a picture tells its time."""

import json

import pytest
from PIL import Image

from .service import Service, colour_of, is_near
from .videos import BLUE, BT709, H264, MAGENTA, ORANGE, RED, SECONDS, Studio, plain

MOMENTS = [("0", 0), ("2.5", 2), ("00:05", 5), ("00:00:03.5", 3), ("30%", 2), ("100%", 7), ("0%", 0), ("99", 7)]
FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof"
CONTAINERS = {
    "index last": ("counting.mp4", ()),
    "index first": ("counting.mp4", ("-movflags", "+faststart")),
    "fragmented": ("counting.mp4", ("-movflags", FRAGMENTED)),
    "fragments without a keyframe": (
        "counting.mp4",
        ("-movflags", "empty_moov+default_base_moof", "-frag_duration", "400000"),
    ),
    "fragments with an edit list": ("counting.mp4", ("-movflags", "frag_keyframe+delay_moov+default_base_moof")),
    "DASH": ("counting.mp4", ("-movflags", "dash+global_sidx", "-frag_duration", "1000000")),
    "QuickTime": ("counting.mov", ()),
    "Matroska": ("counting.mkv", ()),
    "Matroska without cues": ("counting.mkv", ("-live", "1")),
    "transport stream": ("counting.ts", ()),
    "program stream": ("counting.mpg", ("-f", "vob")),
    "AVI": ("counting.avi", ()),
    "Flash": ("counting.flv", ()),
}
WITHOUT_A_CLOCK = ("AVI",)
"""Its streams all begin at 0."""
START_CODES = {"program stream": ("-bsf:v", "h264_mp4toannexb")}
"""Of other containers FFmpeg knows by itself that they have no lengths."""
FRAGMENTS = ("fragmented", "fragments without a keyframe", "DASH")
"""FFmpeg lets the first frame of these stay from the beginning on."""
EDITED = ("index last", "index first", "fragments with an edit list", "QuickTime")
"""An edit list lets nothing be shown until such a video begins."""


@pytest.mark.parametrize(("position", "second"), MOMENTS)
def test_every_kind_of_position_shows_its_moment(service: Service, studio: Studio, position: str, second: int) -> None:
    answer = service.poster(studio.counting(), position=position)
    assert is_near(answer.colour(), SECONDS[second]), answer
    assert int(answer.seconds) == second


@pytest.mark.parametrize("gop", ["250", "7"], ids=["one GOP", "short GOPs"])
@pytest.mark.parametrize("reading", ["whole", "by ranges"])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(("position", "second"), [("4.55", 4), ("60", 7)])
def test_a_moment_is_found_in_every_container_named_mp4(
    service: Service, studio: Studio, container: str, gop: str, position: str, second: int, reading: str
) -> None:
    if reading == "by ranges":
        service.read_by_ranges()
    name, options = CONTAINERS[container]
    bframes = ("-bf", "0") if container == "AVI" else ("-bf", "3")
    video = studio.counting(name, *H264, "-g", gop, *bframes, *options)
    answer = service.poster(video, position=position)
    assert is_near(answer.colour(), SECONDS[second]), answer
    assert answer.seconds == pytest.approx(4.5 if second == 4 else 7.9, abs=0.11)
    assert answer.notes == []
    # A request that a busy machine answers late is sent twice.
    assert (answer.said["read"]["chain"] > 1) == (reading == "by ranges")


@pytest.mark.parametrize("container", CONTAINERS)
def test_auto_and_percent_read_every_container_by_ranges(service: Service, studio: Studio, container: str) -> None:
    service.read_by_ranges()
    name, options = CONTAINERS[container]
    video = studio.counting(name, *H264, "-g", "7", "-bf", "0", *options)
    shown = service.poster(video, "auto.mp4").colour()
    assert any(is_near(shown, colour) for colour in SECONDS)
    answer = service.poster(video, "percent.mp4", position="56%")
    assert is_near(answer.colour(), SECONDS[4]), answer


@pytest.mark.parametrize("reading", ["whole", "by ranges"])
@pytest.mark.parametrize("container", [name for name in CONTAINERS if name not in WITHOUT_A_CLOCK])
def test_a_player_counts_from_the_sound_that_begins_before_the_pictures(
    service: Service, studio: Studio, container: str, reading: str
) -> None:
    if reading == "by ranges":
        service.read_by_ranges()
    name, options = CONTAINERS[container]
    film = studio.counting("counting.mp4", *H264, "-g", "7", "-bf", "3")
    sound = ("-f", "lavfi", "-i", "sine=sample_rate=44100:duration=11", "-map", "0", "-map", "1")
    codecs = ("-c:v", "copy", *START_CODES.get(container, ()), "-c:a", "libmp3lame")
    video = studio.run(name, "-itsoffset", "2.5", "-i", str(film), *sound, *codecs, *options)
    answer = service.poster(video, position="6.45")
    assert is_near(answer.colour(), SECONDS[3]), answer
    assert answer.seconds == pytest.approx(6.4, abs=0.06)
    first = service.poster(video, position="1")
    assert is_near(first.colour(), SECONDS[0]), first
    assert first.seconds == pytest.approx(0.2 if container in FRAGMENTS else 2.5, abs=0.06)


@pytest.mark.parametrize("container", [name for name in CONTAINERS if name not in (*WITHOUT_A_CLOCK, *EDITED)])
def test_a_player_counts_from_the_beginning_of_a_recording_of_a_stream_that_runs_for_long(
    service: Service, studio: Studio, container: str
) -> None:
    name, options = CONTAINERS[container]
    film = studio.counting("counting.mp4", *H264, "-g", "7", "-bf", "3")
    codecs = ("-c", "copy", *START_CODES.get(container, ()))
    video = studio.run(name, "-i", str(film), *codecs, "-output_ts_offset", "100", *options)
    answer = service.poster(video, position="4.55", manifest=True)
    assert is_near(answer.colour(), SECONDS[4]), answer
    assert json.loads(answer.text(".thumbnails.json"))["video"]["seconds"] == pytest.approx(8.0, abs=0.11)


def test_without_an_edit_list_pictures_begin_as_much_after_the_sound_as_they_are_reordered(
    service: Service, studio: Studio
) -> None:
    film = studio.counting("counting.mp4", *H264, "-g", "7", "-bf", "3")
    copied = ("-i", str(film), "-c:v", "copy", "-use_editlist", "0")
    sound = ("-f", "lavfi", "-i", "sine=duration=8", "-map", "0", "-map", "1", "-c:a", "aac")
    silent, sounding = studio.run("silent.mp4", *copied), studio.run("sounding.mp4", *copied[:2], *sound, *copied[2:])
    for video, second, seconds in ((silent, 4, 4.1), (sounding, 3, 4.1)):
        answer = service.poster(video, position="4.15")
        assert is_near(answer.colour(), SECONDS[second]), answer
        assert answer.seconds == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("rate", [24, 30, 120])
@pytest.mark.parametrize("container", ["index last", "fragmented", "Matroska", "transport stream", "Flash"])
def test_a_frame_is_shown_from_the_very_moment_at_which_it_begins(
    service: Service, studio: Studio, container: str, rate: int
) -> None:
    name, options = CONTAINERS[container]
    video = studio.counting(name, *H264, "-g", "250", "-bf", "3", *options, seconds=4, rate=rate)
    for second in (1, 2, 3):
        answer = service.poster(video, position=str(second))
        assert is_near(answer.colour(), SECONDS[second]), answer


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_moment_is_found_in_webm(service: Service, studio: Studio, codec: str) -> None:
    speed = ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
    video = studio.counting("counting.webm", "-c:v", codec, *speed, "-g", "250")
    assert is_near(service.poster(video, position="4.55").colour(), SECONDS[4], 20)


@pytest.mark.parametrize(
    ("key", "poster", "second"),
    [
        ("cat_00-03.mp4", "cat.jpg", 3),
        ("a/cat_00-00-05.mp4", "a/cat.jpg", 5),
        ("cat_59-59.mp4", "cat.jpg", 7),
        ("_00-03.mp4", "_00-03.jpg", 1),
        ("cat_00-61.mp4", "cat_00-61.jpg", 1),
    ],
)
def test_a_name_may_ask_for_its_moment(service: Service, studio: Studio, key: str, poster: str, second: int) -> None:
    answer = service.poster(studio.counting(), key, position="1.5")
    assert answer.keys == [poster]
    assert is_near(answer.colour(), SECONDS[second])


def test_the_last_picture_is_shown_of_what_lies_beyond_the_end(service: Service, studio: Studio) -> None:
    frames = [plain(RED)] * 19 + [plain(BLUE)]
    answer = service.poster(studio.film(frames, "last.mp4", *H264, "-bf", "3", rate="10"), position="7:00")
    assert is_near(answer.colour(), BLUE)
    assert answer.seconds == pytest.approx(1.9)


@pytest.mark.parametrize("position", ["auto", "0", "3", "50%", "100%"])
@pytest.mark.parametrize(("count", "rate"), [(1, "25"), (5, "25"), (1, "1")], ids=["one", "0.2 s", "one second"])
def test_the_shortest_videos_have_a_picture(
    service: Service, studio: Studio, position: str, count: int, rate: str
) -> None:
    video = studio.film([plain(MAGENTA)] * count, "short.mp4", *H264, rate=rate)
    assert is_near(service.poster(video, position=position).colour(), MAGENTA)


def test_time_is_counted_as_a_player_counts_it_where_the_frame_rate_varies(service: Service, studio: Studio) -> None:
    # Five pictures, shown for 0.1, 0.1, 3, 0.1 and 2 s: by number, the middle of the time would be the third of them.
    durations = (0.1, 0.1, 3, 0.1, 2)
    times = [round(sum(durations[:number]), 3) for number in range(5)]
    shown = "+".join(f"eq(N\\,{number})*{time}" for number, time in enumerate(times))
    video = studio.film(
        [plain(colour) for colour in SECONDS[:5]],
        "variable.mp4",
        *("-c:v", "libx264", "-crf", "8", "-bf", "2", "-fps_mode", "vfr", "-enc_time_base", "1:1000"),
        *("-vf", f"settb=1/1000,setpts=({shown})/TB,{BT709[1]}", *BT709[2:]),
    )
    for position, number in (("0.15", 1), ("0.25", 2), ("3.15", 2), ("3.25", 3), ("3.35", 4), ("9", 4)):
        answer = service.poster(video, position=position)
        assert is_near(answer.colour(), SECONDS[number]), (position, answer.said)


def test_time_0_is_what_a_player_shows_first_where_an_edit_list_cuts_the_beginning(
    service: Service, studio: Studio
) -> None:
    # Copied from the third second on: the packets from the keyframe before are there, and an edit list hides them.
    cut = studio.run("cut.mp4", "-ss", "2", "-i", str(studio.counting()), "-c", "copy")
    assert is_near(service.poster(cut, position="0").colour(), SECONDS[2])
    assert is_near(service.poster(cut, "b.mp4", position="1.5").colour(), SECONDS[3])
    assert is_near(service.poster(cut, "c.mp4", position="auto").colour(), SECONDS[0]) is False


@pytest.mark.parametrize("name", ["offset.mkv", "offset.ts"])
def test_a_start_offset_does_not_count(service: Service, studio: Studio, name: str) -> None:
    source = studio.counting("base.mp4", *H264, "-g", "10", "-bf", "2")
    options = ("-c", "copy", "-avoid_negative_ts", "disabled", "-muxpreload", "0")
    late = studio.run(name, "-itsoffset", "30", "-i", str(source), *options)
    answer = service.poster(late, position="3.5")
    assert is_near(answer.colour(), SECONDS[3]), answer
    assert answer.seconds == pytest.approx(3.5, abs=0.11)


@pytest.mark.parametrize(("position", "second"), [("0", 0), ("29", 0), ("30.5", 0), ("33.5", 3), ("37.5", 7)])
def test_in_an_mp4_an_offset_is_time_in_which_nothing_is_shown_yet(
    service: Service, studio: Studio, position: str, second: int
) -> None:
    # An edit list begins with 30 s of nothing; as players do, what comes first is shown until it begins.
    source = studio.counting("base.mp4", *H264, "-g", "10", "-bf", "2")
    options = ("-c", "copy", "-avoid_negative_ts", "disabled")
    late = studio.run("late.mp4", "-itsoffset", "30", "-i", str(source), *options)
    answer = service.poster(late, position=position, manifest=True)
    assert is_near(answer.colour(), SECONDS[second]), answer
    assert json.loads(answer.text(".json"))["video"]["seconds"] == pytest.approx(38, abs=0.11)


LENGTHS = {
    **CONTAINERS,
    "sound in fragments of its own": ("counting.mp4", ("-movflags", f"{FRAGMENTED}+separate_moof")),
}


@pytest.mark.parametrize("gop", ["250", "50"])
@pytest.mark.parametrize("container", LENGTHS)
def test_the_length_of_a_video_is_that_of_all_its_pictures(
    service: Service, studio: Studio, container: str, gop: str
) -> None:
    # Groups of fifty pictures leave a shorter one at the end.
    name, options = LENGTHS[container]
    silent = studio.counting("silent.ts", *H264, "-g", gop, "-bf", "0")
    sound = ("-f", "lavfi", "-i", "anullsrc=r=44100:d=8") if "sound" in container else ()
    video = studio.run(name, "-i", str(silent), *sound, "-c:v", "copy", *options)
    manifest = json.loads(service.poster(video, manifest=True).text(".json"))
    assert manifest["video"]["seconds"] == pytest.approx(8, abs=0.11)


def test_a_percentage_is_of_the_whole_video(service: Service, studio: Studio) -> None:
    answer = service.poster(studio.counting("short.mkv", *H264, "-g", "5"), position="95%")
    assert is_near(answer.colour(), ORANGE), answer


REFRESHED = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "8", *BT709)


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.flv"])
def test_where_the_picture_is_refreshed_part_by_part_every_moment_is_whole(
    service: Service, studio: Studio, name: str, b_frames: int
) -> None:
    # As OBS and cameras write it: after the first frame there are no keyframes, but points where a refresh begins.
    params = f"intra-refresh=1:keyint=20:scenecut=0:b-adapt=0:bframes={b_frames}:repeat-headers=1"
    video = studio.counting(name, *REFRESHED, "-x264-params", params)
    answer = service.poster(video, position="5.5", widths=[0], storyboard=True, preview="webp")
    assert answer.notes == []
    assert is_whole(answer.picture(), SECONDS[5])
    sheet = answer.picture(answer.numbers("storyboard")[0])
    shown = [sheet.crop((left, 0, left + 128, 72)) for left in range(0, sheet.width, 128)]
    preview = answer.picture(answer.numbers("preview")[0])
    for number in range(getattr(preview, "n_frames", 1)):
        preview.seek(number)
        shown.append(preview.convert("RGB"))
    for picture in shown:
        assert any(is_whole(picture, colour) for colour in SECONDS)


def test_what_begins_within_a_refresh_shows_its_first_whole_frame(service: Service, studio: Studio) -> None:
    params = "intra-refresh=1:keyint=20:scenecut=0:bframes=0:repeat-headers=1"
    content = studio.counting("a.ts", *REFRESHED, "-x264-params", params).read_bytes()
    cut = content[188 * (len(content) // 188 // 3) :]
    answer = service.poster(cut, position="0", widths=[0])
    assert any(is_whole(answer.picture(), colour) for colour in SECONDS)


def is_whole(picture: Image.Image, colour: tuple[int, int, int]) -> bool:
    """Whether the upper half of a frame has one colour, from edge to edge."""
    return all(is_near(colour_of(picture, x, y), colour, 24) for x in (0.02, 0.3, 0.5, 0.7, 0.98) for y in (0.05, 0.5))


CONTINUED = {
    "open GOPs": "open-gop=1:keyint=10:min-keyint=10:bframes=3:scenecut=0",
    "scene cuts": "keyint=200:min-keyint=101:bframes=0:scenecut=100",
}
"""Keyframes that do not begin the numbers of frames anew, of which four to six bits are written."""


@pytest.mark.parametrize("kind", CONTINUED)
@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv"])
def test_keyframes_that_continue_their_video_give_every_tile_of_a_storyboard(
    service: Service, studio: Studio, name: str, kind: str
) -> None:
    frames = [plain(SECONDS[n // 20 % 8]) for n in range(800)]
    video = studio.film(frames, name, *REFRESHED, "-x264-params", CONTINUED[kind], rate="2")
    answer = service.poster(video, position="0", storyboard=True)
    sheet = answer.picture(answer.numbers("storyboard")[0])
    columns = sheet.width // 128
    for number in range(columns * (sheet.height // 72)):
        left, top = number % columns * 128, number // columns * 72
        tile = sheet.crop((left, top, left + 128, top + 72))
        middle = 400 * (number + 0.5) / (columns * (sheet.height // 72))
        wanted = {SECONDS[int(seconds) // 10 % 8] for seconds in (middle - 3, middle + 3)}
        assert any(is_near(colour_of(tile), colour, 24) for colour in wanted), (number, colour_of(tile))
