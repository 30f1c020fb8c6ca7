"""The manifest: what was made of which video; see `docs/outputs.md` and `docs/manifest.schema.json`."""

import json
import math
import posixpath
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from model import MADE, File, Reading, Storyboard, Video, VideoFacts

_CODECS = {"jpg": "jpeg"}
"""What image playlists call a format that has another name as an ending."""


def write(
    video: Video,
    etag: str | None,
    size: int,
    facts: VideoFacts,
    files: Sequence[File],
    notes: Sequence[str],
    read: Reading,
    seconds: float,
) -> bytes:
    """Write the manifest. `etag` and `size` are the object's, in bytes; `seconds`: how long the job took until now."""
    said = asdict(facts)
    board = said.pop("storyboard")
    if facts.placeholder is None:
        said.pop("placeholder")
    if facts.storyboard:
        board["image_stream"] = _image_stream(facts.storyboard, files)
    manifest = {
        "source": {"bucket": video.bucket, "key": video.key, "etag": etag, "version": video.version, "bytes": size},
        "video": said,
        "outcome": MADE,
        "images": [asdict(file) for file in files if file.width],
        "texts": [asdict(file) for file in files if not file.width],
        "storyboard": board,
        "notes": list(notes),
        "read": asdict(read),
        "seconds": seconds,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2).encode()


def _image_stream(board: Storyboard, files: Sequence[File]) -> dict[str, Any] | None:
    """Return what a master playlist says of the image playlist, in the attributes of `#EXT-X-IMAGE-STREAM-INF`.

    None if there is no playlist, or not all of its sheets. Its bandwidth is the highest of a segment, in bits a second
    (RFC 8216, 4.3.4.2).
    """
    its = [file for file in files if file.kind == "storyboard"]
    uri = next((posixpath.basename(file.key) for file in its if file.key.endswith(".m3u8")), None)
    sheets = [file for file in its if file.width]
    if uri is None or len(sheets) < board.sheets:
        return None
    image_format = sheets[0].key.rpartition(".")[2]
    return {
        "bandwidth": max(math.ceil(8 * file.bytes / board.span(number)) for number, file in enumerate(sheets)),
        "resolution": f"{board.tile_width}x{board.tile_height}",
        "codecs": _CODECS.get(image_format, image_format),
        "uri": quote(uri),
    }
