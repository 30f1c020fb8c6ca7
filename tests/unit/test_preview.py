"""A preview: which scenes it shows, for how long it shows each frame, and that the same frames make the same file."""

import io
import os
from dataclasses import replace
from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model import MIB, Limits, Rejected, Wanted
from tests.pictures.service import colour_of
from worker import job
from worker.choose import preview
from worker.choose.preview import Scene, Scenes
from worker.index import RUN_FRAMES
from worker.render import film

from .moving import moving

EVERY_TEN = [10.0 * n for n in range(12)]
PLENTY = 10**9
WANTED = Wanted(preview_rate=10)


def starts(found: Scenes) -> list[tuple[int, float]]:
    """Return the keyframe and the first moment of each scene, as the plan has them."""
    first = []
    for shot in found.plan:
        fresh = [moment for n, moment in enumerate(shot.moments) if n == 0 or moment - shot.moments[n - 1] > 0.21]
        first += [(shot.keyframe, moment) for moment in fresh]
    assert [moment for _, moment in first] == [scene.start for scene in found.scenes]
    return first


def seconds(found: Scenes) -> float:
    return sum(scene.end - scene.start for scene in found.scenes)


def test_scenes_begin_at_keyframes_spread_over_the_video() -> None:
    found = preview.scenes(moving(EVERY_TEN, 120), WANTED)
    assert starts(found) == [(1, 10), (4, 40), (6, 60), (8, 80)]
    assert seconds(found) == 5
    assert [len(shot.moments) for shot in found.plan] == [12] * 4


def test_length_scenes_and_rate_can_be_asked_for() -> None:
    wanted = Wanted(preview_seconds=6, preview_scenes=2, preview_rate=5)
    found = preview.scenes(moving(EVERY_TEN, 120), wanted)
    assert starts(found) == [(2, 20), (6, 60)]
    assert seconds(found) == 6
    assert [len(shot.moments) for shot in found.plan] == [15] * 2


def test_a_video_as_long_as_a_preview_is_one_scene() -> None:
    found = preview.scenes(moving([0, 1, 2], 3), WANTED)
    assert starts(found) == [(0, 0)]
    assert seconds(found) == 3


def test_in_a_long_group_scenes_begin_between_keyframes() -> None:
    assert starts(preview.scenes(moving([0], 50), WANTED)) == [(0, 0), (0, 15), (0, 25), (0, 35)]


def test_scenes_too_far_behind_a_keyframe_are_left_out() -> None:
    far = moving([0], 50, rate=RUN_FRAMES / 20)
    assert starts(preview.scenes(far, WANTED)) == [(0, 0), (0, 15)]


def test_scenes_too_costly_to_reach_are_left_out() -> None:
    # Fifty seconds have a thousand bytes; the second scene begins behind 300 of them, the third behind 500.
    assert starts(preview.scenes(moving([0], 50), WANTED, budget=499)) == [(0, 0), (0, 15)]


def test_scenes_with_too_many_bytes_are_shorter() -> None:
    found = preview.scenes(moving(EVERY_TEN, 120, size=120_000), WANTED, budget=2500)
    assert seconds(found) == pytest.approx(2.5)
    assert [len(shot.moments) for shot in found.plan] == [6] * 4


def test_a_scene_ends_where_the_next_begins() -> None:
    found = preview.scenes(moving([0.5 * n for n in range(12)], 5.5), WANTED)
    assert all(scene.end <= following.start for scene, following in pairwise(found.scenes))
    ends = [(shot.moments[0], shot.moments[-1]) for shot in found.plan]
    assert all(end < following for (_, end), (following, _) in pairwise(ends))


def test_a_scene_ends_with_the_video() -> None:
    # The last one begins at the keyframe of 79.5 s.
    found = preview.scenes(moving([0, 79.5], 80), replace(WANTED, preview_scenes=1, preview_seconds=20))
    assert found.scenes[-1].end <= 80


def test_a_video_without_keyframes_has_no_scenes() -> None:
    assert preview.scenes(moving([], 10), WANTED) == Scenes((), ())


def a_scene(start: float, end: float, keyframe: float | None = None) -> Scene:
    return Scene(start, end, start if keyframe is None else keyframe)


def shown(moments: list[float], *scenes: Scene) -> list[tuple[int, float]]:
    return [(number, round(stays, 6)) for number, stays in preview.shown(Scenes((), scenes), moments)]


def test_frames_follow_one_another_as_in_the_video() -> None:
    assert shown([0, 0.08, 0.16, 0.28], a_scene(0, 0.36)) == [(0, 0.08), (1, 0.08), (2, 0.12), (3, 0.08)]


def test_between_scenes_nothing_lingers() -> None:
    found = shown([0, 0.1, 0.2, 0.6, 0.7, 30, 30.1], a_scene(0, 0.3), a_scene(0.6, 0.8), a_scene(30, 30.2))
    assert found == [(number, 0.1) for number in range(7)]


@pytest.mark.parametrize("slides", [1, 2, 3, 4, 7])
def test_slides_take_as_long_together_as_the_preview_however_few_they_are(slides: int) -> None:
    index = moving([10.0 * n for n in range(slides)], 10.0 * slides, rate=0.1)
    found = preview.scenes(index, WANTED)
    timeline = preview.shown(found, list(index.times))
    assert sum(stays for _, stays in timeline) == pytest.approx(5)
    assert min(stays for _, stays in timeline) >= 1
    assert [number for number, _ in timeline] == sorted({number for number, _ in timeline})


def test_a_slide_that_is_on_the_screen_before_its_scene_begins_is_shown_in_it() -> None:
    assert shown([0, 20, 40], a_scene(25, 27, 20), a_scene(45, 47, 40)) == [(1, 2), (2, 2)]
    assert shown([0, 20, 40], a_scene(39, 41, 20)) == [(1, 1), (2, 1)]


def test_what_stands_still_in_a_clip_stands_still_in_its_preview() -> None:
    assert shown([0, 0.1, 3.1], a_scene(0, 3.3)) == [(0, 0.1), (1, 3), (2, 0.2)]


def test_a_scene_whose_frames_the_file_does_not_hold_is_left_out() -> None:
    assert shown([0, 0.5, 40, 40.5], a_scene(0, 1), a_scene(20, 21), a_scene(40, 41)) == [(n, 0.5) for n in range(4)]


def test_frames_that_no_scene_holds_are_shown_all_the_same() -> None:
    assert shown([7.0, 8.0], a_scene(0, 1), a_scene(20, 21)) == [(0, 1), (1, 1)]


def test_frames_that_a_decoder_gives_the_same_time_share_it() -> None:
    found = shown([0, 0.1, 0.1, 0.1, 0.4], a_scene(0, 0.5))
    assert found == [(0, 0.1), (1, 0.1), (2, 0.1), (3, 0.1), (4, 0.1)]


@given(
    keyframes=st.lists(st.integers(0, 600), min_size=1, max_size=20, unique=True).map(sorted),
    wanted=st.builds(
        Wanted, preview_seconds=st.floats(1, 30), preview_scenes=st.integers(1, 20), preview_rate=st.integers(1, 30)
    ),
    share=st.floats(0.01, 1),
    rate=st.floats(0.05, 60),
    data=st.data(),
)
def test_no_preview_is_longer_than_asked_for(
    keyframes: list[int], wanted: Wanted, share: float, rate: float, data: st.DataObject
) -> None:
    index = moving([float(time) for time in keyframes], keyframes[-1] + 1.0, rate=rate)
    found = preview.scenes(index, wanted, data.draw(st.integers(1, 2000)))
    assert seconds(found) <= wanted.preview_seconds + 1e-6
    moments = [moment for shot in found.plan for moment in shot.moments]
    # What the file really holds of it may be less, and shown earlier.
    held = sorted(data.draw(st.lists(st.sampled_from(moments), min_size=1, max_size=60)))
    early = data.draw(st.floats(0, 5))
    timeline = preview.shown(found, [max(0.0, moment - early) for moment in held])
    assert timeline
    assert all(stays >= 0 for _, stays in timeline)
    assert sum(stays for _, stays in timeline) <= wanted.preview_seconds + 1e-6


@given(st.lists(st.floats(0.02, 5), min_size=1, max_size=100), st.sampled_from([(100, 2), (1000, 1)]))
def test_rounded_to_ticks_a_film_stays_as_long_as_it_was(durations: list[float], clock: tuple[int, int]) -> None:
    rate, least = clock
    ticks = film._ticks(durations, rate, least)
    assert min(ticks) >= least
    assert sum(ticks) == pytest.approx(sum(durations) * rate, abs=0.51)


PICTURES = [Image.new("RGB", (64, 36), (50 * n,) * 3) for n in range(5)]
STAYS = [0.1, 0.25, 0.05, 1.5, 0.6]


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation_shows_each_picture_for_its_time_and_loops(kind: str) -> None:
    image = Image.open(io.BytesIO(film.encode(PICTURES, STAYS, kind, 12)))
    assert image.format == kind.upper()
    assert image.info["loop"] == 0
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        found.append((round(colour_of(image.convert("RGB"))[0] / 50), image.info["duration"] / 1000))
    assert found == list(enumerate(STAYS))


def test_a_film_shows_each_picture_for_its_time() -> None:
    with av.open(io.BytesIO(film.encode(PICTURES, STAYS, "mp4", 12)), "r") as container:
        stream = container.streams.video[0]
        assert float((stream.duration or 0) * (stream.time_base or 0)) == pytest.approx(sum(STAYS), abs=0.002)
        frames = list(container.decode(stream))
    pictures = [frame.to_image() for frame in frames]  # type: ignore[no-untyped-call]
    assert [round(colour_of(picture)[0] / 50) for picture in pictures] == list(range(5))
    assert [float(frame.time) for frame in frames] == pytest.approx([0, 0.1, 0.35, 0.4, 1.9], abs=0.002)


@pytest.mark.parametrize(("size", "even"), [((320, 181), (320, 180)), ((1, 99), (2, 98)), ((64, 36), (64, 36))])
def test_a_film_of_h264_has_even_sides(size: tuple[int, int], even: tuple[int, int]) -> None:
    assert film.size_of(size, "mp4") == even
    assert film.size_of(size, "webp") == film.size_of(size, "gif") == size


def test_the_same_pictures_make_the_same_film_whatever_was_in_memory_before() -> None:
    texture = Image.frombytes("RGB", (40, 30), bytes(range(200)) * 18)
    pictures = [texture.rotate(3 * n).resize((320, 240)) for n in range(30)]
    films = set()
    for length in (1, 100_000, 300_000, 1_000_000):
        rubbish = [os.urandom(length) for _ in range(5)]
        del rubbish
        films.add(film.encode(pictures, [1 / 12] * len(pictures), "mp4", 12))
    assert len(films) == 1


def test_a_preview_that_does_not_fit_into_memory_says_so_before_it_is_decoded() -> None:
    limits = Limits(memory=400 * MIB, seconds=10)
    job._reject_too_large((1280, 720), 56, limits)
    with pytest.raises(Rejected, match=r"its 57 frames of 1280 by 720 pixels take 200 MiB .* lower previewWidth"):
        job._reject_too_large((1280, 720), 57, limits)
