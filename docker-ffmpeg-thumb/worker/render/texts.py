"""The texts that tell a player where each tile of a storyboard lies.

- WebVTT (https://www.w3.org/TR/webvtt1/) with Media Fragments (`#xywh=`), in the notation that every player parses;
- JSON as Mux and imgix write it (https://www.mux.com/docs/guides/create-timeline-hover-previews);
- an HLS image playlist (https://github.com/image-media-playlist/spec: `#EXT-X-IMAGES-ONLY`, `#EXT-X-TILES`).

All of them name the sheets relative to themselves: `names` are those of the sheets, without folders.
"""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

from model import Storyboard


def vtt(board: Storyboard, names: Sequence[str]) -> str:
    """Write the WebVTT file: a cue for each tile, without gaps, up to the end of the video."""
    lines = ["WEBVTT", ""]
    for tile, (start, end) in enumerate(pairwise(board.bounds)):
        sheet, x, y = board.place(tile)
        lines += [
            f"{_clock(start)} --> {_clock(end)}",
            f"{quote(names[sheet])}#xywh={x},{y},{board.tile_width},{board.tile_height}",
            "",
        ]
    return "\n".join(lines)


def mux(board: Storyboard, names: Sequence[str]) -> str:
    """Write Mux's JSON. It knows of one sheet: a tile on another one says so by a `url` of its own."""
    tiles = []
    for tile, start in enumerate(board.bounds[:-1]):
        sheet, x, y = board.place(tile)
        tiles.append({"start": start, "x": x, "y": y, **({"url": quote(names[sheet])} if sheet else {})})
    size = {"tile_width": board.tile_width, "tile_height": board.tile_height}
    return json.dumps({"url": quote(names[0]), **size, "duration": board.seconds, "tiles": tiles})


def playlist(board: Storyboard, names: Sequence[str]) -> str:
    """Write the HLS image playlist: a segment for each sheet, with the layout that this very sheet has."""
    segments = []
    for sheet, name in enumerate(names):
        columns, rows = board.layout(sheet)
        tiles = board.on(sheet)
        longest = max(end - start for start, end in pairwise(board.bounds[tiles.start : tiles.stop + 1]))
        segments += [
            f"#EXTINF:{board.span(sheet):.3f},",
            f"#EXT-X-TILES:RESOLUTION={board.tile_width}x{board.tile_height},LAYOUT={columns}x{rows},"
            f"DURATION={longest:.3f}",
            quote(name),
        ]
    lines = [
        "#EXTM3U",
        f"#EXT-X-TARGETDURATION:{math.ceil(max(map(board.span, range(board.sheets))))}",
        "#EXT-X-VERSION:7",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-IMAGES-ONLY",
    ]
    return "\n".join([*lines, *segments, "#EXT-X-ENDLIST", ""])


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
