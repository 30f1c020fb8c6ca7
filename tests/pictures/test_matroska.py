"""Matroska and WebM as browsers, recorders, cameras and editors write them."""

from pathlib import Path
from random import Random

import pytest

from . import ebml
from .service import Service, is_near
from .test_streams import duration, shown, shows_its_seconds, tiles
from .videos import BLACK, BLUE, GREEN, H264, RED, SECONDS, YELLOW, Studio, four, noise, plain

LIVE = ("-f", "matroska", "-live", "1")
CODECS = {
    "H.264": H264,
    "VP8": ("-c:v", "libvpx", "-b:v", "1M", "-deadline", "realtime", "-auto-alt-ref", "0"),
    "VP9": ("-c:v", "libvpx-vp9", "-b:v", "1M", "-deadline", "realtime"),
}


@pytest.mark.parametrize("codec", CODECS)
def test_what_a_track_crops_is_not_shown(service: Service, studio: Studio, codec: str) -> None:
    framed = plain(BLACK, (128, 96))
    framed.paste(four((128, 64)), (0, 16))
    film = studio.film([framed] * 5, "film.mkv", *CODECS[codec], *LIVE, rate="10").read_bytes()
    content = ebml.with_track(film, lambda track: ebml.in_video(track, _54bb=16, _54aa=16, _54b0=128, _54ba=64))
    answer = service.poster(content, position="0.2", format="png")
    assert answer.picture().size == (128, 64)
    for x, y, colour in ((0.25, 0.05, RED), (0.75, 0.05, GREEN), (0.25, 0.95, BLUE), (0.75, 0.95, YELLOW)):
        assert is_near(answer.colour(x, y), colour, 30)


@pytest.mark.parametrize("codec", CODECS)
def test_a_shape_that_is_given_as_a_ratio_is_shown(service: Service, studio: Studio, codec: str) -> None:
    film = studio.film([four((128, 72))] * 5, "film.mkv", *CODECS[codec], *LIVE, rate="10").read_bytes()
    content = ebml.with_track(film, lambda track: ebml.in_video(track, _54b0=4, _54ba=3, _54b2=3))
    width, height = service.poster(content, widths=[0]).picture().size
    assert width / height == pytest.approx(4 / 3, abs=0.02)


def test_a_recording_whose_clock_does_not_begin_at_0_is_as_long_as_its_frames(service: Service, studio: Studio) -> None:
    content = studio.counting("film.mkv", *H264, "-g", "10", "-bf", "0", "-output_ts_offset", "95000").read_bytes()
    for position, second in (("0", 0), ("3.5", 3), ("75%", 6)):
        answer = service.poster(content, f"{position}.mp4", position=position, manifest=True)
        shown(answer, second)
        assert duration(answer) == pytest.approx(8, abs=0.1)


def test_frames_with_start_codes_and_no_private_data_are_shown(service: Service, studio: Studio) -> None:
    film = studio.counting("film.mkv", *H264, "-g", "10", "-bf", "0", "-bsf:v", "dump_extra=freq=keyframe", *LIVE)
    content = bytearray(ebml.with_track(film.read_bytes(), lambda track: track.__delitem__("63a2")))
    at = content.index(b"\x1f\x43\xb6\x75")
    while (at := content.find(b"\xa3", at + 1)) > 0:
        head = at + 10 - content[at + 1].bit_length()
        size = int.from_bytes(content[at + 1 : head]) & ((1 << 7 * (head - at - 1)) - 1)
        units, place, end = [], head + 4, head + size
        if content[head : head + 1] != b"\x81" or not 8 < size < 2**20:
            continue
        while place + 4 <= end:
            units.append(place)
            place += 4 + int.from_bytes(content[place : place + 4])
        for unit in units if place == end else ():
            content[unit : unit + 4] = b"\0\0\0\1"
    shows_its_seconds(service, bytes(content))


def without_rate(track: dict[str, bytes]) -> None:
    track.pop("23e383", None)


def test_of_a_recording_that_tells_no_rate_more_than_its_dark_beginning_is_looked_at(
    service: Service, studio: Studio
) -> None:
    frames = [plain(BLACK)] * 50 + [noise(number // 25, (128, 72)) for number in range(75)]
    browser = ("-c:v", "libvpx", "-b:v", "1M", "-g", "9999", "-deadline", "realtime", "-f", "webm", "-live", "1")
    content = ebml.with_track(studio.film(frames, "film.webm", *browser).read_bytes(), without_rate)
    answer = service.poster(content, manifest=True, preview="webp")
    assert answer.seconds >= 2
    assert answer.notes == []


@pytest.mark.parametrize("live", [False, True], ids=["with its index", "live"])
@pytest.mark.parametrize("frames", [0, 3, 8])
def test_each_frame_is_at_its_moment(service: Service, studio: Studio, live: bool, frames: int) -> None:
    options = (*H264, "-g", "20", "-bf", str(frames), "-x264-params", "b-pyramid=normal", *(LIVE if live else ()))
    content = studio.counting("film.mkv", *options).read_bytes()
    shows_its_seconds(service, content, 0.0, 0.9, 2.5, 3.9, 4.0, 7.9)


def test_sound_that_lasts_longer_shows_the_last_frame(service: Service, studio: Studio) -> None:
    sound = ("-f", "lavfi", "-i", "sine=duration=11", "-map", "0", "-map", "1", "-c:a", "aac")
    film = studio.counting("film.mp4", *H264, "-g", "20")
    content = studio.run("film.mkv", "-i", str(film), *sound, "-c:v", "copy")
    answer = service.poster(content, position="100%", storyboard=True)
    shown(answer, 7)
    assert tiles(answer)[-1][2] == 7


def test_sound_that_begins_first_is_found_behind_fonts(service: Service, studio: Studio, tmp_path: Path) -> None:
    font = tmp_path / "font.ttf"
    font.write_bytes(Random(1).randbytes(700_000))
    film = studio.counting("film.mp4", *H264, "-g", "20")
    inputs = ("-itsoffset", "2.5", "-i", str(film), "-f", "lavfi", "-i", "sine=duration=11")
    attached = ("-attach", str(font), "-metadata:s:t", "mimetype=application/x-truetype-font")
    content = studio.run("film.mkv", *inputs, "-c:v", "copy", *attached).read_bytes()
    service.read_by_ranges()
    answer = service.poster(content, position="6.45")
    assert is_near(answer.colour(), SECONDS[3]), answer
    assert answer.seconds == pytest.approx(6.4)
