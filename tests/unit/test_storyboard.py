"""The storyboard's sheets and texts, of tiles that are known."""

import pytest
from PIL import Image

from pipeline import storyboard
from pipeline.storyboard import Storyboard


@pytest.mark.parametrize(
    ("duration", "count", "last"),
    [
        (0.0, 1, 0.001),
        (0.04, 1, 0.04),
        (2.0, 1, 2.0),
        (10.0, 1, 10.0),
        (10.5, 2, 0.5),
        (65.0, 7, 5.0),
        (1000.0, 100, 10.0),
        (1000.4, 100, 10.004),
        (36_000.0, 100, 360.0),
        (7 * 86_400.0, 100, 6048.0),
    ],
)
def test_tiles_stand_ten_seconds_apart_or_more_and_the_last_reaches_the_end(
    duration: float, count: int, last: float
) -> None:
    bounds = storyboard._bounds(duration)
    assert len(bounds) - 1 == count
    assert bounds[0] == 0
    assert bounds[-1] == max(0.001, duration)
    assert bounds[-1] - bounds[-2] == pytest.approx(last, abs=0.001)
    assert list(bounds) == sorted(set(bounds))


def board(bounds: tuple[float, ...], rows: int = 10) -> Storyboard:
    return Storyboard((), bounds, (160, 90), rows)


def test_cues_are_written_as_every_player_parses_them() -> None:
    text = storyboard.cues(board((0, 3599.5, 36_000.25)), ["a/b.jpg"])
    assert text == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:59:59.500\nb.jpg#xywh=0,0,160,90\n\n"
        "00:59:59.500 --> 10:00:00.250\nb.jpg#xywh=160,0,160,90\n"
    )


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("a/b c.jpg", "b%20c.jpg"),
        ("a:b.jpg", "a%3Ab.jpg"),
        ("x/#1 & 50% --> ?.jpg", "%231%20%26%2050%25%20--%3E%20%3F.jpg"),
        ("häst\n.jpg", "h%C3%A4st%0A.jpg"),
    ],
)
def test_a_sheet_of_any_name_is_referred_to_beside_the_file(key: str, written: str) -> None:
    assert storyboard.cues(board((0, 10)), [key]).splitlines()[3] == f"{written}#xywh=0,0,160,90"
    assert storyboard.playlist(board((0, 10)), [key]).splitlines()[-2] == written


def test_tiles_go_from_left_to_right_then_down_then_to_the_next_sheet() -> None:
    text = storyboard.cues(board(tuple(float(n) for n in range(46)), rows=2), ["1.jpg", "2.jpg", "3.jpg"])
    places = [line.removesuffix(",160,90") for line in text.splitlines() if "#" in line]
    assert [places[n] for n in (9, 10, 19, 20, 44)] == [
        "1.jpg#xywh=1440,0",
        "1.jpg#xywh=0,90",
        "1.jpg#xywh=1440,90",
        "2.jpg#xywh=0,0",
        "3.jpg#xywh=640,0",
    ]


def test_a_sheet_is_as_large_as_its_tiles() -> None:
    tiles = [Image.new("RGB", (16, 9), (n, 0, 0)) for n in range(12)]
    assert storyboard._sheet(tiles[:1], (16, 9), "#000000").size == (16, 9)
    sheet = storyboard._sheet(tiles, (16, 9), "#00ff00")
    assert sheet.size == (160, 18)
    assert sheet.getpixel((16 * 9 + 3, 3)) == (9, 0, 0)
    assert sheet.getpixel((16 + 3, 9 + 3)) == (11, 0, 0)
    assert sheet.getpixel((2 * 16 + 3, 9 + 3)) == (0, 255, 0)


def test_a_playlist_has_a_segment_for_each_sheet() -> None:
    text = storyboard.playlist(board((*(10.0 * n for n in range(25)), 247.5), rows=2), ["1.jpg", "2.jpg"])
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
