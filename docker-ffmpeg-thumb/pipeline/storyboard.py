"""The storyboard: sheets of small pictures over the whole video, and the files that tell a player where each one is.

Tile size, number and interval are those of the field's players and services; the cues are written in the notation that
every player parses: https://www.w3.org/TR/webvtt1/ with Media Fragments (`#xywh=`), and image playlists after
https://github.com/image-media-playlist/spec (`#EXT-X-IMAGES-ONLY`, `#EXT-X-TILES`).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote

from PIL import Image

from pipeline import decode, pick
from pipeline.demux import Demuxer
from pipeline.ffmpeg import Box, Limits

TILE_WIDTH = 160
"""Pixels."""
TILES = 100
INTERVAL = 10.0
"""Seconds between tiles at the least."""
COLUMNS = 10
SHEET_HEIGHT = 4096
"""Pixels. Phones decode pictures up to 4096 in either direction without a detour; JPEG itself ends at 65,500."""


@dataclass(frozen=True)
class Storyboard:
    """Sheets of tiles, and what each tile shows."""

    sheets: tuple[Image.Image, ...]
    bounds: tuple[float, ...]
    """Seconds: the tile with number n stands for the time from `bounds[n]` to `bounds[n + 1]`."""
    tile: tuple[int, int]
    """Pixels: width and height of a tile."""
    rows: int
    """Of a full sheet."""


def take(demuxer: Demuxer, budget: int, behind: str, limits: Limits) -> Storyboard:
    """Makes the storyboard of a video; see `pick.cues` for which pictures and for `budget`, in bytes.

    Raises:
        Rejected: no picture could be decoded, or only beyond the limits.
    """
    bounds = _bounds(demuxer.duration or 0.0)
    runs = pick.cues(demuxer, bounds, budget)
    frames = list(decode.frames(demuxer, runs, Box(TILE_WIDTH), limits))
    tiles = []
    for start, end in pairwise(bounds):
        middle = (start + end) / 2
        tiles.append(min(frames, key=lambda frame: abs(frame.seconds - middle)).picture)
    width, height = tiles[0].size
    rows = max(1, min(TILES // COLUMNS, SHEET_HEIGHT // height))
    a_sheet = COLUMNS * rows
    sheets = [_sheet(tiles[n : n + a_sheet], (width, height), behind) for n in range(0, len(tiles), a_sheet)]
    return Storyboard(tuple(sheets), bounds, (width, height), rows)


def cues(storyboard: Storyboard, sheet_keys: list[str]) -> str:
    """The WebVTT file: a cue for each tile, without gaps, up to the end of the video."""
    lines = ["WEBVTT", ""]
    for number, (start, end) in enumerate(pairwise(storyboard.bounds)):
        sheet, x, y = _place(storyboard, number)
        width, height = storyboard.tile
        lines += [
            f"{_clock(start)} --> {_clock(end)}",
            f"{_relative(sheet_keys[sheet])}#xywh={x},{y},{width},{height}",
            "",
        ]
    return "\n".join(lines)


def playlist(storyboard: Storyboard, sheet_keys: list[str]) -> str:
    """The HLS image playlist: a segment for each sheet, with the layout that this very sheet has."""
    width, height = storyboard.tile
    a_sheet = COLUMNS * storyboard.rows
    segments, longest = [], 0.0
    for number, key in enumerate(sheet_keys):
        bounds = storyboard.bounds[number * a_sheet : (number + 1) * a_sheet + 1]
        columns, rows = _grid(len(bounds) - 1)
        a_tile = max(end - start for start, end in pairwise(bounds))
        segments += [
            f"#EXTINF:{bounds[-1] - bounds[0]:.3f},",
            f"#EXT-X-TILES:RESOLUTION={width}x{height},LAYOUT={columns}x{rows},DURATION={a_tile:.3f}",
            _relative(key),
        ]
        longest = max(longest, bounds[-1] - bounds[0])
    lines = [
        "#EXTM3U",
        f"#EXT-X-TARGETDURATION:{math.ceil(longest)}",
        "#EXT-X-VERSION:7",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-IMAGES-ONLY",
    ]
    return "\n".join([*lines, *segments, "#EXT-X-ENDLIST", ""])


def _bounds(duration: float) -> tuple[float, ...]:
    """The times between which tiles stand; the last is the duration, in whole milliseconds as WebVTT counts."""
    duration = max(0.001, round(duration, 3))
    interval = max(INTERVAL, duration / TILES)
    count = max(1, min(TILES, math.ceil(duration / interval - 1e-6)))
    return (*(round(interval * n, 3) for n in range(count)), duration)


def _sheet(tiles: list[Image.Image], tile: tuple[int, int], behind: str) -> Image.Image:
    """Tiles from left to right, then down; no larger than they are together."""
    columns, rows = _grid(len(tiles))
    sheet = Image.new("RGB", (columns * tile[0], rows * tile[1]), behind)
    for number, picture in enumerate(tiles):
        fitting = picture if picture.size == tile else picture.resize(tile)
        place = number % COLUMNS * tile[0], number // COLUMNS * tile[1]
        sheet.paste(fitting, place, fitting if fitting.mode == "RGBA" else None)
    return sheet


def _grid(tiles: int) -> tuple[int, int]:
    """Columns and rows of a sheet."""
    return min(COLUMNS, tiles), math.ceil(tiles / COLUMNS)


def _place(storyboard: Storyboard, number: int) -> tuple[int, int, int]:
    """The number of a tile's sheet, and its left and upper edge there in pixels."""
    sheet, number = divmod(number, COLUMNS * storyboard.rows)
    return sheet, number % COLUMNS * storyboard.tile[0], number // COLUMNS * storyboard.tile[1]


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _relative(key: str) -> str:
    return quote(key.rpartition("/")[2])
