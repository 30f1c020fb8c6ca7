"""Supplemental enhancement information (SEI): what encoders of H.264 and HEVC say beside the frames.

The syntax is that of ITU-T H.264, 7.3.2.3.1, and H.265, 7.3.5: they share it, and the numbers of these messages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from worker.bitstream import nal
from worker.bitstream.bits import Bits

_UNITS = {"h264": 6, "hevc": 39}
"""The type of the units that hold messages, in HEVC of those before a frame."""
_HEADERS = {"h264": 1, "hevc": 2}
"""Bytes of the header of a unit."""
_RECOVERY_POINT = 6
_FRAME_PACKING = 45
_PREFERRED_TRANSFER = 147
_PACKINGS = {3: "side by side", 4: "top and bottom"}
"""Of the types of frame packing, those in which both views are whole pictures (H.264, table D-8)."""

_MESSAGES = 64
"""Messages of a unit that are looked at; few have more than three."""
READ = 4096
"""Bytes of a unit that are looked at; before these messages there are at most an encoder's settings and captions."""


@dataclass(frozen=True)
class Messages:
    """What the messages before a frame say, as far as it is of use here."""

    packing: str = ""
    """How two views lie in a frame of stereo video: `side by side`, `top and bottom`; empty for others."""
    transfer: int = 0
    """The transfer that the encoder had in mind, where it names another to be shown by old players; 0 without one."""


def recovery(codec: str, unit: bytes) -> int | None:
    """Return after how many frames a picture is whole, as a message in a unit says; None without one.

    H.264 counts the frames that others refer to, and HEVC frames in the order of showing: it may be one before this.
    """
    for message, content in _messages(codec, unit):
        if message == _RECOVERY_POINT:
            bits = Bits(content[:16])
            try:
                return bits.unsigned() if codec == "h264" else max(0, bits.signed())
            except ValueError:
                break
    return None


def before_frame(codec: str, packet: bytes, length: int) -> Messages:
    """Read the messages before the first slice of a packet; `length`: how many bytes say the length of a unit, or 0."""
    found = Messages()
    for place in nal.units(packet, length):
        if nal.is_slice(codec, nal.kind(codec, packet[place])):
            break
        for message, content in _messages(codec, nal.unit(packet, place, length, READ)):
            if message == _FRAME_PACKING:
                found = replace(found, packing=_packing(Bits(content[:16])))
            elif message == _PREFERRED_TRANSFER and content:
                found = replace(found, transfer=content[0])
    return found


def _packing(bits: Bits) -> str:
    try:
        bits.unsigned()
    except ValueError:
        return ""
    is_cancelled = bits.flag()
    return "" if is_cancelled else _PACKINGS.get(bits.take(7), "")


def _messages(codec: str, unit: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each message in a unit; of a unit of another type, none."""
    if not unit or nal.kind(codec, unit[0]) != _UNITS[codec]:
        return
    content = nal.unescaped(unit[_HEADERS[codec] :])
    position = 0
    for _ in range(_MESSAGES):
        # What ends a unit takes one byte.
        if position + 2 >= len(content):
            break
        kind, position = _number(content, position)
        size, position = _number(content, position)
        yield kind, content[position : position + size]
        position += size


def _number(content: bytes, position: int) -> tuple[int, int]:
    """Return a number in bytes of which all but the last are 255, and the place after it."""
    number = 0
    while content[position : position + 1] == b"\xff":
        number, position = number + 255, position + 1
    return number + int.from_bytes(content[position : position + 1], "big"), position + 1
