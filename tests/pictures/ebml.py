"""The elements of a Matroska (RFC 8794), taken apart and put together again."""

import struct
from collections.abc import Callable

Element = tuple[str, bytes]
"""Its id in hexadecimal, and its content."""

TRACKS, ENTRY, VIDEO, CLUSTER = "1654ae6b", "ae", "e0", "1f43b675"


def element(kind: str, content: bytes) -> bytes:
    return bytes.fromhex(kind) + struct.pack(">Q", 1 << 56 | len(content)) + content


def elements(content: bytes) -> list[Element]:
    """Return the elements that follow each other in a content."""
    found, at = [], 0
    while at < len(content):
        kind_end = at + 9 - content[at].bit_length()
        size_end = kind_end + 9 - content[kind_end].bit_length()
        length = 7 * (size_end - kind_end)
        size = int.from_bytes(content[kind_end:size_end]) & ((1 << length) - 1)
        found.append((content[at:kind_end].hex(), content[size_end : size_end + size]))
        at = size_end + size
    return found


def with_track(content: bytes, edit: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return a live Matroska, which has no index whose places would move, with the entry of its only track edited."""
    cluster = content.index(bytes.fromhex(CLUSTER))
    start = content.rindex(bytes.fromhex(TRACKS), 0, cluster)
    kind, body = elements(content[start:cluster])[0]
    assert kind == TRACKS
    ((_, entry),) = (each for each in elements(body) if each[0] == ENTRY)
    children = dict(elements(entry))
    edit(children)
    entry = b"".join(element(each, its) for each, its in children.items())
    end = content.index(body, start) + len(body)
    return content[:start] + element(TRACKS, element(ENTRY, entry)) + content[end:]


def in_video(children: dict[str, bytes], **values: int) -> None:
    """Set numbers of the video part of a track's entry: `_54ba=3`; None of those that say its shape are kept."""
    kept = {kind: content for kind, content in elements(children[VIDEO]) if kind not in ("54b0", "54ba", "54b2")}
    kept |= {kind.removeprefix("_"): struct.pack(">H", value) for kind, value in values.items()}
    children[VIDEO] = b"".join(element(kind, content) for kind, content in kept.items())
