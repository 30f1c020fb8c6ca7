"""A storyboard: which frames it shows, how its tiles lie on sheets, and the texts that say where each one is."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model import MOST_SHEETS, Rejected, Storyboard, Tiling, Wanted, sheet_name
from worker.choose import storyboard
from worker.index import Shot
from worker.render import sheet, texts

from .moving import all_intra, moving

PLENTY = 10**9


def divided(duration: float | None, rate: float = 25.0, **wanted: float) -> Tiling:
    values = {f"storyboard_{name}": value for name, value in wanted.items()}
    return storyboard.tiling(moving([0], duration, rate=rate), Wanted(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("duration", "tiles"),
    [(60, 50), (899, 50), (900, 50), (901, 100), (7200, 100), (7 * 86_400, 100), (2.0, 50), (1.0, 25), (0.04, 1)],
)
def test_a_video_has_as_many_tiles_as_with_mux_but_never_more_than_frames(duration: float, tiles: int) -> None:
    assert divided(duration).tiles == tiles


@pytest.mark.parametrize("duration", [None, 0.0])
def test_a_video_without_a_duration_has_one_tile(duration: float | None) -> None:
    assert divided(duration) == Tiling(1, 0.001, 0.001)


@pytest.mark.parametrize(
    ("duration", "wanted", "tiles", "interval"),
    [
        (65.0, {"interval": 10.0}, 7, 10.0),
        (60.0, {"interval": 10.0}, 6, 10.0),
        (7200.0, {"interval": 10.0}, 500, 14.4),
        (7200.0, {"interval": 10.0, "tiles": 100}, 100, 72.0),
        (65.0, {"interval": 10.0, "tiles": 100}, 7, 10.0),
        (60.0, {"tiles": 12}, 12, 5.0),
        (60.0, {"tiles": 500}, 500, 0.12),
        (4.0, {"interval": 0.01}, 100, 0.04),
        (4.0, {"interval": 100.0}, 1, 100.0),
    ],
)
def test_tiles_and_the_interval_between_them_can_be_asked_for(
    duration: float, wanted: dict[str, float], tiles: int, interval: float
) -> None:
    found = divided(duration, **wanted)
    assert (found.tiles, found.interval, found.seconds) == (tiles, interval, duration)


@given(
    duration=st.floats(0, 1e6),
    rate=st.floats(0.001, 10_000),
    tiles=st.integers(0, 500),
    interval=st.one_of(st.just(0.0), st.floats(0.001, 3600)),
)
def test_tiles_follow_one_another_from_the_beginning_to_the_end(
    duration: float, rate: float, tiles: int, interval: float
) -> None:
    found = divided(duration, rate, tiles=tiles, interval=interval)
    bounds = found.bounds
    assert 1 <= found.tiles == len(bounds) - 1 <= (tiles or storyboard.MOST_TILES)
    assert bounds[0] == 0
    assert bounds[-1] == max(0.001, round(duration, 3))
    assert all(start < end for start, end in pairwise(bounds))
    assert found.tiles <= max(1, round(found.seconds * rate))
    # Only the last one may be shorter than the others.
    assert all(end - start == pytest.approx(found.interval, abs=0.0021) for start, end in list(pairwise(bounds))[:-1])


def plan(
    places: list[float],
    bounds: tuple[float, ...],
    budget: int = PLENTY,
    pixels: int = PLENTY * 100,
    size: int = 1000,
) -> list[tuple[int, tuple[float, ...]]]:
    """Return the shots for the parts between bounds; for a keyframe alone, with its time."""
    index = moving(places, bounds[-1], size)
    found = storyboard.choose(index, bounds, budget, PLENTY, pixels).plan
    return [(shot.keyframe, shot.moments or (index.times[shot.keyframe],)) for shot in found]


def test_a_tile_gets_the_keyframe_nearest_to_its_middle() -> None:
    assert plan([0, 4, 9, 13, 19], (0, 10, 20)) == [(1, (4,)), (3, (13,))]


def test_a_keyframe_shown_some_frames_later_than_the_index_says_is_that_of_its_tile() -> None:
    choice = storyboard.choose(moving([0, 4, 14, 24], 30), (0, 10, 20, 30), PLENTY)
    assert [shot.keyframe for shot in choice.plan] == [1, 2, 3]
    assert storyboard.shown(choice, [4.2, 14.2, 24.2]) == [0, 1, 2]


def test_so_is_one_from_which_other_tiles_are_decoded() -> None:
    choice = storyboard.choose(moving([0, 8, 28], 40), (0, 10, 20, 30, 40), PLENTY)
    assert choice.plan == (Shot(1, (8, 15)), Shot(2, (28, 35)))
    assert storyboard.shown(choice, [8.1, 15, 28.1, 35]) == [0, 1, 2, 3]


def test_tiles_without_a_keyframe_get_the_moments_of_their_middles() -> None:
    assert plan([0, 30], (0, 10, 20, 30, 40)) == [(0, (5, 15, 25)), (1, (30,))]


def test_a_keyframe_after_the_middle_is_shown_itself() -> None:
    # What is decoded for the second tile begins there.
    assert plan([0, 8], (0, 10, 20)) == [(1, (8, 15))]


@pytest.mark.parametrize(
    ("budget", "second_group", "first_group"), [(149, 0, 0), (150, 1, 0), (499, 1, 0), (500, 1, 1)]
)
def test_the_cheapest_gops_are_decoded_first(budget: int, second_group: bool, first_group: bool) -> None:
    # Of a thousand bytes in a hundred seconds 350 lie before the last middle of the first GOP, 150 in the second's.
    found = dict(plan([0, 40, 60, 70, 80, 90], tuple(10.0 * n for n in range(11)), budget))
    assert list(found[0]) == ([5, 15, 25, 35] if first_group else [0])
    assert list(found[1]) == ([45, 55] if second_group else [40])


@pytest.mark.parametrize(
    ("frames", "wanted"),
    [
        (1002, [(0, (5, 15, 25)), (1, (35, 45))]),
        (1001, [(0, (0,)), (1, (35, 45))]),
        (375, [(0, (0,)), (1, (30,))]),
    ],
)
def test_where_too_much_would_be_decoded_keyframes_stand_in(
    frames: int, wanted: list[tuple[int, tuple[float, ...]]]
) -> None:
    # At 25 frames a second, 376 frames of the second GOP are decoded, and 626 of the first.
    assert plan([0, 30], (0.0, 10, 20, 30, 40, 50), pixels=frames * 640 * 360, size=100_000) == wanted


def test_a_frame_that_stays_for_hours_is_not_taken_for_many() -> None:
    bounds = (0.0, 9_000, 18_000, 27_000, 36_000)
    middles = (4_500, 13_500, 22_500, 31_500)
    assert plan([0, 8], bounds, pixels=1000 * 640 * 360, size=8 * 900) == [(1, middles)]
    assert plan([0, 8], bounds, pixels=1000 * 640 * 360, size=8 * 1200) == [(1, (8,))]


@pytest.mark.parametrize(("budget", "beside"), [(149, 4), (150, 3), (500, 0)])
def test_tiles_that_a_keyframe_of_another_part_stands_in_for_are_counted(budget: int, beside: int) -> None:
    # Of ten parts, those from 10 to 40 and from 50 to 60 have no keyframe; with the latter that at 40 is decoded.
    bounds = tuple(10.0 * n for n in range(11))
    found = storyboard.choose(moving([0, 40, 60, 70, 80, 90], 100), bounds, budget)
    assert found.beside == beside


@pytest.mark.parametrize("budget", [1, 10_000, 10_000_000, PLENTY])
def test_no_plan_of_keyframes_costs_more_than_its_budget_or_a_single_keyframe(budget: int) -> None:
    index = all_intra(180_000, 100_000)
    found = storyboard.choose(index, [72.0 * n for n in range(101)], 0, budget).plan
    assert 1 <= len(found) <= 100
    assert index.cost(found) <= max(budget, 100_000)


def test_a_video_without_keyframes_has_nothing_to_show() -> None:
    assert storyboard.choose(moving([], 10), (0, 10), 1) == storyboard.Choice((), ())


@given(
    places=st.lists(st.integers(0, 1000), min_size=1, max_size=30, unique=True).map(sorted),
    tiles=st.integers(1, 120),
    budget=st.integers(0, 2000),
)
def test_each_tile_shows_a_moment_of_its_own_and_no_keyframe_is_read_twice(
    places: list[int], tiles: int, budget: int
) -> None:
    index = moving([float(place) for place in places], 1001.0)
    bounds = Tiling(tiles, 1001 / tiles, 1001.0).bounds
    found = storyboard.choose(index, bounds, budget, PLENTY, PLENTY * PLENTY)
    numbers = [shot.keyframe for shot in found.plan]
    assert numbers == sorted(set(numbers))
    assert sum(index.cost([shot]) for shot in found.plan if shot.moments) <= budget
    # A frame is on the screen at each moment that is read, and stays there for the rest of its GOP.
    read = [moment for shot in found.plan for moment in shot.moments or (index.times[shot.keyframe],)]
    chosen = [read[number] for number in storyboard.shown(found, read)]
    assert len(chosen) == tiles
    assert chosen == sorted(chosen)
    starts = {shot.moments[0] if shot.moments else index.times[shot.keyframe] for shot in found.plan}
    for shows, (start, end) in zip(chosen, pairwise(bounds), strict=True):
        # With 2000 bytes all of the video may be read.
        assert start <= shows < end or (shows in starts and budget < 2000)


def test_a_slide_stays_on_its_tiles_until_the_next_one_comes() -> None:
    # A slide each forty seconds; tiles of ten.
    index = moving([0.0, 40.0, 80.0], 120.0, rate=1 / 40)
    found = storyboard.choose(index, [10.0 * n for n in range(13)], PLENTY)
    assert storyboard.shown(found, [0.0, 40.0, 80.0]) == [0] * 4 + [1] * 4 + [2] * 4


def test_a_keyframe_is_shown_where_the_index_names_it_a_little_late() -> None:
    index = moving([0.0, 10.0], 20.0)
    found = storyboard.choose(index, [0.0, 8.0, 16.0], 0)
    assert storyboard.shown(found, [0.0, 10.015]) == [0, 1]


def test_a_plan_wants_only_keyframes_where_each_tile_has_one() -> None:
    index = moving([float(n) for n in range(100)], 100.0)
    found = storyboard.choose(index, [10.0 * n for n in range(11)], PLENTY)
    assert found.plan == tuple(Shot(5 + 10 * n) for n in range(10))


@given(
    tiles=st.integers(1, 500),
    columns=st.integers(1, 50),
    width=st.integers(1, 640),
    height=st.integers(1, 4096),
)
def test_no_tile_lies_beside_its_sheet_or_on_another_tile(tiles: int, columns: int, width: int, height: int) -> None:
    tiling = Tiling(tiles, 1.0, float(tiles))
    if tiles > MOST_SHEETS * min(columns, sheet.SIDE // width) * (sheet.SIDE // height):
        with pytest.raises(Rejected, match=f"more than {MOST_SHEETS}"):
            sheet.arranged(tiling, (width, height), columns)
        return
    board = sheet.arranged(tiling, (width, height), columns)
    assert board.columns <= columns
    assert sum(board.span(number) for number in range(board.sheets)) == pytest.approx(tiles)
    taken = set()
    for tile in range(tiles):
        number, x, y = board.place(tile)
        assert tile in board.on(number)
        across, down = board.layout(number)
        assert x + width <= across * width <= sheet.SIDE
        assert y + height <= down * height <= sheet.SIDE
        assert x % width == y % height == 0
        taken.add((number, x, y))
    assert len(taken) == tiles
    # No sheet is larger than its tiles take.
    assert sum(math.prod(board.layout(number)) for number in range(board.sheets)) < tiles + board.columns
    assert max(taken)[0] == board.sheets - 1


def test_so_many_tiles_that_their_sheets_cannot_be_counted_are_none() -> None:
    with pytest.raises(Rejected, match=r"500 tiles of 640 by 4096 pixels take 500 sheets, more than 100"):
        sheet.arranged(Tiling(500, 1.0, 500.0), (640, 4096), 1)


def test_tiles_go_from_left_to_right_then_down_then_to_the_next_sheet() -> None:
    board = Storyboard(45, 1.0, 45.0, 10, 2, 160, 90)
    assert [board.place(tile) for tile in (0, 9, 10, 19, 20, 44)] == [
        *((0, 0, 0), (0, 1440, 0), (0, 0, 90), (0, 1440, 90)),
        *((1, 0, 0), (2, 640, 0)),
    ]
    assert [board.layout(number) for number in range(board.sheets)] == [(10, 2), (10, 2), (5, 1)]
    assert [board.span(number) for number in range(board.sheets)] == [20, 20, 5]


def test_a_sheet_is_as_large_as_its_tiles() -> None:
    tiles = [Image.new("RGB", (16, 9), (n, 0, 0)) for n in range(12)]
    (first,) = sheet.sheets(Storyboard(1, 1.0, 1.0, 1, 1, 16, 9), tiles[:1], "#000000")
    assert first.size == (16, 9)
    (second,) = sheet.sheets(Storyboard(12, 1.0, 12.0, 10, 2, 16, 9), tiles, "#00ff00")
    assert second.size == (160, 18)
    assert second.getpixel((16 * 9 + 3, 3)) == (9, 0, 0)
    assert second.getpixel((16 + 3, 9 + 3)) == (11, 0, 0)
    assert second.getpixel((2 * 16 + 3, 9 + 3)) == (0, 255, 0)


def test_the_names_of_sheets_are_counted_from_the_second_on() -> None:
    names = [sheet_name("a/cat", number, "webp") for number in range(3)]
    assert names == ["a/cat.storyboard.webp", "a/cat.storyboard-2.webp", "a/cat.storyboard-3.webp"]


def test_cues_are_written_as_every_player_parses_them() -> None:
    text = texts.vtt(Storyboard(2, 3599.5, 36_000.25, 10, 1, 160, 90), ["b.jpg"])
    assert text == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:59:59.500\nb.jpg#xywh=0,0,160,90\n\n"
        "00:59:59.500 --> 10:00:00.250\nb.jpg#xywh=160,0,160,90\n"
    )


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("b c.jpg", "b%20c.jpg"),
        ("a:b.jpg", "a%3Ab.jpg"),
        ("#1 & 50% --> ?.jpg", "%231%20%26%2050%25%20--%3E%20%3F.jpg"),
        ("häst\n.jpg", "h%C3%A4st%0A.jpg"),
    ],
)
def test_a_sheet_of_any_name_is_referred_to_beside_the_file(name: str, written: str) -> None:
    board = Storyboard(1, 10.0, 10.0, 1, 1, 160, 90)
    assert texts.vtt(board, [name]).splitlines()[3] == f"{written}#xywh=0,0,160,90"
    assert json.loads(texts.mux(board, [name]))["url"] == written
    assert texts.playlist(board, [name]).splitlines()[-2] == written


def test_the_json_is_that_of_mux() -> None:
    made = json.loads(texts.mux(Storyboard(3, 1.5, 4.25, 2, 2, 160, 90), ["cat.storyboard.jpg"]))
    assert made == {
        "url": "cat.storyboard.jpg",
        "tile_width": 160,
        "tile_height": 90,
        "duration": 4.25,
        "tiles": [
            {"start": 0.0, "x": 0, "y": 0},
            {"start": 1.5, "x": 160, "y": 0},
            {"start": 3.0, "x": 0, "y": 90},
        ],
    }


def test_in_the_json_a_tile_on_a_further_sheet_names_it() -> None:
    made = json.loads(texts.mux(Storyboard(3, 1.0, 3.0, 1, 1, 160, 90), ["a.jpg", "a-2.jpg", "a-3.jpg"]))
    assert [tile.get("url", made["url"]) for tile in made["tiles"]] == ["a.jpg", "a-2.jpg", "a-3.jpg"]


def test_a_playlist_has_a_segment_for_each_sheet() -> None:
    text = texts.playlist(Storyboard(25, 10.0, 247.5, 10, 2, 160, 90), ["1.jpg", "2.jpg"])
    assert text.splitlines()[1:] == [
        "#EXT-X-TARGETDURATION:200",
        "#EXT-X-VERSION:7",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-IMAGES-ONLY",
        "#EXTINF:200.000,",
        "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=10x2,DURATION=10.000",
        "1.jpg",
        "#EXTINF:47.500,",
        "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=5x1,DURATION=10.000",
        "2.jpg",
        "#EXT-X-ENDLIST",
    ]
