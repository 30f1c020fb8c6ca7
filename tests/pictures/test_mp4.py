"""MP4 and MOV as they really come: cut by editors, joined by cameras, broken by recorders. Colours tell the time."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from . import mp4
from .mp4 import SCALE, Track
from .service import Answer, Service, colour_of, is_near
from .test_preview import preview_of
from .test_storyboard import tiles_of
from .videos import BLACK, BLUE, H264, RED, SECONDS, WHITE, Studio, plain

EACH_SECOND = (*H264, "-g", "10", "-bf", "0", "-sc_threshold", "0")
ONE_GOP = (*H264, "-g", "999", "-bf", "0", "-sc_threshold", "0")
REORDERED = (*H264, "-g", "20", "-bf", "2", "-sc_threshold", "0")
SLOTS = 8
"""Places of a marker below the colour, one for each tenth of a second but the last two."""


def counting(studio: Studio, *options: str) -> Track:
    """Eight seconds, each with its colour, ten frames a second."""
    return mp4.read(studio.counting("counting.mp4", *(options or EACH_SECOND)))


def name(colour: tuple[int, ...]) -> int | None:
    """Return the second that has this colour."""
    return next((second for second, its in enumerate(SECONDS) if is_near(colour, its, 30)), None)


def shown(service: Service, content: bytes, *positions: str) -> list[int | None]:
    """Return the seconds of the media that posters at some positions show."""
    return [
        name(service.poster(content, f"{number}.mp4", position=position).colour(0.5, 0.2))
        for number, position in enumerate(positions)
    ]


def length(answer: Answer) -> float:
    return float(json.loads(answer.text(".json"))["video"]["seconds"])


@pytest.fixture(params=["whole", "by ranges"])
def reading(request: pytest.FixtureRequest, service: Service) -> Service:
    """Return the function, with tiny videos read as one or as large ones are."""
    if request.param == "by ranges":
        service.read_by_ranges()
    return service


# ---- edit lists


@pytest.mark.parametrize("options", [EACH_SECOND, ONE_GOP, REORDERED], ids=["short GOPs", "one GOP", "B-frames"])
def test_what_was_cut_out_of_the_middle_is_never_shown(
    reading: Service, studio: Studio, options: tuple[str, ...]
) -> None:
    track = counting(studio, *options)
    # Where frames are reordered, the first is shown a little later than it is decoded.
    first = min(n * track.samples[0].duration + sample.delay for n, sample in enumerate(track.samples)) / SCALE
    video = mp4.write(replace(track, edits=((2.0, first), (2.0, 6.0 + first))))
    assert shown(reading, video, "0", "0.95", "1.55", "1.95", "2", "2.95", "3", "3.95", "99") == [
        0,
        0,
        1,
        1,
        6,
        6,
        7,
        7,
        7,
    ]
    assert shown(reading, video, "0%", "30%", "49%", "60%", "100%") == [0, 1, 1, 6, 7]
    answer = reading.poster(video, "all.mp4", manifest=True, storyboard=True, preview="webp")
    assert length(answer) == 4
    assert name(answer.colour(0.5, 0.2)) in (0, 1, 6, 7)
    assert {name(tile.colour) for tile in tiles_of(answer)} <= {0, 1, 6, 7}
    moving = preview_of(answer)
    assert [name(colour_of(picture, 0.5, 0.2)) for picture in moving.pictures][::12] == [0, 1, 6, 7]


def test_a_part_that_begins_between_keyframes_begins_with_its_own_frame(reading: Service, studio: Studio) -> None:
    track = counting(studio, *H264, "-g", "40", "-bf", "0", "-sc_threshold", "0")
    video = mp4.write(replace(track, edits=((2.0, 0.0), (1.5, 6.5))))
    assert shown(reading, video, "1.9", "2", "2.4", "2.5", "3.4") == [1, 6, 6, 7, 7]
    answers = [reading.poster(video, f"{n}.mp4", position=position) for n, position in enumerate(("2", "2.45", "9"))]
    assert [answer.seconds for answer in answers] == pytest.approx([2, 2.4, 3.4])


def test_parts_that_repeat_and_stand_in_another_order_are_shown_as_often_and_in_that_order(
    reading: Service, studio: Studio
) -> None:
    video = mp4.write(replace(counting(studio), edits=((1.0, 6.0), (1.0, 2.0), (1.0, 6.0), (2.0, 0.0))))
    assert shown(reading, video, "0", "0.5", "1", "1.5", "2", "2.9", "3", "4.9") == [6, 6, 2, 2, 6, 6, 0, 1]
    assert [reading.poster(video, f"b{p}.mp4", position=str(p)).seconds for p in (0.5, 2.5, 4.5)] == [0.5, 2.5, 4.5]


def test_empty_time_shows_what_was_there_before_and_at_the_beginning_what_comes(
    reading: Service, studio: Studio
) -> None:
    video = mp4.write(replace(counting(studio), edits=((2.0, -1), (2.0, 1.0), (3.0, -1), (1.0, 5.0))))
    assert shown(reading, video, "0", "1.9", "2.5", "3.5", "4.5", "6.9", "7.5") == [1, 1, 1, 2, 2, 2, 5]
    assert length(reading.poster(video, "long.mp4", manifest=True)) == 8


# ---- descriptions


def test_frames_of_each_recording_that_a_camera_joined_are_whole(reading: Service, studio: Studio) -> None:
    frames = [plain(colour) for colour in SECONDS for _ in range(10)]
    # The parameter sets of both have the same ids and say different things.
    ways = (("cabac=0:8x8dct=0", frames[:40]), ("cabac=1:8x8dct=1", frames[40:]))
    first, second = (
        mp4.read(studio.film(part, "part.mp4", *EACH_SECOND, "-x264-params", parameters, rate="10"))
        for parameters, part in ways
    )
    video = mp4.write(mp4.joined(first, second))
    assert shown(reading, video, *(f"{second}.55" for second in range(8))) == list(range(8))
    answer = reading.poster(video, "all.mp4", storyboard=True, preview="webp")
    assert name(answer.colour()) is not None
    moving = preview_of(answer)
    assert None not in [name(colour_of(picture)) for picture in moving.pictures]


def test_joined_recordings_may_differ_in_size(reading: Service, studio: Studio) -> None:
    parts = [([plain(RED, (128, 72))] * 20, "wide.mp4"), ([plain(BLUE, (72, 128))] * 20, "tall.mp4")]
    wide, tall = (mp4.read(studio.film(frames, title, *EACH_SECOND, rate="10")) for frames, title in parts)
    video = mp4.write(mp4.joined(wide, tall))
    for position, size, colour in (("0.5", (128, 72), RED), ("3.5", (72, 128), BLUE)):
        answer = reading.poster(video, f"{position}.mp4", position=position)
        assert answer.picture().size == size
        assert is_near(answer.colour(), colour)


# ---- marks


def scenes() -> list[Image.Image]:
    """Frames that differ so much that one is not made of another."""
    chance = [plain(colour, (160, 96)) for colour in SECONDS]
    for number, frame in enumerate(chance):
        for place in range(12):
            frame.paste(SECONDS[(number + place) % 8], (place * 13, 30 + place * 5, place * 13 + 9, 60 + place * 3))
    return [frame for frame in chance for _ in range(10)]


def is_like(answer: Answer, second: int) -> bool:
    """Whether a poster shows a scene as it is, in each of its parts."""
    wanted, found = scenes()[second * 10], answer.picture().convert("RGB")
    places = [(x / 16, y / 10) for x in range(1, 16) for y in range(1, 10)]
    unlike = [place for place in places if not is_near(colour_of(found, *place), colour_of(wanted, *place), 60)]
    return len(unlike) < len(places) / 20


@pytest.mark.parametrize("marks", ["every fifth frame", "every frame", "none"])
def test_frames_that_the_index_wrongly_calls_keyframes_are_shown_whole(
    reading: Service, studio: Studio, marks: str
) -> None:
    track = mp4.read(studio.film(scenes(), "scenes.mp4", *ONE_GOP, rate="10"))
    syncs = {"every fifth frame": range(0, 80, 5), "every frame": range(80), "none": ()}[marks]
    video = mp4.write(replace(track, syncs=tuple(syncs)))
    for second in range(8):
        answer = reading.poster(video, f"{second}.mp4", position=f"{second}.55")
        assert is_like(answer, second), (second, answer)
        assert answer.seconds == pytest.approx(second + 0.5)
        assert answer.notes == []
    answer = reading.poster(video, "all.mp4", storyboard=True, preview="webp")
    assert is_like(answer, int(answer.seconds))


@pytest.mark.parametrize("marks", ["as they are", "every frame"])
def test_in_fragments_too_the_frames_are_believed_and_not_the_flags(
    reading: Service, studio: Studio, marks: str
) -> None:
    options = (*H264, "-g", "20", "-bf", "0", "-sc_threshold", "0")
    fragments = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
    content = bytearray(studio.film(scenes(), "scenes.mp4", *options, *fragments, rate="10").read_bytes())
    at = content.find(b"tfhd")
    while marks == "every frame" and at > 0:
        flags = int.from_bytes(content[at + 5 : at + 8], "big")
        place = at + 12 + sum(size for bit, size in ((1, 8), (2, 4), (8, 4), (16, 4)) if flags & bit)
        if flags & 32:
            content[place : place + 4] = bytes(4)
        at = content.find(b"tfhd", at + 1)
    for second in range(8):
        answer = reading.poster(bytes(content), f"{second}.mp4", position=f"{second}.55")
        assert is_like(answer, second), (second, answer)


def test_a_stream_that_refreshes_part_by_part_is_shown_when_it_is_whole(reading: Service, studio: Studio) -> None:
    refresh = ("-x264-params", "intra-refresh=1:keyint=20:bframes=0:scenecut=0:b-adapt=0")
    video = studio.film(scenes(), "refreshed.mp4", *H264, *refresh, rate="10")
    for position in ("0", "1.55", "2.95", "3.05", "4.55", "6.15", "7.85", "99"):
        answer = reading.poster(video, f"{position}.mp4", position=position)
        assert is_like(answer, min(7, int(float(position)))), (position, answer)
    answer = reading.poster(video, "all.mp4", storyboard=True)
    assert is_like(answer, int(answer.seconds))


def test_what_was_cut_in_mid_gop_begins_with_the_first_frame_that_is_whole(reading: Service, studio: Studio) -> None:
    track = counting(studio, *H264, "-g", "20", "-bf", "0", "-sc_threshold", "0")
    cut = replace(track, samples=track.samples[5:])
    # 1.5 s lie before the first keyframe.
    assert shown(reading, mp4.write(cut), "0", "1", "1.6", "2.6", "7.4") == [2, 2, 2, 3, 7]
    unlisted = replace(cut, syncs=(0, 15, 35))
    assert shown(reading, mp4.write(unlisted), "0", "1", "1.6") == [2, 2, 2]


# ---- durations


@pytest.mark.parametrize("options", [EACH_SECOND, ONE_GOP], ids=["short GOPs", "one GOP"])
def test_the_samples_tell_how_long_a_video_is_whose_header_was_never_finished(
    reading: Service, studio: Studio, options: tuple[str, ...]
) -> None:
    video = mp4.write(replace(counting(studio, *options), duration=0))
    assert shown(reading, video, "50%", "80%", "100%") == [4, 6, 7]
    assert length(reading.poster(video, "long.mp4", manifest=True)) == 8


def test_a_last_frame_that_stays_for_hours_is_not_all_that_is_looked_at(reading: Service, studio: Studio) -> None:
    frames = [*scenes()[:79], plain(BLACK, (160, 96))]
    track = mp4.read(studio.film(frames, "frozen.mp4", *EACH_SECOND, rate="10"))
    last = replace(track.samples[-1], duration=36_000 * SCALE, is_sync=True)
    answer = reading.poster(mp4.write(replace(track, samples=(*track.samples[:-1], last))), storyboard=True)
    assert is_like(answer, int(answer.seconds))


# ---- tracks


def test_the_film_is_shown_and_not_a_still_that_comes_first(reading: Service, studio: Studio) -> None:
    still = studio.film([plain(WHITE, (64, 36))], "still.mp4", "-c:v", "mjpeg", "-q:v", "3", rate="1")
    track = replace(mp4.read(still), samples=(replace(mp4.read(still).samples[0], duration=8 * SCALE),))
    assert shown(reading, mp4.write(track, counting(studio)), "0", "4.5", "auto")[:2] == [0, 4]


def test_the_largest_rendition_is_shown_and_not_the_first(reading: Service, studio: Studio) -> None:
    frames = [plain(colour, (512, 288)) for colour in SECONDS for _ in range(10)]
    sizes = ((64, 36), (512, 288), (256, 144))
    tracks = [
        mp4.read(studio.film([frame.resize(size) for frame in frames], "some.mp4", *EACH_SECOND, rate="10"))
        for size in sizes
    ]
    answer = reading.poster(mp4.write(*tracks), position="4.5")
    assert answer.picture().size == (512, 288)
    assert is_near(answer.colour(), SECONDS[4])


# ---- shapes of files


def test_a_compressed_index_is_read(reading: Service, studio: Studio) -> None:
    video = mp4.write(counting(studio), compressed=True, brand=b"qt  ")
    assert shown(reading, video, "0", "4.5", "99") == [0, 4, 7]


def test_what_stands_between_fragments_is_passed_over(reading: Service, studio: Studio) -> None:
    fragments = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
    content = studio.counting("live.mp4", *EACH_SECOND, *fragments).read_bytes()
    event = mp4.full(b"emsg", b"urn:x\0", b"1\0", mp4.integers(1000, 0, 0, 1))
    clock = mp4.full(b"prft", mp4.integers(1, 0, 1, 0, 1), version=1)
    parts = [
        clock + event + content[start:end] if kind == b"moof" else content[start:end]
        for kind, start, end in mp4.boxes(content)
        if kind != b"mfra"
    ]
    for video in (b"".join(parts), clock + event + b"".join(parts)):
        assert shown(reading, video, "0", "4.5", "99") == [0, 4, 7]


def test_a_file_that_goes_on_in_fragments_is_read_to_its_end(reading: Service, studio: Studio) -> None:
    video = studio.counting("hybrid.mp4", *EACH_SECOND, "-movflags", "frag_keyframe")
    assert shown(reading, video.read_bytes(), "0", "1.5", "4.5", "7.5", "99") == [0, 1, 4, 7, 7]
    assert length(reading.poster(video, "long.mp4", manifest=True)) == pytest.approx(8, abs=0.01)


def test_an_index_without_frames_is_rejected_with_a_reason(service: Service, studio: Studio) -> None:
    content = studio.counting("live.mp4", *EACH_SECOND, "-movflags", "frag_keyframe+empty_moov").read_bytes()
    first = next(start for kind, start, _ in mp4.boxes(content) if kind == b"moof")
    answer = service.answer(content[:first])
    assert (answer.outcome, answer.reason) == ("rejected", "it describes a video and holds none of its frames")
    answer = service.answer(content[: mp4.boxes(content)[1][1]] + content[first:], "b.mp4")
    assert answer.outcome == "rejected"
    assert "no index" in answer.reason


def test_a_file_that_ends_within_its_index_is_rejected_as_cut_off(service: Service, studio: Studio) -> None:
    content = studio.counting("last.mp4", *EACH_SECOND).read_bytes()
    moov = next(start for kind, start, _ in mp4.boxes(content) if kind == b"moov")
    answer = service.answer(content[: moov + 200])
    assert (answer.outcome, answer.reason) == ("rejected", "the object ends within its index (moov): it was cut off")


@pytest.mark.parametrize("index", ["+global_sidx+skip_trailer", "+skip_trailer", ""], ids=["sidx", "none", "mfra"])
def test_where_an_index_says_when_fragments_are_decoded_each_tile_shows_its_own_second(
    service: Service, studio: Studio, index: str
) -> None:
    service.read_by_ranges()
    options = (*H264, "-g", "20", "-bf", "3", "-x264-params", "b-adapt=0:scenecut=0")
    live = studio.counting("live.mp4", *options, "-movflags", "frag_keyframe+empty_moov+default_base_moof" + index)
    board = service.poster(live, position="0", storyboard=True, storyboardTiles=8)
    assert [name(tile.colour) for tile in tiles_of(board)] == [*range(8)]


LIVE = "frag_every_frame+empty_moov+default_base_moof"


@pytest.mark.parametrize("index", ["", "+global_sidx+skip_trailer", "+skip_trailer"], ids=["mfra", "sidx", "none"])
def test_a_fragment_for_each_frame_is_read_as_one_index_for_all(service: Service, studio: Studio, index: str) -> None:
    service.read_by_ranges()
    options = (*H264, "-g", "20", "-bf", "0", "-sc_threshold", "0")
    live = studio.counting("live.mp4", *options, "-movflags", LIVE + index)
    one = studio.counting("one.mp4", *options)
    for position in ("0", "0.05", "1.95", "4.55", "6.3", "7.95", "99", "30%", "77%", "auto"):
        answers = [
            service.poster(video, f"{title}{position}.mp4", position=position, storyboard=position == "auto")
            for title, video in (("live", live), ("one", one))
        ]
        assert answers[0].seconds == answers[1].seconds, position
        assert is_near(answers[0].colour(0.5, 0.2), answers[1].colour(0.5, 0.2)), position
    assert [tile.colour for tile in tiles_of(answers[0])] == [tile.colour for tile in tiles_of(answers[1])]
