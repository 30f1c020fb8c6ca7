"""Stills: good frames spread over the video, for people who choose."""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from worker.choose import stills

from .moving import all_intra, moving


@dataclass(frozen=True)
class Seen:
    seconds: float
    picture: Image.Image


def scene(seed: int) -> Image.Image:
    """Something that passes for a photograph: soft shapes with texture."""
    random = Random(seed)
    small = Image.frombytes("RGB", (16, 9), random.randbytes(16 * 9 * 3))
    texture = Image.frombytes("L", (160, 90), random.randbytes(160 * 90)).filter(ImageFilter.GaussianBlur(1.2))
    large = small.resize((160, 90), Image.Resampling.BICUBIC)
    return Image.blend(large, texture.convert("RGB"), 0.3)


SCENES = [scene(seed) for seed in range(16)]
BLACK = Image.new("RGB", (160, 90))


def seen(pictures: list[Image.Image], duration: float) -> list[Seen]:
    return [Seen((number + 0.5) * duration / len(pictures), picture) for number, picture in enumerate(pictures)]


def test_of_each_part_one_frame_is_taken() -> None:
    found = stills.best(seen(SCENES, 160.0), 4, 160.0)
    assert len(found) == 4
    assert [number // 4 for number in found] == [0, 1, 2, 3]


def test_of_each_part_the_good_one_is_taken() -> None:
    pictures = [SCENES[number] if number in (1, 6, 8, 15) else BLACK for number in range(16)]
    assert stills.best(seen(pictures, 160.0), 4, 160.0) == [1, 6, 8, 15]


def test_for_a_part_that_shows_nothing_another_has_two() -> None:
    pictures = [*SCENES[:4], *[BLACK] * 4, *SCENES[8:]]
    found = stills.best(seen(pictures, 160.0), 4, 160.0)
    assert len(found) == 4
    assert not {4, 5, 6, 7} & set(found)


def test_of_a_black_video_stills_are_black_but_there() -> None:
    assert len(stills.best(seen([BLACK] * 8, 80.0), 4, 80.0)) == 4


def test_there_are_no_more_stills_than_frames() -> None:
    assert stills.best(seen(SCENES[:2], 4.0), 5, 4.0) == [0, 1]


def test_a_slide_that_is_looked_at_twice_is_one_still() -> None:
    candidates = [Seen(0.0, SCENES[0]), Seen(20.0, SCENES[1]), Seen(20.0, SCENES[1])]
    assert [candidates[number].seconds for number in stills.best(candidates, 3, 40.0)] == [0.0, 20.0]


@pytest.mark.parametrize("duration", [0.0, 1e-9])
def test_without_a_duration_the_best_ones_are_taken(duration: float) -> None:
    assert len(stills.best(seen(SCENES[:6], 1.0), 3, duration)) == 3


@settings(max_examples=25)
@given(
    moments=st.lists(st.floats(0, 100), min_size=1, max_size=12),
    pictures=st.lists(st.integers(-1, 15), min_size=12, max_size=12),
    count=st.integers(1, 20),
)
def test_stills_are_different_and_in_order(moments: list[float], pictures: list[int], count: int) -> None:
    candidates = [
        Seen(moment, SCENES[number] if number >= 0 else BLACK)
        for moment, number in zip(moments, pictures, strict=False)
    ]
    chosen = [candidates[number].seconds for number in stills.best(candidates, count, 100.0)]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, len(set(moments)))


@pytest.mark.parametrize(("count", "candidates"), [(1, 4), (4, 16), (12, 48), (20, 40)])
def test_there_are_a_few_candidates_for_each_still(count: int, candidates: int) -> None:
    assert len(stills.plan(all_intra(3000, 10), count)) == candidates


def test_there_are_no_more_candidates_than_frames() -> None:
    (shot,) = stills.plan(moving([0], 3, rate=1), 4)
    assert len(shot.moments) == 3
