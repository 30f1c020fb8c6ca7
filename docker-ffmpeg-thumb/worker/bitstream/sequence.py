"""What a stream says of its frames in its own headers, wherever these stand: beside the packets, or at keyframes.

Sizes and colours may change from one keyframe to the next, such as when a phone is turned during a recording. What
players show is what the stream says there, and FFmpeg's filters want to know it before the first frame is decoded.
"""

from dataclasses import dataclass, replace

from worker.bitstream import av1, h264, hevc, nal, sei, vp9
from worker.bitstream.sei import Messages

Tags = tuple[int, int, int]
"""Primaries, transfer and matrix, by the numbers of ITU-T H.273; 2 is unspecified."""

UNSPECIFIED: Tags = (2, 2, 2)
_MPEG = ("mpeg1video", "mpeg2video")
_VP8_START = b"\x9d\x01\x2a"
_MARKERS = 64
"""Segments of a JPEG image that are looked at; its size is in one of the first."""


@dataclass(frozen=True)
class Sequence:
    """What a stream says of the frames that follow. Frames with equal ones can be decoded in one go."""

    header: bytes = b""
    """The part of the stream that says it, as far as it matters here: its size at the least."""
    tags: Tags | None = None
    """None where the codec has no place for them, or the header cannot be read."""
    has_fields: bool = False
    """Whether each picture of the stream is a field, as in HEVC: every second line of a frame."""
    messages: Messages = Messages()
    """What it says beside its headers."""


class Sequences:
    """Reads them by the codec and its configuration record."""

    def __init__(self, codec: str, configuration: bytes | None) -> None:
        self._codec, self._length = codec, nal.length_size(codec, configuration)
        self.beside = _read(codec, _recorded(codec, configuration or b""))
        """What the configuration record says, which holds where the packets say nothing."""

    def at(self, packet: bytes, before: Sequence) -> Sequence:
        """Return what holds from a packet on; `before`: what held until then."""
        header = _in_packet(self._codec, packet, self._length)
        found = before if not header or header == before.header else _read(self._codec, header)
        if self._codec not in ("h264", "hevc"):
            return found
        messages = sei.before_frame(self._codec, packet, self._length)
        return replace(found, messages=before.messages if messages == Messages() else messages)


def _recorded(codec: str, configuration: bytes) -> bytes:
    if codec in ("h264", "hevc"):
        return nal.parameter_set(codec, configuration)
    if codec == "av1":
        # The record (av1C) has four bytes before its units, the first with a bit that is 0 in a unit.
        return _in_packet(codec, configuration[4:] if configuration[:1] >= b"\x80" else configuration, 0)
    return _in_packet(codec, configuration, 0) if codec in _MPEG else b""


def _in_packet(codec: str, packet: bytes, length: int) -> bytes:
    if codec in ("h264", "hevc"):
        return nal.parameter_set_in(codec, packet, length)
    if codec == "av1":
        return next((content for kind, content in av1.units(packet) if kind == av1.SEQUENCE_HEADER), b"")
    if codec in _MPEG:
        return _mpeg(packet)
    if codec == "vp8":
        return packet[6:10] if packet[3:6] == _VP8_START and packet[0] & 1 == 0 else b""
    if codec == "vp9":
        keyframe = vp9.keyframe(packet)
        return b"%d %d %d" % (*keyframe.size, keyframe.matrix) if keyframe else b""
    return _jpeg(packet) if codec == "mjpeg" else b""


def _read(codec: str, header: bytes) -> Sequence:
    if not header:
        return Sequence()
    try:
        if codec == "h264":
            return Sequence(header, h264.read(header).tags)
        if codec == "hevc":
            parameters = hevc.read(header)
            return Sequence(header, parameters.tags, parameters.has_fields)
        if codec == "av1":
            return Sequence(header, av1.tags(header))
    except ValueError:
        return Sequence(header)
    if codec == "vp9":
        return Sequence(header, (2, 2, int(header.split()[-1])))
    # Of MPEG-2's display extension; without a colour description the three bytes are not there.
    return Sequence(header, _mpeg_tags(header) if codec in _MPEG else None)


def _mpeg(packet: bytes) -> bytes:
    """Return a sequence header's sizes, and the extensions that follow it (ISO/IEC 13818-2, 6.2.2.1 to 6.2.2.4)."""
    start = packet.find(b"\0\0\1\xb3", 0, 256)
    if start < 0:
        return b""
    found = packet[start + 4 : start + 7]
    for place in nal.units(packet[start + 8 : start + 512], 0):
        unit = packet[start + 8 + place : start + 8 + place + 16]
        if unit[0] in (0, 0xB8):
            break
        if unit[0] == 0xB5:
            found += unit.partition(b"\0\0\1")[0]
    return found


def _mpeg_tags(header: bytes) -> Tags:
    place = header.find(b"\xb5", 3)
    while place >= 0:
        kind, *rest = header[place + 1 : place + 5] or b"\0"
        if kind >> 4 == 2 and kind & 1 and len(rest) == 3:
            return rest[0], rest[1], rest[2]
        place = header.find(b"\xb5", place + 1)
    return UNSPECIFIED


def _jpeg(packet: bytes) -> bytes:
    """Return precision, height and width of a JPEG image (ITU-T T.81, B.2.2)."""
    position = 2
    for _ in range(_MARKERS):
        marker = packet[position : position + 2]
        if len(marker) < 2 or marker[0] != 0xFF:
            break
        if 0xC0 <= marker[1] <= 0xC3:
            return packet[position + 4 : position + 9]
        position += 2 + int.from_bytes(packet[position + 2 : position + 4], "big")
    return b""
