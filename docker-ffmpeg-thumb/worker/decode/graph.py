"""The filter graph: what FFmpeg does to a decoded frame until it is upright, in sRGB, and of the size asked for."""

from dataclasses import dataclass, replace
from fractions import Fraction

from model import WIDEST
from worker.decode.clip import TICKS
from worker.decode.colours import Colours

_WANTED = f"select='not(mod(round(t*{TICKS}),2))',"
"""Lets pass what a clip marks as wanted, before any work is done on the others."""
_LARGEST_TERM = 2**16
"""Of a ratio; one of larger terms is rounded."""
_UNTAGGED = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709,"
_ONE_VIEW = {"side by side": "crop=iw/2:ih:0:0,", "top and bottom": "crop=iw:ih/2:0:0,"}
_UNSQUEEZED = {
    "side by side": "if(lt(dar,1.25),2*sar,if(gt(dar,3.2),sar/2,sar))",
    "top and bottom": "if(gt(dar,2.6),sar/2,sar)",
}
"""The shape of a view's pixels. Broadcasts squeeze two views into the size of one and say nothing of it; Matroska says
the shape of a view, but by default that of the frame. Films are between 4:3 and 2.4:1, so the shape itself tells."""


@dataclass(frozen=True)
class Box:
    """The size that pictures are wanted in, in pixels; a width of 0 is the video's own, a height of 0 follows."""

    width: int
    height: int = 0
    cover: bool = False
    """Whether the picture is to reach both sides of the box, and not to stay within both."""
    rough: bool = False
    """Whether it is only looked at by programs, so that scaling may be quick."""


@dataclass(frozen=True)
class Graph:
    """The filters for the frames of one clip."""

    box: Box
    colours: Colours = Colours()
    aspect: Fraction | None = None
    """The shape of pixels, where the clip itself cannot say it."""
    turn: str = ""
    """The filters that turn a frame upright, each with a comma after it, where the clip itself cannot say it."""
    has_fields: bool = False
    """Whether each picture of the clip is a field: every second line of a frame."""
    packing: str = ""
    """How two views lie in a frame of stereo video: `side by side`, `top and bottom`; empty for others."""
    is_opaque: bool = False
    """Whether frames have no transparency, or only something that looks like it."""
    is_spherical: bool = False
    """Whether the views of stereo video are projections, whose pixels are never squeezed."""

    def wanted(self) -> str:
        """Return the filters that show the wanted frames."""
        return _WANTED + self._shown()

    def untagged(self) -> str:
        """Return the filters that show every frame, whatever the clip says of its colours."""
        return _UNTAGGED + replace(self, colours=Colours())._shown()

    def _shown(self) -> str:
        """Return the filters that bring frames to their size and to sRGB.

        Interlaced frames are made progressive from themselves alone, as their neighbours may be far away; scaling
        comes before the conversion of colours, which then costs the same for any size of video."""
        # The filter wants three lines at the least, and what it makes of 5 bits a colour has no white.
        has_combs = self.colours.lines >= 4 and not self.colours.are_rgb and not self.has_fields
        progressive = "estdif=mode=frame:deint=interlaced," if has_combs else ""
        planes, pixels = ("gbrp", "rgb24") if self.is_opaque else ("gbrap", "rgba")
        # libswscale has vectors that fill planes: all chroma then takes less than half the time, for the same pixels.
        formats = pixels if self.box.rough or self.colours.are_rgb else f"{planes},format={pixels}"
        return f"{self._shape()}{progressive}{self._scale()},setsar=1,{self.colours.conversion()}format={formats}"

    def _shape(self) -> str:
        """Return the filters that leave one view with the right shape of its pixels."""
        filters = ""
        if self.aspect:
            filters += f"setsar=r={self.aspect.numerator}/{self.aspect.denominator}:max={_LARGEST_TERM},"
        if self.has_fields:
            # The shape is that of a frame's pixels, unless a container says that they are as high as two.
            filters += f"setsar=r='if(lt(sar,0.7),sar,sar/2)':max={_LARGEST_TERM},"
        filters += self.turn
        if self.packing:
            filters += _ONE_VIEW[self.packing]
            filters += "" if self.is_spherical else f"setsar=r='{_UNSQUEEZED[self.packing]}':max={_LARGEST_TERM},"
        return filters

    def _scale(self) -> str:
        box = self.box
        # The shape of pixels makes a picture larger in one direction, never smaller in the other, as in browsers.
        width = f"min(iw*max(sar,1),min({WIDEST},{WIDEST}*dar))"
        if box.width:
            wanted = f"{'max' if box.cover else 'min'}({box.width},{box.height}*dar)" if box.height else str(box.width)
            width = f"min({width},{wanted})"
        size = f"w='max(1,round({width}))':h='max(1,min({WIDEST},round(ow/dar)))'"
        flags = "bilinear" if box.rough else "bicubic+accurate_rnd+full_chroma_int"
        return f"scale={size}{self.colours.options()}:flags={flags}"
