"""The score of a picture: what shows something comes before what shows nothing."""

import random

import pytest
from PIL import Image, ImageDraw, ImageFilter

from pipeline.poster import score


def scene(seed: int = 1, size: tuple[int, int] = (640, 360)) -> Image.Image:
    chance = random.Random(seed)
    picture = Image.new("RGB", size, (90, 110, 130))
    draw = ImageDraw.Draw(picture)
    for _ in range(80):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        width, height = chance.randrange(10, 160), chance.randrange(10, 100)
        draw.rectangle((x, y, x + width, y + height), tuple(chance.randrange(40, 220) for _ in range(3)))
    return picture


def slide() -> Image.Image:
    picture = Image.new("RGB", (640, 360), "white")
    draw = ImageDraw.Draw(picture)
    for line in range(8):
        draw.text((60, 40 + line * 36), "Some words on a slide that say a thing or two", fill="black")
    return picture


def credits_roll() -> Image.Image:
    picture = Image.new("RGB", (640, 360), "black")
    draw = ImageDraw.Draw(picture)
    for line in range(12):
        draw.text((220, 20 + line * 28), "Directed by Somebody", fill="white")
    return picture


def noisy(picture: Image.Image) -> Image.Image:
    grain = Image.effect_noise(picture.size, 8).convert("RGB")
    return Image.blend(picture, grain, 0.02)


POOR = {
    "black": Image.new("RGB", (640, 360), "black"),
    "white": Image.new("RGB", (640, 360), "white"),
    "one colour": Image.new("RGB", (640, 360), (40, 90, 200)),
    "black with noise": noisy(Image.new("RGB", (640, 360), "black")),
    "nearly faded out": Image.blend(Image.new("RGB", (640, 360), "black"), scene(), 0.08),
    "half faded out": Image.blend(Image.new("RGB", (640, 360), "black"), scene(), 0.4),
    "half faded to white": Image.blend(Image.new("RGB", (640, 360), "white"), scene(), 0.4),
    "blurred": scene().filter(ImageFilter.GaussianBlur(12)),
    "text on a slide": slide(),
    "credits": credits_roll(),
}


@pytest.mark.parametrize("kind", POOR)
def test_a_sharp_scene_comes_before(kind: str) -> None:
    assert score(POOR[kind]) < score(scene())


@pytest.mark.parametrize("kind", ["black", "white", "one colour", "black with noise"])
def test_what_shows_nothing_scores_next_to_nothing(kind: str) -> None:
    assert score(POOR[kind]) < 0.02


def test_the_less_blurred_comes_first() -> None:
    scores = [score(scene().filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 3, 6, 12)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_the_further_a_fade_has_come_the_better() -> None:
    dark = Image.new("RGB", (640, 360), "black")
    scores = [score(Image.blend(dark, scene(), share)) for share in (0, 0.1, 0.3, 0.6, 1)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (2, 2), (160, 3), (16, 9), (3840, 2160)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_of_any_size_has_a_score(size: tuple[int, int], mode: str) -> None:
    picture = scene(2, (64, 64)).resize(size).convert(mode)
    assert 0 <= score(picture) <= 1


def test_resolution_hardly_matters() -> None:
    large = scene(3, (1280, 720))
    small = large.resize((640, 360), Image.Resampling.LANCZOS)
    assert score(large) == pytest.approx(score(small), rel=0.1)


def test_what_is_transparent_counts_as_it_is_seen() -> None:
    unseen = scene().convert("RGBA")
    unseen.putalpha(0)
    assert score(unseen) < 0.02
