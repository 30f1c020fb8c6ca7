"""Moving images: an animated WebP or GIF, or a film of H.264 in MP4."""

import io
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

WEBP_QUALITY = 55

_MILLISECOND = Fraction(1, 1000)
_X264 = {"crf": "26", "preset": "fast", "bf": "0", "threads": "1", "x264-params": "cpu-independent=1"}
"""With B-frames, a film would end too early: the last frame that is decoded would not be the last that is shown.
Without the last one, small pictures are written differently from one time to the next, and by each processor."""


def size_of(picture: tuple[int, int], film_format: str) -> tuple[int, int]:
    """Return the size of a film whose first picture has this one, in pixels: H.264's 4:2:0 wants even sides."""
    if film_format != "mp4":
        return picture
    return picture[0] // 2 * 2 or 2, picture[1] // 2 * 2 or 2


def encode(pictures: Sequence[Image.Image], seconds: Sequence[float], film_format: str, rate: int) -> bytes:
    """Write pictures of one size without transparency, each shown for its number of seconds: `webp`, `gif` or `mp4`.

    WebP and GIF loop for ever. `rate`: about how many pictures a second; for `size_of` what MP4 takes.
    """
    if film_format == "mp4":
        return _mp4(pictures, _ticks(seconds, 1000, 1), rate)
    content = io.BytesIO()
    # A GIF counts hundredths of a second, and browsers slow down what is faster than two of them.
    shown = [10 * ticks for ticks in _ticks(seconds, 100, 2)] if film_format == "gif" else _ticks(seconds, 1000, 1)
    options = {} if film_format == "gif" else {"quality": WEBP_QUALITY, "method": 2}
    pictures[0].save(
        content, film_format.upper(), save_all=True, append_images=pictures[1:], duration=shown, loop=0, **options
    )
    return content.getvalue()


def _ticks(seconds: Sequence[float], rate: int, least: int) -> list[int]:
    """Round durations to ticks, of which there are `rate` in a second, so that their sum is right too."""
    ticks = []
    passed, end = 0, 0.0
    for each in seconds:
        end += each
        ticks.append(max(least, round(end * rate) - passed))
        passed += ticks[-1]
    return ticks


def _mp4(pictures: Sequence[Image.Image], ticks: Sequence[int], rate: int) -> bytes:
    """Write H.264 as every browser plays it from its first bytes on: 4:2:0, in fragments, with the tags of its colours,
    which are BT.709's."""
    content = io.BytesIO()
    fragmented = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(content, "w", format="mp4", options=fragmented) as output:
        stream = output.add_stream("libx264", rate=rate, options=_X264)
        stream.width, stream.height = pictures[0].size
        context = stream.codec_context
        context.pix_fmt, context.color_range = "yuv420p", ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.colorspace = Colorspace.ITU709
        context.time_base = stream.time_base = _MILLISECOND
        starts = [0, *accumulate(ticks)]
        lasts = dict(zip(starts, ticks, strict=False))
        packets = []
        for picture, start in zip(pictures, starts, strict=False):
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
            )
            frame.pts, frame.time_base = start, _MILLISECOND
            packets += stream.encode(frame)
        for packet in (*packets, *stream.encode(None)):
            packet.duration = lasts[packet.pts or 0]
            output.mux(packet)
    return content.getvalue()
