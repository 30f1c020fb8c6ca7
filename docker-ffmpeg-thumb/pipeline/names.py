"""Names: the images of a video, from its key and the settings."""

import posixpath
from dataclasses import dataclass

from pipeline.outcome import Rejected
from pipeline.position import Position, split_name_time
from pipeline.settings import Settings

KEY_BYTES = 1024
"""The longest key that S3 takes, in bytes of UTF-8."""


@dataclass(frozen=True)
class Names:
    """Where the images of one video go, and the time that its own name asks for."""

    bucket: str
    posters: tuple[tuple[int, str], ...]
    """(width in pixels, key), in the order of the settings; the first is the poster itself."""
    manifest: str | None
    asked: Position | None


def of(video_bucket: str, key: str, settings: Settings) -> Names:
    """Names all that is made of the video `key`: `videos/cat_00-01.mp4` gives `videos/cat.jpg`, at 1 s.

    Raises:
        Rejected: a name would be longer than S3 takes.
    """
    name = posixpath.basename(key)
    stem, asked = split_name_time(posixpath.splitext(name)[0])
    base = settings.output_prefix + key[: len(key) - len(name)] + stem
    posters = tuple(
        (width, f"{base}.{settings.format}" if place == 0 else f"{base}.{width}w.{settings.format}")
        for place, width in enumerate(settings.widths)
    )
    manifest = f"{base}.thumbnails.json" if settings.manifest else None
    for _, image in (*posters, *([(0, manifest)] if manifest else [])):
        if len(image.encode()) > KEY_BYTES:
            raise Rejected(f"the name of the image would be longer than the {KEY_BYTES} bytes that S3 takes")
    return Names(settings.output_bucket or video_bucket, posters, manifest, asked)
