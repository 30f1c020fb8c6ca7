"""Which packets decoding cannot begin at, though their container calls them keyframes.

An MP4 without a list of keyframes calls every picture one, and some muxers set the mark without looking. What a packet
holds stands in its first bits, each codec has its own: ITU-T H.265, table 7-1; H.263, 5.1; ISO/IEC 13818-2, 6.3.9;
14496-2, 6.3.5; RFC 6386, 9.1; VP9's bitstream specification, 6.2. The codecs of Windows Media and Cinepak are read as
FFmpeg does (libavcodec/msmpeg4dec.c, wmv2dec.c, cinepak.c).
"""

from pipeline import nal, sps

_PICTURE = {"mpeg1video": b"\0\0\1\0", "mpeg2video": b"\0\0\1\0", "mpeg4": b"\0\0\1\xb6"}
"""The start codes before the header of a picture."""
_TWO_BITS = {"msmpeg4v2", "msmpeg4v3", "wmv1"}
"""Codecs whose packets begin with the type of their picture, 0 for one that stands alone."""
_EXTENDED = 7
"""The format of an H.263 picture whose type stands further behind."""


class Intra:
    """Tells them by the codec and its configuration record."""

    def __init__(self, codec: str, configuration: bytes | None) -> None:
        self._codec, self._length = codec, nal.length_size(codec, configuration)

    def may_be(self, packet: bytes) -> bool:
        """Whether the picture in a packet may stand alone; True where that cannot be told."""
        codec, bits = self._codec, sps.Bits(packet[:32])
        if codec == "hevc":
            kinds = (packet[place] >> 1 & 63 for place in nal.units(packet, self._length))
            return 16 <= next((kind for kind in kinds if kind < 32), 16) <= 23
        if codec in _PICTURE:
            header = packet.partition(_PICTURE[codec])[2][:2]
            if len(header) < 2:
                return True
            return header[0] >> 6 == 0 if codec == "mpeg4" else header[1] >> 3 & 7 == 1
        if codec == "h263":
            return _is_intra_h263(bits)
        if codec == "vp8":
            return packet[0] & 1 == 0
        if codec == "vp9":
            return _is_intra_vp9(bits)
        if codec in _TWO_BITS:
            return bits.take(2) == 0
        if codec == "wmv2":
            return bits.take(1) == 0
        # Behind a header of ten bytes, the first strip says whether it is drawn over the picture before.
        return not (codec == "cinepak" and packet[10:11] == b"\x11")


def _is_intra_h263(bits: sps.Bits) -> bool:
    if bits.take(22) != 0x20:
        return True
    bits.take(8 + 5)
    if bits.take(3) != _EXTENDED:
        return bits.take(1) == 0
    if bits.take(3) == 1:
        bits.take(18)
    return bits.take(3) == 0


def _is_intra_vp9(bits: sps.Bits) -> bool:
    if bits.take(2) != 2:
        return True
    low, high = bits.take(1), bits.take(1)
    if low and high:
        bits.take(1)
    shows_an_earlier_one = bits.take(1)
    return not shows_an_earlier_one and bits.take(1) == 0
