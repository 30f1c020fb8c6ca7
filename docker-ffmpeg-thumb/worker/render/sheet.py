"""A storyboard's sheets: images of many tiles each, from left to right, then down."""

import math
from collections.abc import Iterator, Sequence

from PIL import Image

from model import MOST_SHEETS, Rejected, Storyboard, Tiling
from worker.render import fit

SIDE = 4096
"""Pixels. Phones decode images up to 4096 in either direction without a detour; JPEG itself ends at 65,500."""


def arranged(tiling: Tiling, tile: tuple[int, int], columns: int) -> Storyboard:
    """Arrange tiles of a size in pixels on sheets of so many columns, fewer where these would be wider than `SIDE`.

    Raises:
        Rejected: that would be more sheets than a storyboard may have.
    """
    width, height = tile
    columns = max(1, min(columns, SIDE // width, tiling.tiles))
    rows = max(1, min(math.ceil(tiling.tiles / columns), SIDE // height))
    board = Storyboard(tiling.tiles, tiling.interval, tiling.seconds, columns, rows, width, height)
    if board.sheets > MOST_SHEETS:
        raise Rejected(
            f"{board.tiles} tiles of {width} by {height} pixels take {board.sheets} sheets, more than {MOST_SHEETS}"
        )
    return board


def sheets(board: Storyboard, tiles: Sequence[Image.Image], background: str) -> Iterator[Image.Image]:
    """Yield the sheets, no larger than their tiles are together."""
    size = board.tile_width, board.tile_height
    for number in range(board.sheets):
        columns, rows = board.layout(number)
        sheet = Image.new("RGB", (columns * size[0], rows * size[1]), background)
        for tile in board.on(number):
            _, x, y = board.place(tile)
            fitting = fit.within(tiles[tile], size, background)
            sheet.paste(fitting, (x, y), fitting if fitting.mode == "RGBA" else None)
        yield sheet
