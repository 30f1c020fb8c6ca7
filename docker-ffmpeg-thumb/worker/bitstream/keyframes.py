"""At which packets decoding can begin, whatever their container calls them.

An MP4 without a list of keyframes calls every frame one, some muxers set the mark without looking, and encoders that
refresh a picture part by part have no keyframes but points from which on it recovers. What a packet holds stands in its
first bits, and each codec has its own: ITU-T H.264, 7.3.3 and D.1.8; H.265, table 7-1 and D.2.8; H.266, table 5;
H.263, 5.1; ISO/IEC 13818-2, 6.3.9; 14496-2, 6.3.5; RFC 6386, 9.1; `vp9`, `av1`. The
codecs of Windows Media and Cinepak are read as FFmpeg does (libavcodec/msmpeg4dec.c, wmv2dec.c, cinepak.c).
"""

from worker.bitstream import av1, nal, sei, vp9
from worker.bitstream.bits import Bits

_FRAME = {"mpeg1video": b"\0\0\1\0", "mpeg2video": b"\0\0\1\0", "mpeg4": b"\0\0\1\xb6"}
"""The start codes before the header of a frame."""
_TWO_BITS = {"msmpeg4v2", "msmpeg4v3", "wmv1"}
"""Codecs whose packets begin with the type of their frame, 0 for one that stands alone."""
_EXTENDED = 7
"""The format of an H.263 frame whose type stands later in its header."""
_SLICE_HEADER = 12
"""Bytes that hold the first two numbers of an H.264 slice."""
_INTRA_SLICES = {2, 4}
"""Types of an H.264 slice that refers to no other frame: I and SI."""


class EntryPoints:
    """Tells them by the codec and its configuration record."""

    def __init__(self, codec: str, configuration: bytes | None) -> None:
        self._codec, self._length = codec, nal.length_size(codec, configuration)

    def recovery(self, packet: bytes) -> int | None:
        """Return how many frames have to be decoded from this packet on until what is shown is whole.

        0: the frame stands alone, or it cannot be told. None: decoding cannot begin here. Another number is that of
        frames that others refer to, and is met where a picture is refreshed part by part ("intra refresh").
        """
        codec, bits = self._codec, Bits(packet[:32])
        if codec == "h264":
            return _h264(packet, self._length)
        if codec == "hevc":
            return _hevc(packet, self._length)
        return 0 if self._stands_alone(packet, codec, bits) else None

    def counts(self, packet: bytes) -> bool:
        """Return whether the frame in a packet is one of those that `recovery` counts."""
        if self._codec != "h264":
            return True
        slices = (packet[place] for place in nal.units(packet, self._length) if 1 <= packet[place] & 31 <= 5)
        return next(slices, 0xFF) >> 5 & 3 != 0

    def _stands_alone(self, packet: bytes, codec: str, bits: Bits) -> bool:
        if codec == "vvc":
            kinds = (packet[place + 1] >> 3 for place in nal.units(packet, self._length) if place + 1 < len(packet))
            return 7 <= next((kind for kind in kinds if kind < 12), 7) <= 9
        if codec in _FRAME:
            header = packet.partition(_FRAME[codec])[2][:2]
            if len(header) < 2:
                return True
            return header[0] >> 6 == 0 if codec == "mpeg4" else header[1] >> 3 & 7 == 1
        if codec == "h263":
            return _is_intra_h263(bits)
        if codec == "vp8":
            return packet[0] & 1 == 0
        if codec == "vp9":
            return vp9.stands_alone(packet)
        if codec == "av1":
            return av1.begins_with_keyframe(packet)
        if codec in _TWO_BITS:
            return bits.take(2) == 0
        if codec == "wmv2":
            return bits.take(1) == 0
        # After a header of ten bytes, the first strip says whether it is drawn over the frame before.
        return not (codec == "cinepak" and packet[10:11] == b"\x11")


def _h264(packet: bytes, length: int) -> int | None:
    recovery: int | None = None
    beginnings = 0
    try:
        for place in nal.units(packet, length):
            kind = nal.kind("h264", packet[place])
            if kind == 5:
                return 0
            if kind in (1, 2):
                bits = Bits(nal.unescaped(packet[place + 1 : place + 1 + _SLICE_HEADER]))
                beginnings += bits.unsigned() == 0
                # Of two fields in a packet the second may refer to the first.
                if beginnings > 1:
                    break
                if bits.unsigned() % 5 not in _INTRA_SLICES:
                    return recovery or None
            elif recovery is None:
                recovery = sei.recovery("h264", nal.unit(packet, place, length, sei.READ))
    except ValueError:
        return None
    return recovery or 0


def _hevc(packet: bytes, length: int) -> int | None:
    recovery: int | None = None
    for place in nal.units(packet, length):
        kind = nal.kind("hevc", packet[place])
        if nal.is_slice("hevc", kind):
            return 0 if 16 <= kind <= 23 else recovery
        if recovery is None:
            recovery = sei.recovery("hevc", nal.unit(packet, place, length, sei.READ))
    return 0


def _is_intra_h263(bits: Bits) -> bool:
    if bits.take(22) != 0x20:
        return True
    bits.take(8 + 5)
    if bits.take(3) != _EXTENDED:
        return bits.take(1) == 0
    if bits.take(3) == 1:
        bits.take(18)
    return bits.take(3) == 0
