"""Colours: which videos must be converted to be seen right on an ordinary screen, and how.

Numbers and names are those of ITU-T H.273, which container tags and FFmpeg share.
"""

from dataclasses import dataclass

from av.video.stream import VideoStream

from worker.bitstream.sequence import UNSPECIFIED, Sequence

_HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_WIDE_PRIMARIES = {9: "bt2020", 11: "smpte431", 12: "smpte432"}
_WIDE_MATRICES = {9, 10}
"""BT.2020's, which nobody uses with other primaries."""
_MATRICES = {1: "709", 5: "470bg", 6: "170m", 9: "2020_ncl", 10: "2020_cl"}
_RGB = {"qtrle", "rpza", "smc", "msrle", "msvideo1", "cinepak", "png", "8bps"}
"""Codecs that have no other pixels."""
_RAW_RGB = ("\0\0\0\0", "raw ")
"""Tags of raw video, by which AVI and QuickTime mean RGB."""
_TAGLESS = {"rawvideo", "v210", "ffv1", "huffyuv", "ffvhuff", "cfhd", "mpeg4", "msmpeg4v3", "wmv2", "wmv3"}
"""Codecs in whose streams no tags of colours stand, and which may have as many lines as high definition."""
_FULL = 2
"""The range of colours, as FFmpeg calls it, in which black is 0."""
_REFERENCE_WHITE = 203
"""Candela per square metre of a white page in HDR, which an SDR screen shows as its own white (ITU-R BT.2408)."""
_HIGH_DEFINITION = 720
"""Lines from which players take an untagged video to be BT.709, and below BT.601."""
_TONE_MAPPED = "zscale=p=709,tonemap=mobius:desat=0,zscale=t=709:m=709:r=limited,format=yuv444p,"
"""From linear light to BT.709 by the Moebius curve."""
_FROM_IPT = (
    # Its planes, in full range, are taken for those of RGB (as T, I, P), so that matrices can be applied; the constant
    # alpha subtracts what the zero of P and T lies at. The first matrix gives the cone responses L, M and S in PQ.
    "format=yuv444p10,mergeplanes=0x000102:gbrp10,"
    "setparams=range=pc:colorspace=gbr:color_primaries=bt2020:color_trc=smpte2084,format=gbrapf32le,"
    "colorchannelmixer=rr=0.205226:rg=1:rb=0.097569:ra=-0.151398:gr=0.133217:gg=1:gb=-0.113876:ga=-0.009670"
    ":br=-0.676887:bg=1:bb=0.032615:ba=0.322136,format=gbrpf32le,"
    # The second gives BT.2020 and undoes the crosstalk of 2%. Its coefficients are halved, as the filter takes none
    # over 2, and the light is doubled before.
    f"zscale=t=linear:npl={_REFERENCE_WHITE / 2},"
    "colorchannelmixer=rr=1.817346:rg=-1.343860:rb=0.026513:gr=-0.431559:gg=1.044469:gb=-0.112910"
    ":br=-0.024441:bg=-0.063252:bb=0.587693,"
    f"zscale=pin=bt2020:tin=linear:min=gbr:t=linear,{_TONE_MAPPED}"
)
"""Dolby's IPT-PQ-c2, as in "Dolby Vision Profiles and Levels" (profiles 5 and 10.0) and ITU-R BT.2124, annex 4."""


@dataclass(frozen=True)
class Colours:
    """The colour tags of a video."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    lines: int = 0
    """The height of the video as it is coded, in pixels."""
    are_rgb: bool = False
    """Whether pixels are stored as they are shown, which is never interlaced."""
    is_full: bool = False
    """Whether the container alone says that black is 0 and white the largest number."""
    known: bool = False
    """True if every possible source of colour tags was checked, so that unspecified means just that."""
    are_ipt: bool = False
    """Whether they are Dolby Vision's own, without a layer that other players can show."""

    @staticmethod
    def of(stream: VideoStream, sequence: Sequence, are_ipt: bool = False) -> "Colours":
        """Read the tags that the container gives a stream, or else those in the stream's own headers."""
        context, codec = stream.codec_context, stream.codec_context.codec.canonical_name
        tags = int(context.color_primaries), int(context.color_trc), int(context.colorspace)
        # The format of the pixels is known where the stream itself was looked into, at its beginning.
        probed = context.pix_fmt is not None
        own = sequence.tags
        if own and own != UNSPECIFIED and (probed or tags == UNSPECIFIED):
            tags = own
        # DVB's HLG names BT.2020's transfer first (ETSI TS 101 154, 5.14.4.4).
        tags = tags[0], sequence.messages.transfer or tags[1], tags[2]
        are_rgb = (context.pix_fmt or "").startswith(("rgb", "bgr", "gbr", "pal")) or codec in _RGB
        return Colours(
            *tags,
            lines=context.height,
            are_rgb=are_rgb or (codec == "rawvideo" and context.codec_tag in _RAW_RGB),
            is_full=codec in _TAGLESS and int(context.color_range) == _FULL,
            known=probed or own is not None or codec in _TAGLESS,
            are_ipt=are_ipt,
        )

    def conversion(self) -> str:
        """Return the filters that bring a frame to BT.709, each with a comma after it; none for ordinary video.

        HDR is mapped with the Moebius curve, which leaves what is darker than reference white as it is, and bends only
        the lights above it. Tags that are missing beside those of HDR or a wide gamut are taken to be BT.2020's.
        """
        if self.are_ipt:
            return _FROM_IPT
        is_wide = self.primaries in _WIDE_PRIMARIES or (self.primaries == 2 and self.matrix in _WIDE_MATRICES)
        if self.transfer not in _HDR_TRANSFERS and not is_wide:
            return ""
        matrix = _MATRICES.get(self.matrix, "2020_ncl")
        source = (
            f"zscale=pin={_WIDE_PRIMARIES.get(self.primaries, 'bt2020')}"
            f":min={matrix}:tin={_HDR_TRANSFERS.get(self.transfer, '709')}"
        )
        if self.transfer not in _HDR_TRANSFERS:
            return f"{source}:p=709:t=709:m=709:r=limited,format=yuv444p,"
        return f"{source}:t=linear:npl={_REFERENCE_WHITE},format=gbrpf32le,{_TONE_MAPPED}"

    def options(self) -> str:
        """Return the options of `scale` for what frames do not say: the matrix, as players guess it, and the range."""
        guess = "bt709" if self.lines >= _HIGH_DEFINITION else "bt601"
        matrix = f":in_color_matrix={guess}" if self.known and self.matrix == 2 else ""
        return matrix + (":in_range=full" if self.is_full else "")
