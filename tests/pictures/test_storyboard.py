"""The storyboard, read as players read it: by its cues, its JSON and its playlist, each tile looked at."""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import m3u8
import pytest
import webvtt
from PIL import Image

from worker.render import sheet

from .service import Answer, Service, colour_of, is_near
from .videos import BLUE, GREEN, GREY, H264, RED, SECONDS, Studio, noise, plain

EACH_SECOND = ("-c:v", "libx264", "-preset", "veryfast", "-qp", "8", *H264[6:])
"""At a picture a second, rate control would blur the first ones."""


@dataclass(frozen=True)
class Tile:
    """A cue, and the picture to which it leads."""

    start: float
    end: float
    sheet: str
    picture: Image.Image

    @property
    def colour(self) -> tuple[int, ...]:
        return colour_of(self.picture, 0.5, 0.25)


def tiles_of(answer: Answer) -> list[Tile]:
    """Return what the cues name, in their order."""
    numbers = {answer.keys[number].rpartition("/")[2]: number for number in answer.numbers("storyboard")}
    tiles = []
    for cue in webvtt.from_string(answer.text(".storyboard.vtt")).captions:
        name, _, place = cue.text.partition("#xywh=")
        x, y, width, height = (int(number) for number in place.split(","))
        sheet = answer.picture(numbers[unquote(name)])
        assert x + width <= sheet.width, "a cue leads beyond its sheet"
        assert y + height <= sheet.height, "a cue leads beyond its sheet"
        picture = sheet.crop((x, y, x + width, y + height))
        tiles.append(Tile(seconds_of(cue.start), seconds_of(cue.end), unquote(name), picture))
    assert tiles[0].start == 0
    assert all(before.end == after.start for before, after in pairwise(tiles)), "there are gaps between cues"
    return tiles


def board_of(service: Service, video: bytes | Path, key: str = "video.mp4", **asked: object) -> Answer:
    """Return a storyboard, and the poster that is found fastest."""
    return service.poster(video, key, **{"position": "0", "storyboard": True, **asked})


def seconds_of(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


CONTAINERS = {
    "index last": ("film.mp4", ()),
    "fragmented": ("film.mp4", ("-movflags", "frag_keyframe+empty_moov+default_base_moof")),
    "Matroska": ("film.mkv", ()),
    "transport stream": ("film.ts", ()),
}


@pytest.mark.parametrize("reading", ["whole", "by ranges"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_each_tile_shows_what_its_cue_says(service: Service, studio: Studio, container: str, reading: str) -> None:
    if reading == "by ranges":
        service.read_by_ranges()
    name, options = CONTAINERS[container]
    frames = [plain(SECONDS[second // 10]) for second in range(65) for _ in range(2)]
    video = studio.film(frames, name, *H264, "-g", "10", *options, rate="2")
    answer = board_of(service, video, "a/film & more.mp4", storyboard_interval=10)
    assert answer.keys[1:] == ["a/film & more.storyboard.jpg", "a/film & more.storyboard.vtt"]
    tiles = tiles_of(answer)
    assert [tile.start for tile in tiles] == [0, 10, 20, 30, 40, 50, 60]
    assert tiles[-1].end == pytest.approx(65, abs=0.6 if container == "transport stream" else 0.001)
    assert all(is_near(tile.colour, SECONDS[number]) for number, tile in enumerate(tiles))
    assert {tile.picture.size for tile in tiles} == {(128, 72)}


DECODING_TIMES = {
    "FLV": ("film.flv", (*H264, "-flvflags", "add_keyframe_index")),
    "fragmented, no index": ("film.mp4", (*H264, "-movflags", "frag_keyframe+empty_moov+skip_trailer")),
    "AVI": ("film.avi", ("-c:v", "mpeg4", "-q:v", "2")),
}


@pytest.mark.parametrize("container", DECODING_TIMES)
def test_a_keyframe_that_the_index_names_a_little_early_is_not_taken_for_the_one_before(
    service: Service, studio: Studio, container: str
) -> None:
    service.read_by_ranges()
    name, options = DECODING_TIMES[container]
    # A keyframe each second; the index knows when it is decoded, two frames before it is shown.
    video = studio.counting(name, *options, "-g", "10", "-bf", "2", "-sc_threshold", "0")
    tiles = tiles_of(board_of(service, video, storyboard_tiles=4))
    assert len(tiles) == 4
    assert all(is_near(tile.colour, SECONDS[2 * number + 1], 20) for number, tile in enumerate(tiles)), tiles


def changing(second: int) -> tuple[int, int, int]:
    """Return the colour of each second of a film whose tiles tell the very second that they show."""
    return SECONDS[second % len(SECONDS)]


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_minute_has_fifty_tiles_each_of_the_very_moment_in_its_middle(
    service: Service, studio: Studio, container: str
) -> None:
    name, options = CONTAINERS[container]
    # One GOP, a frame a second.
    frames = [plain(changing(second)) for second in range(60)]
    video = studio.film(frames, name, *EACH_SECOND, "-bf", "2", "-g", "1000", "-sc_threshold", "0", *options, rate="1")
    tiles = tiles_of(board_of(service, video))
    assert len(tiles) == 50
    for tile in tiles:
        assert is_near(tile.colour, changing(int((tile.start + tile.end) / 2))), tile


def test_beyond_the_budget_the_nearest_keyframe_stands_in(service: Service, studio: Studio) -> None:
    # Two groups of pictures of some forty seconds each: the first full of noise, the second of next to nothing.
    frames = [plain(changing(second), (320, 180)) for second in range(80)]
    for second, frame in enumerate(frames[:41]):
        frame.paste(noise(second, (320, 90)), (0, 90))
    video = studio.film(frames, "film.mp4", *EACH_SECOND, "-g", "41", "-sc_threshold", "0", rate="1")
    assert video.stat().st_size > 2**20
    wanted = {
        0: [0, 0, 41, 41, 41, 41, 41, 41],
        1: [0, 0, 45, 45, 45, 55, 65, 75],
        64: [5, 15, 25, 35, 45, 55, 65, 75],
    }
    for budget, seconds in wanted.items():
        asked = {"storyboard_interval": 10, "storyboard_budget": budget}
        board = board_of(service, video, f"{budget}.mp4", **asked)
        tiles = tiles_of(board)
        found = [is_near(tile.colour, changing(second)) for tile, second in zip(tiles, seconds, strict=True)]
        assert all(found), (budget, found)
        beside = {0: ["6 of its 8 tiles"], 1: ["3 of its 8 tiles"], 64: []}[budget]
        assert [note.partition(" show ")[0] for note in board.notes] == beside


def test_a_smaller_budget_reads_less(service: Service, studio: Studio) -> None:
    service.read_by_ranges()
    frames = [noise(second, (160, 90)) for second in range(60)]
    video = studio.film(frames, "film.mp4", *EACH_SECOND, "-g", "1000", rate="1")
    frugal, lavish = (
        board_of(service, video, f"{budget}.mp4", storyboard_budget=budget).said["read"] for budget in (0, 64)
    )
    assert frugal["bytes"] < 0.1 * video.stat().st_size
    assert lavish["bytes"] > 0.8 * video.stat().st_size


def test_a_clip_of_few_frames_has_as_many_tiles(service: Service, studio: Studio) -> None:
    frames = [plain(changing(number)) for number in range(12)]
    video = studio.film(frames, "short.mp4", *EACH_SECOND, "-g", "1000", "-bf", "2", "-sc_threshold", "0", rate="6")
    tiles = tiles_of(board_of(service, video))
    assert (len(tiles), tiles[-1].end) == (12, 2)
    assert all(is_near(tile.colour, changing(number)) for number, tile in enumerate(tiles))


@pytest.mark.parametrize(
    ("asked", "count", "columns", "width"),
    [
        ({"storyboard_interval": 2.5}, 4, 4, 160),
        ({"storyboard_tiles": 20, "storyboard_columns": 6}, 20, 6, 160),
        ({"storyboard_tiles": 8, "storyboard_width": 64}, 8, 8, 64),
    ],
)
def test_interval_number_columns_and_width_of_tiles_can_be_asked_for(
    service: Service, studio: Studio, asked: dict[str, Any], count: int, columns: int, width: int
) -> None:
    frames = [plain(changing(second // 10), (320, 180)) for second in range(100)]
    video = studio.film(frames, "film.mp4", *EACH_SECOND, "-g", "10", rate="10")
    answer = board_of(service, video, manifest=True, **asked)
    tiles = tiles_of(answer)
    assert len(tiles) == count
    assert {tile.picture.width for tile in tiles} == {width}
    assert answer.picture(1).width == columns * width
    for tile in tiles:
        seconds = range(int(tile.start), math.ceil(tile.end))
        assert any(is_near(tile.colour, changing(second)) for second in seconds), tile
    board = json.loads(answer.text(".thumbnails.json"))["storyboard"]
    assert (board["tiles"], board["columns"], board["tile_width"]) == (count, columns, width)
    assert board["interval"] == pytest.approx(10 / count)


def test_a_single_picture_has_one_tile(service: Service, studio: Studio) -> None:
    (tile,) = tiles_of(board_of(service, studio.film([plain(BLUE)], "one.mp4", *H264)))
    assert (tile.start, tile.end) == (0, 0.04)
    assert is_near(tile.colour, BLUE)


def test_a_video_of_ten_hours_has_a_hundred_tiles(service: Service, studio: Studio) -> None:
    frames = [plain(SECONDS[number // 12 % 8], (64, 36)) for number in range(1200)]
    video = studio.film(frames, "long.mp4", *EACH_SECOND, "-g", "4", rate="1/30")
    tiles = tiles_of(board_of(service, video))
    assert len(tiles) == 100
    assert {round(tile.end - tile.start, 3) for tile in tiles} == {360}
    assert tiles[-1].end == 36_000
    assert all(is_near(tile.colour, SECONDS[number % 8]) for number, tile in enumerate(tiles))


@pytest.fixture
def tall(service: Service, studio: Studio) -> Answer:
    """Of a film of a thousand seconds so tall that its tiles do not fit on one sheet."""
    frames = [plain(SECONDS[number % 8], (160, 512)) for number in range(100)]
    video = studio.film(frames, "tall.mp4", *EACH_SECOND, "-g", "1", rate="1/10")
    asked = {"storyboard_playlist": True, "storyboard_json": True, "manifest": True}
    return board_of(service, video, "a/tall ones.mp4", **asked)


def test_tiles_that_do_not_fit_on_one_sheet_go_on_another(tall: Answer) -> None:
    names = ["tall ones.storyboard.jpg", "tall ones.storyboard-2.jpg"]
    assert tall.keys[1:3] == [f"a/{name}" for name in names]
    tiles = tiles_of(tall)
    assert [tile.sheet for tile in tiles] == [names[0]] * 80 + [names[1]] * 20
    assert all(is_near(tile.colour, SECONDS[number % 8]) for number, tile in enumerate(tiles))
    for number in (1, 2):
        assert max(tall.picture(number).size) <= sheet.SIDE
    assert [tall.said["images"][number]["seconds"] for number in (1, 2)] == [0, 800]


def test_the_playlist_leads_to_the_same_tiles(tall: Answer) -> None:
    playlist = m3u8.loads(tall.text(".storyboard.m3u8"))
    assert playlist.is_images_only
    assert playlist.is_endlist
    assert playlist.target_duration >= max(segment.duration for segment in playlist.segments)
    assert [unquote(segment.uri) for segment in playlist.segments] == [
        "tall ones.storyboard.jpg",
        "tall ones.storyboard-2.jpg",
    ]
    (number,) = (number for number, key in enumerate(tall.keys) if key.endswith(".m3u8"))
    assert tall.object(number)["ContentType"] == "application/vnd.apple.mpegurl"
    found = []
    for number, (segment, tiles) in enumerate(zip(playlist.segments, playlist.data["tiles"], strict=True), 1):
        sheet = tall.picture(number)
        width, height = sizes(tiles["resolution"])
        columns, rows = sizes(tiles["layout"])
        assert sheet.size == (columns * width, rows * height)
        for place in range(round(segment.duration / tiles["duration"])):
            x, y = place % columns * width, place // columns * height
            found.append(colour_of(sheet.crop((x, y, x + width, y + height)), 0.5, 0.25))
    assert [is_near(colour, SECONDS[number % 8]) for number, colour in enumerate(found)] == [True] * 100


def test_the_json_leads_to_the_same_tiles(tall: Answer) -> None:
    made = json.loads(tall.text(".storyboard.json"))
    (number,) = (number for number, key in enumerate(tall.keys) if key.endswith(".storyboard.json"))
    assert tall.object(number)["ContentType"] == "application/json"
    sheets = {key.rpartition("/")[2]: tall.picture(number) for number, key in enumerate(tall.keys[:3])}
    width, height = made["tile_width"], made["tile_height"]
    for place, tile in enumerate(made["tiles"]):
        x, y = tile["x"], tile["y"]
        sheet = sheets[unquote(tile.get("url", made["url"]))]
        assert is_near(colour_of(sheet.crop((x, y, x + width, y + height)), 0.5, 0.25), SECONDS[place % 8])
    assert [tile["start"] for tile in made["tiles"]] == [10 * place for place in range(100)]
    assert made["duration"] == 1000


def test_the_manifest_has_the_line_that_a_master_playlist_needs(tall: Answer) -> None:
    stream = json.loads(tall.text(".thumbnails.json"))["storyboard"]["image_stream"]
    attributes = (
        f'BANDWIDTH={stream["bandwidth"]},RESOLUTION={stream["resolution"]},CODECS="{stream["codecs"]}",'
        f'URI="{stream["uri"]}"'
    )
    master = m3u8.loads(f"#EXTM3U\n#EXT-X-IMAGE-STREAM-INF:{attributes}\n")
    (found,) = master.image_playlists
    assert found.base_path == ""
    assert f"a/{unquote(found.uri)}" in tall.keys
    assert found.image_stream_info.resolution == (160, 512)
    assert found.image_stream_info.codecs == "jpeg"
    sheets = [tall.said["images"][number]["bytes"] for number in (1, 2)]
    assert found.image_stream_info.bandwidth == max(-(-8 * sheets[0] // 800), -(-8 * sheets[1] // 200))


@pytest.mark.parametrize(("seconds", "layout"), [(2, "2x1"), (7, "7x1"), (13, "10x2")])
def test_the_playlist_says_how_many_tiles_a_sheet_really_has(
    service: Service, studio: Studio, seconds: int, layout: str
) -> None:
    video = studio.film([plain(GREEN)] * seconds, "film.mp4", *EACH_SECOND, "-g", "5", rate="1")
    answer = board_of(service, video, storyboard_playlist=True)
    playlist = m3u8.loads(answer.text(".m3u8"))
    assert [segment.duration for segment in playlist.segments] == [seconds]
    assert [tiles["layout"] for tiles in playlist.data["tiles"]] == [layout]
    columns, rows = sizes(layout)
    assert answer.picture(1).size == (columns * 128, rows * 72)


def sizes(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def test_there_is_no_playlist_and_no_json_unless_it_is_asked_for(service: Service, studio: Studio) -> None:
    answer = board_of(service, studio.counting())
    assert answer.keys == ["video.jpg", "video.storyboard.jpg", "video.storyboard.vtt"]


def test_tiles_are_160_pixels_wide_and_upright(service: Service, studio: Studio) -> None:
    video = studio.quadrants("wide.mp4", size=(640, 320))
    turned = studio.run("turned.mp4", "-display_rotation", "90", "-i", str(video), "-c", "copy")
    tile = tiles_of(board_of(service, turned))[0]
    assert tile.picture.size == (160, 320)
    # Turned counterclockwise, green comes from the right to the top.
    assert is_near(colour_of(tile.picture, 0.25, 0.25), GREEN)
    assert is_near(colour_of(tile.picture, 0.25, 0.75), RED)


@pytest.mark.parametrize("extension", ["webp", "png", "avif"])
def test_sheets_are_in_the_format_of_the_poster(service: Service, studio: Studio, extension: str) -> None:
    answer = board_of(service, studio.counting(), format=extension)
    assert answer.keys[1] == f"video.storyboard.{extension}"
    assert is_near(tiles_of(answer)[0].colour, SECONDS[0], 20)


def test_behind_what_is_transparent_lies_the_colour_of_the_settings(service: Service, studio: Studio) -> None:
    video = studio.film([plain((*RED, 0))] * 5, "clear.mov", "-c:v", "qtrle", "-pix_fmt", "argb")
    answer = board_of(service, video, pad_color="#808080")
    assert is_near(tiles_of(answer)[0].colour, GREY)


def test_tiles_have_one_size_where_the_video_changes_its_own(service: Service, studio: Studio) -> None:
    parts = [
        studio.film(
            [plain(of, size)] * 20, "part.ts", *EACH_SECOND, "-g", "5", "-output_ts_offset", str(start), rate="1"
        )
        for of, size, start in ((RED, (128, 72), 0), (BLUE, (64, 64), 20))
    ]
    tiles = tiles_of(board_of(service, b"".join(part.read_bytes() for part in parts)))
    assert {tile.picture.size for tile in tiles} == {(128, 72)}
    assert is_near(tiles[0].colour, RED)
    assert is_near(tiles[-1].colour, BLUE)


def test_a_storyboard_that_cannot_be_made_is_a_note_and_nothing_of_it_is_there(
    service: Service, studio: Studio
) -> None:
    frames = [plain(RED, (16, 4096))] * 101
    video = studio.film(frames, "tower.mp4", *EACH_SECOND, "-g", "1", rate="10")
    asked: dict[str, Any] = {"storyboard_tiles": 101, "storyboard_columns": 1, "manifest": True}
    answer = board_of(service, video, **asked)
    assert answer.keys == ["video.jpg", "video.thumbnails.json"]
    assert answer.notes == ["it has no storyboard: 101 tiles of 16 by 4096 pixels take 101 sheets, more than 100"]
    assert json.loads(answer.text(".json"))["storyboard"] is None
