"""Colours: which videos must be converted to be seen right on an ordinary screen, and how.

Numbers and names are those of ITU-T H.273, which container tags and FFmpeg share.
"""

from dataclasses import dataclass

from av.video.stream import VideoStream

_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_WIDE_PRIMARIES = {9: "2020", 11: "431", 12: "432"}
_MATRICES = {1: "709", 5: "470bg", 6: "170m", 9: "2020_ncl", 10: "2020_cl"}
_REFERENCE_WHITE = 203
"""Candela per square metre of a white page in HDR, which an SDR screen shows as its own white (ITU-R BT.2408)."""


@dataclass(frozen=True)
class Colours:
    """The colour tags of a video; 2 is `unspecified`."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2

    @staticmethod
    def of(stream: VideoStream) -> "Colours":
        """Reads the tags that the container gives a stream."""
        context = stream.codec_context
        return Colours(int(context.color_primaries), int(context.color_trc), int(context.colorspace))

    def conversion(self) -> str:
        """The filters that bring a picture to BT.709, each with a comma behind it; none for ordinary video.

        HDR is mapped with the Moebius curve, which leaves what is darker than reference white as it is, and bends only
        the lights above it. Tags that are missing beside those of HDR or a wide gamut are taken to be BT.2020's.
        """
        if self.transfer not in _HDR_TRANSFERS and self.primaries not in _WIDE_PRIMARIES:
            return ""
        source = (
            f"zscale=pin={_WIDE_PRIMARIES.get(self.primaries, '2020')}"
            f":min={_MATRICES.get(self.matrix, '2020_ncl')}:tin={_HDR_TRANSFERS.get(self.transfer, '709')}"
        )
        if self.transfer not in _HDR_TRANSFERS:
            return f"{source}:p=709:t=709:m=709:r=limited,format=yuv444p,"
        return (
            f"{source}:t=linear:npl={_REFERENCE_WHITE},format=gbrpf32le,zscale=p=709,"
            "tonemap=mobius:desat=0,zscale=t=709:m=709:r=limited,format=yuv444p,"
        )
