"""From packets to pictures: what is wanted of a video goes into a clip, and the clip through FFmpeg."""

from collections.abc import Iterator

from pipeline import clip, ffmpeg
from pipeline.colours import Colours
from pipeline.demux import Demuxer, Run
from pipeline.ffmpeg import Box, Frame, Limits
from pipeline.outcome import Rejected


def frames(demuxer: Demuxer, runs: list[Run], box: Box, limits: Limits) -> Iterator[Frame]:
    """Decodes the wanted pictures of runs, in order, scaled into or over a box but never enlarged.

    Raises:
        Rejected: there are no runs, no picture could be decoded, or only beyond the limits.
        DecoderKilled: FFmpeg was killed by someone else.
    """
    if not runs:
        raise Rejected("its video holds no picture")
    copied = clip.remux(demuxer.stream, [*demuxer.leading(runs), *runs])
    yield from ffmpeg.frames(copied, box, Colours.of(demuxer.stream), limits)
