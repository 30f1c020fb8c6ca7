"""One video from its event to its images: the stages in their order."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from pipeline import names, poster
from pipeline.demux import Demuxer
from pipeline.encode import CONTENT_TYPES, encode, keeps_alpha, largest
from pipeline.events import Video
from pipeline.ffmpeg import Limits
from pipeline.outcome import MADE, Image, Outcome, Reading, Settled
from pipeline.publish import File, Shelf
from pipeline.settings import Settings
from pipeline.source import Source


def run(client: Any, video: Video, settings: Settings, limits: Limits, read_limit: int) -> Outcome:
    """Makes the images of one video, or states why not.

    `read_limit`: the most bytes that may be read of the object.

    Raises:
        Exception: anything transient; another attempt at the same event may succeed.
    """
    began = time.monotonic()
    source = Source(client, video, read_limit)
    try:
        images, notes = _make(client, video, settings, limits, source)
        return _outcome(video, source.reading, began, MADE, images=images, notes=notes)
    except Settled as settled:
        return _outcome(video, source.reading, began, settled.outcome, settled.reason)
    finally:
        source.close()


def _make(
    client: Any, video: Video, settings: Settings, limits: Limits, source: Source
) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    named = names.of(video.bucket, video.key, settings)
    shelf = Shelf(client, named.bucket, video, settings)
    shelf.look([key for _, key in named.posters] + ([named.manifest] if named.manifest else []))
    source.open()
    demuxer = Demuxer(source)
    try:
        position = named.asked or settings.position
        widest = largest(settings.widths)
        frame = poster.take(demuxer, position, widest, keeps_alpha(settings.format), limits)
        facts = _facts(demuxer)
        notes = tuple(demuxer.notes)
    finally:
        demuxer.close()
    files, images = [], []
    for width, key in named.posters:
        encoded = encode(frame.picture, width, settings.format, settings.quality)
        files.append(File(key, encoded.content, CONTENT_TYPES[settings.format], frame.seconds))
        images.append(Image(key, encoded.width, encoded.height, len(encoded.content), round(frame.seconds, 3)))
    assert source.etag is not None
    if named.manifest:
        manifest = _manifest(video, source, facts, tuple(images), notes)
        files.append(File(named.manifest, manifest, "application/json", frame.seconds))
    shelf.put(files, source.etag)
    return tuple(images), notes


@dataclass(frozen=True)
class Facts:
    """The video itself, as its container describes it."""

    container: str
    codec: str
    width: int
    """Pixels as they are coded, like `height`: before rotation, and before the sample aspect ratio is applied."""
    height: int
    seconds: float | None


def _facts(demuxer: Demuxer) -> Facts:
    context, duration = demuxer.stream.codec_context, demuxer.duration
    seconds = round(duration, 3) if duration is not None else None
    return Facts(demuxer.format, context.name, context.width, context.height, seconds)


def _manifest(video: Video, source: Source, facts: Facts, images: tuple[Image, ...], notes: tuple[str, ...]) -> bytes:
    manifest = {
        "source": {
            "bucket": video.bucket,
            "key": video.key,
            "etag": source.etag,
            "version": video.version,
            "bytes": source.size,
        },
        "video": asdict(facts),
        "outcome": MADE,
        "images": [asdict(image) for image in images],
        "notes": notes,
        "read": asdict(source.reading),
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2).encode()


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
