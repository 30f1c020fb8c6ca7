"""Which frame `auto` takes: one that shows something, the same each time."""

import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.posters.videos import HALVES, make

from .service import Service, is_near
from .videos import BLACK, BLUE, CYAN, GREEN, GREY, H264, MAGENTA, RED, WHITE, YELLOW, Studio, noise, plain


def scene(number: int, size: tuple[int, int] = (160, 90)) -> Image.Image:
    """Something with detail: rectangles in many colours, others for each number."""
    chance = random.Random(number)
    picture = Image.new("RGB", size, (90, 110, 130))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        colour = tuple(chance.randrange(40, 230) for _ in range(3))
        draw.rectangle((x, y, x + chance.randrange(4, 40), y + chance.randrange(4, 30)), colour)
    return picture


def detailed(number: int) -> Image.Image:
    """Return a scene with the grain of a photograph."""
    return Image.blend(scene(number), noise(number, (160, 90)), 0.2)


def is_blank(picture: Image.Image) -> bool:
    """Whether there is next to nothing to see."""
    low, high = picture.convert("L").getextrema()
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    return high - low < 60


GOPS = {"one GOP": ("-g", "1000"), "short GOPs": ("-g", "10"), "keyframes only": ("-g", "1")}


@pytest.mark.parametrize("gop", GOPS)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "fragmented.mp4"])
def test_a_black_intro_of_half_the_video_is_not_shown(service: Service, studio: Studio, name: str, gop: str) -> None:
    frames = [plain(BLACK, (160, 90))] * 60 + [scene(n // 10) for n in range(60)]
    fragments = ("-movflags", "frag_keyframe+empty_moov") if name == "fragmented.mp4" else ()
    answer = service.poster(studio.film(frames, name, *H264, *GOPS[gop], *fragments))
    assert answer.seconds >= 2.4
    assert not is_blank(answer.picture())


@pytest.mark.parametrize("blank", [BLACK, WHITE, GREY], ids=["black", "white", "grey"])
def test_a_short_scene_late_in_a_blank_video_is_found(service: Service, studio: Studio, blank: tuple[int, ...]) -> None:
    frames = [plain(blank, (160, 90))] * 250
    frames[180:200] = [scene(1)] * 20
    answer = service.poster(studio.film(frames, "late.mp4", *H264, "-g", "25"))
    assert not is_blank(answer.picture())


@pytest.mark.parametrize("gop", GOPS)
def test_of_a_fade_in_the_end_is_shown(service: Service, studio: Studio, gop: str) -> None:
    dark = plain(BLACK, (160, 90))
    frames = [Image.blend(dark, scene(1), min(1, n / 40)) for n in range(50)]
    answer = service.poster(studio.film(frames, "fade.mp4", *H264, *GOPS[gop]))
    assert answer.seconds > 0.8
    assert not is_blank(answer.picture())


def test_the_sharp_scene_is_taken_of_blurred_ones(service: Service, studio: Studio) -> None:
    frames = [scene(n // 20).filter(ImageFilter.GaussianBlur(6)) for n in range(200)]
    frames[120:140] = [scene(6)] * 20
    answer = service.poster(studio.film(frames, "sharp.mp4", *H264, "-g", "10"))
    assert 4.8 <= answer.seconds < 5.6


@pytest.mark.parametrize("colour", [BLACK, WHITE, GREY], ids=["black", "white", "grey"])
def test_a_video_that_never_shows_anything_still_gets_its_picture(
    service: Service, studio: Studio, colour: tuple[int, ...]
) -> None:
    answer = service.poster(studio.film([plain(colour)] * 50, "nothing.mp4", *H264))
    assert is_near(answer.colour(), colour)


PREFIX = 25
"""Pictures of a clip before its good one comes."""


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "fragmented.mp4"])
def test_the_whole_of_a_short_clip_with_a_single_keyframe_is_looked_at(
    service: Service, studio: Studio, name: str
) -> None:
    poor = detailed(1).filter(ImageFilter.GaussianBlur(8))
    frames = [poor] * PREFIX + [detailed(1)] * (50 - PREFIX)
    fragments = ("-movflags", "frag_keyframe+empty_moov") if name == "fragmented.mp4" else ()
    video = studio.film(frames, name, *H264, "-g", "1000", "-sc_threshold", "0", *fragments)
    answer = service.poster(video)
    assert answer.seconds >= PREFIX / 25
    # The first of the good ones, and not the last of all.
    assert answer.seconds < 1.5


def test_a_clip_that_has_nothing_good_shows_the_best_that_it_has(service: Service, studio: Studio) -> None:
    frames = [scene(1).filter(ImageFilter.GaussianBlur(abs(n - 40) / 4 + 3)) for n in range(50)]
    answer = service.poster(studio.film(frames, "clip.mp4", *H264, "-g", "1000"))
    assert answer.seconds == pytest.approx(1.6, abs=0.25)


def bars() -> Image.Image:
    """Eight bars of plain colours."""
    colours = [WHITE, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE, BLACK]
    card = plain(BLACK, (160, 90))
    for number, colour in enumerate(colours):
        card.paste(colour, (20 * number, 0, 20 * number + 20, 90))
    return card


def slide() -> Image.Image:
    """Lines of words on white."""
    page = plain(WHITE, (160, 90))
    for line in range(5):
        for word in range(4):
            page.paste(BLACK, (12 + 34 * word, 12 + 14 * line, 36 + 34 * word, 16 + 14 * line))
    return page


LEADERS = {"a test card": bars(), "a slide": slide(), "a white flash": plain(WHITE, (160, 90))}


@pytest.mark.parametrize("gop", GOPS)
@pytest.mark.parametrize("leader", LEADERS)
def test_a_scene_comes_before(service: Service, studio: Studio, leader: str, gop: str) -> None:
    frames = [LEADERS[leader]] * 70 + [scene(n // 10) for n in range(50)]
    answer = service.poster(studio.film(frames, "led.mp4", *H264, *GOPS[gop]))
    assert answer.seconds >= 2.8


def test_the_same_video_gives_the_same_frame(service: Service, studio: Studio) -> None:
    video = studio.film([scene(n // 5) for n in range(100)], "stable.mp4", *H264, "-g", "10")
    answers = [service.poster(video, f"{number}.mp4") for number in range(3)]
    assert len({answer.object()["Content"] for answer in answers}) == 1
    assert len({answer.seconds for answer in answers}) == 1


KINDS = (
    "analogue snow around a scene",
    "broken blocks in a scene",
    "a logo that fades in on white",
    "slides that dissolve, and an end",
    "a dark scene, then credits",
    "a blank page before a page that is not",
)
"""What looked richer than what is worth a poster, frame by frame; `make posters` tries 53 kinds."""


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_keyframes_are_the_frame_that_is_shown_is_a_good_one_of(
    service: Service, tmp_path: Path, kind: str
) -> None:
    case = make(kind, HALVES[0], 0, tmp_path, [])
    moments = {gop: service.poster(path).seconds for gop, path in case.paths.items()}
    assert {gop: case.is_good(moment) for gop, moment in moments.items()} == dict.fromkeys(case.paths, True), moments
