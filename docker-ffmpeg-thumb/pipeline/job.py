"""One video from its event to its files: the stages in their order."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import blurhash
from PIL.Image import Image as Picture

from pipeline import names, overrides, poster, preview, shape, storyboard
from pipeline.demux import Demuxer, open_video
from pipeline.encode import CONTENT_TYPES, encode, opaque
from pipeline.events import Video
from pipeline.ffmpeg import Limits
from pipeline.names import Names
from pipeline.outcome import MADE, Image, Outcome, Reading, Rejected, Settled
from pipeline.position import Position
from pipeline.publish import File, Shelf
from pipeline.settings import Settings
from pipeline.source import Source


@dataclass(frozen=True)
class Made:
    """All that was made of one video."""

    files: tuple[File, ...]
    video: dict[str, Any]
    """The video itself, as its container describes it, and the placeholder of its poster."""
    notes: tuple[str, ...]


def run(client: Any, video: Video, settings: Settings, limits: Limits, read_limit: int, seen: bool = False) -> Outcome:
    """Makes the files of one video, or states why not.

    `read_limit`: the most bytes that may be read of the object. `seen`: whether this content was here before; most is
    new, and is read while it is asked whether the files are there already.

    Raises:
        Exception: anything transient; another attempt at the same event may succeed.
    """
    began = time.monotonic()
    source = Source(client, video, read_limit)
    try:
        named = names.of(video.bucket, video.key, settings)
        shelf = Shelf(client, named.bucket, video, settings)
        beginning = None if seen else source.begin()
        shelf.look(named.certain())
        beginning.result() if beginning else source.open()
        settings, position, notes = overrides.apply(source.metadata, settings)
        named = names.of(video.bucket, video.key, settings)
        made = _make(source, settings, position or named.asked or settings.position, named, limits)
        notes += made.notes
        files = made.files
        if named.manifest:
            seconds = round(time.monotonic() - began, 3)
            images = tuple(file.image for file in files)
            files += (_manifest(named.manifest, video, source, made.video, images, notes, seconds),)
        shelf.put(files, source.etag or "", overrides.wishes(source.metadata))
        images = tuple(file.image for file in files)
        return _outcome(video, source.reading, began, MADE, images=images, notes=notes)
    except Settled as settled:
        return _outcome(video, source.reading, began, settled.outcome, settled.reason)
    finally:
        source.close()


def _make(source: Source, settings: Settings, position: Position, named: Names, limits: Limits) -> Made:
    demuxer = open_video(source)
    lacking: list[str] = []
    try:
        frame = poster.take(demuxer, position, shape.box(settings), limits)
        files = []
        for width, key in named.posters:
            picture = shape.shaped(frame.picture, width, settings)
            files.append(_picture_file("poster", key, picture, frame.seconds, settings))
        if named.sheet and named.cues:
            with _noting("storyboard", lacking):
                files += _storyboard(demuxer, settings, named.sheet, named.cues, named.playlist, limits)
        if named.preview:
            with _noting("preview", lacking):
                files.append(_preview(demuxer, settings, named.preview, limits))
        described = _described(demuxer)
        if settings.placeholder:
            described["placeholder"] = _placeholder(opaque(frame.picture, settings.pad_colour))
        return Made(tuple(files), described, (*demuxer.notes, *lacking))
    finally:
        demuxer.close()


@contextmanager
def _noting(kind: str, notes: list[str]) -> Iterator[None]:
    """Notes what would reject a video that has its poster already: a later part may be broken or too large."""
    try:
        yield
    except Rejected as rejected:
        notes.append(f"it has no {kind}: {rejected.reason}")


def _storyboard(
    demuxer: Demuxer, settings: Settings, sheet: str, cues: str, playlist: str | None, limits: Limits
) -> list[File]:
    board = storyboard.take(demuxer, settings.storyboard_budget, settings.pad_colour, limits)
    keys = [names.further_sheet(sheet, number) for number in range(len(board.sheets))]
    a_sheet = storyboard.COLUMNS * board.rows
    files = [
        _picture_file("storyboard", key, picture, board.bounds[number * a_sheet], settings)
        for number, (key, picture) in enumerate(zip(keys, board.sheets, strict=True))
    ]
    files.append(_text_file("storyboard", cues, storyboard.cues(board, keys), "text/vtt"))
    if playlist:
        text = storyboard.playlist(board, keys)
        files.append(_text_file("storyboard", playlist, text, "application/vnd.apple.mpegurl"))
    return files


def _preview(demuxer: Demuxer, settings: Settings, key: str, limits: Limits) -> File:
    made = preview.take(demuxer, settings.preview, settings.pad_colour, limits)
    image = Image("preview", key, made.width, made.height, len(made.content), round(made.start, 3))
    return File(image, made.content, preview.CONTENT_TYPES[settings.preview])


def _picture_file(kind: str, key: str, picture: Picture, seconds: float, settings: Settings) -> File:
    content = encode(picture, settings.format, settings.quality, settings.pad_colour)
    image = Image(kind, key, picture.width, picture.height, len(content), round(seconds, 3))
    return File(image, content, CONTENT_TYPES[settings.format])


def _text_file(kind: str, key: str, text: str, content_type: str) -> File:
    content = text.encode()
    return File(Image(kind, key, None, None, len(content), 0.0), content, content_type)


def _described(demuxer: Demuxer) -> dict[str, Any]:
    context, duration = demuxer.stream.codec_context, demuxer.duration
    return {
        "container": demuxer.format,
        "codec": demuxer.codec,
        # As it is coded: before rotation, and before the sample aspect ratio is applied.
        "coded_width": context.width,
        "coded_height": context.height,
        "seconds": round(duration, 3) if duration is not None else None,
    }


def _placeholder(picture: Picture) -> str:
    """A BlurHash of four by three components, as its authors advise for pictures that are wider than high."""
    # Its waves stretch with the picture: of any shape, 32 pixels either way are enough for four of them.
    small = picture.convert("RGB").resize((32, 32))
    across, down = (4, 3) if picture.width >= picture.height else (3, 4)
    rows = [[small.getpixel((x, y)) for x in range(small.width)] for y in range(small.height)]
    return str(blurhash.encode(rows, across, down))


def _manifest(
    key: str,
    video: Video,
    source: Source,
    described: dict[str, Any],
    images: tuple[Image, ...],
    notes: tuple[str, ...],
    seconds: float,
) -> File:
    manifest = {
        "source": {
            "bucket": video.bucket,
            "key": video.key,
            "etag": source.etag,
            "version": video.version,
            "bytes": source.size,
        },
        "video": described,
        "outcome": MADE,
        "images": [asdict(image) for image in images],
        "notes": notes,
        "read": asdict(source.reading),
        "seconds": seconds,
    }
    return _text_file("manifest", key, json.dumps(manifest, ensure_ascii=False, indent=2), "application/json")


def _outcome(
    video: Video,
    reading: Reading,
    began: float,
    outcome: str,
    reason: str = "",
    images: tuple[Image, ...] = (),
    notes: tuple[str, ...] = (),
) -> Outcome:
    seconds = round(time.monotonic() - began, 3)
    return Outcome(video.bucket, video.key, outcome, reason, images, notes, reading, seconds)
