"""Names: the files of a video, from its key and the settings."""

import posixpath
from dataclasses import dataclass

from pipeline.outcome import Rejected
from pipeline.position import Position, split_name_time
from pipeline.preview import SUFFIXES
from pipeline.settings import Settings

KEY_BYTES = 1024
"""The longest key that S3 takes, in bytes of UTF-8."""


@dataclass(frozen=True)
class Names:
    """Where the files of one video go, and the time that its own name asks for."""

    bucket: str
    posters: tuple[tuple[int, str], ...]
    """(width in pixels, key), in the order of the settings; the first is the poster itself."""
    sheet: str | None
    """The first sheet of the storyboard; see `further_sheet` for the others."""
    cues: str | None
    playlist: str | None
    preview: str | None
    manifest: str | None
    asked: Position | None

    def certain(self) -> list[str]:
        """All keys that every video gets; how many sheets its storyboard has, only the video tells."""
        single = (self.sheet, self.cues, self.playlist, self.preview, self.manifest)
        return [key for _, key in self.posters] + [key for key in single if key]


def of(video_bucket: str, key: str, settings: Settings) -> Names:
    """Names all that is made of the video `key`: `videos/cat_00-01.mp4` gives `videos/cat.jpg`, at 1 s.

    Raises:
        Rejected: a name would be longer than S3 takes.
    """
    name = posixpath.basename(key)
    stem, asked = split_name_time(posixpath.splitext(name)[0])
    base = settings.output_prefix + key[: len(key) - len(name)] + stem
    extension = settings.format
    names = Names(
        bucket=settings.output_bucket or video_bucket,
        posters=tuple(
            (width, f"{base}.{extension}" if place == 0 else f"{base}.{width}w.{extension}")
            for place, width in enumerate(settings.widths)
        ),
        sheet=f"{base}.storyboard.{extension}" if settings.storyboard else None,
        cues=f"{base}.storyboard.vtt" if settings.storyboard else None,
        playlist=f"{base}.storyboard.m3u8" if settings.storyboard and settings.storyboard_playlist else None,
        preview=f"{base}.{SUFFIXES[settings.preview]}" if settings.preview in SUFFIXES else None,
        manifest=f"{base}.thumbnails.json" if settings.manifest else None,
        asked=asked,
    )
    if any(len(image.encode()) > KEY_BYTES for image in names.certain()):
        raise Rejected(f"the name of an image would be longer than the {KEY_BYTES} bytes that S3 takes")
    return names


def further_sheet(first: str, number: int) -> str:
    """The key of a storyboard's sheet: `cat.storyboard.jpg`, then `cat.storyboard-2.jpg` and so on, from 0."""
    base, _, extension = first.rpartition(".")
    return first if number == 0 else f"{base}-{number + 1}.{extension}"
