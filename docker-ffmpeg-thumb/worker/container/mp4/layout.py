"""Where the index of an MP4 or MOV lies, and fetching it.

Only the headers of boxes are looked at, to know what to fetch together: what is misread costs a request, no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model import Rejected
from worker.container.mp4 import boxes
from worker.container.mp4.boxes import Box
from worker.container.mp4.movie import LARGEST_INDEX
from worker.reader import Reader

VIDEO_SHARE = 5 / 8
"""What is fetched first of a long index: in most files the video is its first track, and its tables half of it."""


@dataclass(frozen=True)
class Index:
    """The index of a file, read."""

    begin: bytes
    """What the file begins with (`ftyp`); empty if that is something else."""
    moov: Box
    content: bytes
    """The box, with zeros in place of what was not fetched."""
    unread: int | None
    """Where in it the track begins whose tables were not fetched, because it holds no video."""

    @property
    def is_cut(self) -> bool:
        """Whether the object ends within it."""
        wide = int.from_bytes(self.content[:4]) == 1
        stated = int.from_bytes(self.content[8:16] if wide else self.content[:4])
        return stated > self.moov.end - self.moov.start


def find_index(reader: Reader) -> Index | None:
    """Find the index and fetch it without the tables of a track that is not video; None if there is no index.

    Raises:
        Rejected: it is too long.
    """
    found = _find_moov(reader)
    if found is None:
        return None
    begin, moov = found
    unread = _fetch(reader, moov)
    if unread is None:
        return Index(begin, moov, reader.read_all(moov.start, moov.end - moov.start), None)
    before, after = (
        reader.read_all(start, end - start) for start, end in ((moov.start, unread.start + 8), (unread.end, moov.end))
    )
    content = b"".join((before, bytes(unread.end - moov.start - len(before)), after))
    return Index(begin, moov, content, unread.start - moov.start)


def _find_moov(reader: Reader) -> tuple[bytes, Box] | None:
    """Walk the top level to `moov`."""
    position, begin = 0, b""
    for _ in range(boxes.MOST):
        if position + 8 > reader.size:
            return None
        if not reader.has(position, min(position + 16, reader.size)):
            # After the samples comes the index, up to the end of the object, unless that would be implausibly long.
            rest = reader.size - position
            is_long = rest > max(reader.policy.index, reader.size // 32)
            reader.fetch([(position, position + (reader.policy.edge if is_long else _likely(reader, rest)))])
        box = box_at(reader, position, reader.size)
        if box is None or box.kind == b"moof":
            return None
        if box.kind == b"ftyp" and position == 0:
            begin = reader.read_all(0, min(box.end, 4096))
        if box.kind == b"moov":
            if box.end - box.start > LARGEST_INDEX:
                raise Rejected(
                    f"its index (moov) says it has {box.end - box.start} bytes; the limit is {LARGEST_INDEX}"
                )
            return begin, box
        position = box.end
    return None


def _fetch(reader: Reader, moov: Box) -> Box | None:
    """Fetch the index, less one track where it is long and that is not video; that track.

    Two hours of sound have as many samples as of pictures, and nothing here listens.
    """
    # If any of it is fetched, then with the header of the box after it, which is read too.
    end = moov.end if reader.has(moov.start, moov.end) else moov.end + 16
    if moov.end - moov.start <= reader.policy.index:
        reader.fetch([(moov.start, end)])
        return None
    track = next((box for box in walk(reader, moov.body, moov.end) if box.kind == b"trak"), None)
    likely = track.end + reader.policy.track if track else moov.start + _likely(reader, moov.end - moov.start)
    reader.fetch([(moov.start, min(likely, end)), (moov.end - reader.policy.hop, end)])
    found = list(walk(reader, moov.body, moov.end))
    missing = [box for box in found if not reader.has(box.start, box.end)]
    if len(missing) == 1 and found[-1].end == moov.end and _is_without_pictures(reader, missing[0]):
        return missing[0]
    reader.fetch([(moov.start, end)])
    return None


def _likely(reader: Reader, index: int) -> int:
    """Return how much of an index of so many bytes is worth fetching before more of it is known."""
    return index if index <= reader.policy.index else int(index * VIDEO_SHARE)


def _is_without_pictures(reader: Reader, box: Box) -> bool:
    """Return whether a box is known to be a track of something else than video."""
    handler = _child(reader, box, b"mdia", b"hdlr") if box.kind == b"trak" else None
    if handler is None or not reader.has(handler.start, handler.body + 12):
        return False
    return reader.read_all(handler.body + 8, 4) != b"vide"


def _child(reader: Reader, parent: Box, *path: bytes) -> Box | None:
    for kind in path:
        found = next((box for box in walk(reader, parent.body, parent.end) if box.kind == kind), None)
        if found is None:
            return None
        parent = found
    return parent


def walk(reader: Reader, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes from a place on whose headers are here already."""
    position = start
    for _ in range(boxes.MOST):
        if position + 8 > end or not reader.has(position, min(position + 16, end)):
            return
        box = box_at(reader, position, end)
        if box is None:
            return
        yield box
        position = box.end


def box_at(reader: Reader, position: int, end: int) -> Box | None:
    """Return the box at a place of the object; None if there is none."""
    return boxes.header(reader.read_all(position, min(16, end - position)), 0, position, end)
