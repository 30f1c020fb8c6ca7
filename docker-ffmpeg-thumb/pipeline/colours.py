"""Colours: which videos must be converted to be seen right on an ordinary screen, and how.

Numbers and names are those of ITU-T H.273, which container tags and FFmpeg share.
"""

from dataclasses import dataclass

from av import FFmpegError, VideoCodecContext
from av.video.stream import VideoStream

from pipeline import sps

UNSPECIFIED = 2
_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_WIDE_PRIMARIES = {9: "bt2020", 11: "smpte431", 12: "smpte432"}
_MATRICES = {1: "709", 5: "470bg", 6: "170m", 9: "2020_ncl", 10: "2020_cl"}
_RGB = {"qtrle", "rpza", "msvideo1", "cinepak", "png"}
"""Codecs that have no other pixels."""
_REFERENCE_WHITE = 203
"""Candela per square metre of a white page in HDR, which an SDR screen shows as its own white (ITU-R BT.2408)."""
_HIGH_DEFINITION = 720
"""Lines from which players take an untagged video to be BT.709, and below BT.601."""


@dataclass(frozen=True)
class Colours:
    """The colour tags of a video."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    lines: int = 0
    """The height of the video as it is coded, in pixels."""
    are_rgb: bool = False
    """Whether pixels are stored as they are shown, which is never interlaced."""
    known: bool = False
    """Whether all places were looked at in which a video may have tags, so that unspecified means just that."""

    @staticmethod
    def of(stream: VideoStream) -> "Colours":
        """Reads the tags that the container gives a stream, or else those in the stream's own header."""
        context = stream.codec_context
        tags = int(context.color_primaries), int(context.color_trc), int(context.colorspace)
        if tags == (UNSPECIFIED,) * 3 and context.pix_fmt is None:
            header = _header(context.codec.canonical_name, context.extradata or b"")
            are_rgb = context.codec.canonical_name in _RGB
            return Colours(*(header or tags), lines=context.height, are_rgb=are_rgb, known=header is not None)
        # The format of the pixels is known where the stream itself was looked into.
        are_rgb = (context.pix_fmt or "").startswith(("rgb", "bgr", "gbr", "pal"))
        return Colours(*tags, lines=context.height, are_rgb=are_rgb, known=context.pix_fmt is not None)

    def conversion(self) -> str:
        """The filters that bring a picture to BT.709, each with a comma behind it; none for ordinary video.

        HDR is mapped with the Moebius curve, which leaves what is darker than reference white as it is, and bends only
        the lights above it. Tags that are missing beside those of HDR or a wide gamut are taken to be BT.2020's.
        """
        if self.transfer not in _HDR_TRANSFERS and self.primaries not in _WIDE_PRIMARIES:
            return ""
        matrix = _MATRICES.get(self.matrix, "2020_ncl")
        source = (
            f"zscale=pin={_WIDE_PRIMARIES.get(self.primaries, 'bt2020')}"
            f":min={matrix}:tin={_HDR_TRANSFERS.get(self.transfer, '709')}"
        )
        if self.transfer not in _HDR_TRANSFERS:
            return f"{source}:p=709:t=709:m=709:r=limited,format=yuv444p,"
        return (
            f"{source}:t=linear:npl={_REFERENCE_WHITE},format=gbrpf32le,zscale=p=709,"
            "tonemap=mobius:desat=0,zscale=t=709:m=709:r=limited,format=yuv444p,"
        )

    def matrix_option(self) -> str:
        """The option of `scale` that names the matrix of a video that does not say, as players guess it."""
        guess = "bt709" if self.lines >= _HIGH_DEFINITION else "bt601"
        return f":in_color_matrix={guess}" if self.known and self.matrix == UNSPECIFIED else ""


def _header(codec: str, extradata: bytes) -> tuple[int, int, int] | None:
    """The tags in a configuration record; None where it has no place for them, or cannot be read.

    FFmpeg's decoders of HEVC and AV1 read theirs when they are opened; no picture is decoded for it.
    """
    if codec == "h264":
        return sps.tags(extradata)
    if codec not in ("hevc", "av1") or not extradata:
        return None
    try:
        context = VideoCodecContext.create(codec, "r")
        assert isinstance(context, VideoCodecContext)
        context.extradata = extradata
        context.thread_count = 1
        context.open()
    except (FFmpegError, ValueError):
        return None
    return int(context.color_primaries), int(context.color_trc), int(context.colorspace)
