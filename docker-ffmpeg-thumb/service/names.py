"""Names: the keys of a video's outputs, from its own key and the settings."""

import posixpath
from dataclasses import dataclass

from model import Rejected, Wanted, sheet_name
from position import Position, split_name_time
from service.settings import Settings

KEY_BYTES = 1024
"""The longest key that S3 takes, in bytes of UTF-8."""
MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "png": "image/png",
    "gif": "image/gif",
    "m4v": "video/mp4",
    "vtt": "text/vtt",
    "json": "application/json",
    "m3u8": "application/vnd.apple.mpegurl",
}
"""By the ending of a key."""
PREVIEWS = {"webp": "preview.webp", "mp4": "preview.m4v", "gif": "preview.gif"}
"""An MP4 is called `.m4v`, so that it does not trigger the function as a new `.mp4` would."""


@dataclass(frozen=True)
class Names:
    """Where the outputs of one video go, and the time that its own name asks for."""

    bucket: str
    base: str
    """What all keys begin with."""
    wanted: Wanted
    asked: Position | None

    @property
    def stem(self) -> str:
        """The last part of `base`: what names beside it begin with."""
        return posixpath.basename(self.base)

    def key(self, kind: str, number: int = 0) -> str:
        """Return the key of an output; see `model.Output` for kinds and numbers."""
        image = self.wanted.format
        if kind == "poster":
            return f"{self.base}.{image}" if number == 0 else f"{self.base}.{self.wanted.widths[number]}w.{image}"
        if kind == "sheet":
            return sheet_name(self.base, number, image)
        ending = {
            "still": f"{number + 1}.{image}",
            "cues": "storyboard.vtt",
            "tiles": "storyboard.json",
            "playlist": "storyboard.m3u8",
            "preview": PREVIEWS.get(self.wanted.preview, ""),
            "manifest": "thumbnails.json",
        }[kind]
        return f"{self.base}.{ending}"

    def certain(self) -> list[str]:
        """Return all keys that every video gets, the poster's first; how many sheets it has, only the video tells."""
        wanted = self.wanted
        kinds = (
            *(("poster", number) for number in range(len(wanted.widths))),
            *((("sheet", 0), ("cues", 0)) if wanted.storyboard else ()),
            *((("tiles", 0),) if wanted.storyboard and wanted.storyboard_json else ()),
            *((("playlist", 0),) if wanted.storyboard and wanted.storyboard_playlist else ()),
            *((("preview", 0),) if wanted.preview != "none" else ()),
            *(("still", number) for number in range(wanted.stills)),
            *((("manifest", 0),) if wanted.manifest else ()),
        )
        return [self.key(kind, number) for kind, number in kinds]


def of(video_bucket: str, key: str, settings: Settings, wanted: Wanted) -> Names:
    """Name all that is made of the video `key`: `videos/cat_00-01.mp4` gives `videos/cat.jpg`, at 1 s.

    Raises:
        Rejected: a name would be longer than S3 takes.
    """
    name = posixpath.basename(key)
    stem = posixpath.splitext(name)[0]
    asked = None
    if settings.time_in_name:
        stem, asked = split_name_time(stem)
    base = settings.output_prefix + key[: len(key) - len(name)] + stem
    names = Names(settings.output_bucket or video_bucket, base, wanted, asked)
    if any(len(output.encode()) > KEY_BYTES for output in names.certain()):
        raise Rejected(f"the name of an output would be longer than the {KEY_BYTES} bytes that S3 takes")
    return names


def media_type(key: str) -> str:
    """Return the media type of an output by the ending of its key."""
    return MEDIA_TYPES[key.rpartition(".")[2]]
