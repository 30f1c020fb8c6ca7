"""From packets to frames: what is wanted of a video goes into clips, and each clip through FFmpeg."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from av.video.stream import VideoStream

from model import Limits, Rejected
from worker.bitstream.order import Order
from worker.bitstream.sequence import Sequence, Sequences
from worker.container import Demuxer, Run
from worker.decode import clip, ffmpeg
from worker.decode.colours import Colours
from worker.decode.ffmpeg import Frame, Undecodable
from worker.decode.graph import Box, Graph

_LEAST_SECONDS = 0.1
"""What is left for the decoder at the least, so that it is the one that says that time is up."""


def frames_of(demuxer: Demuxer, runs: list[Run], box: Box, limits: Limits) -> Iterator[Frame]:
    """Decode the wanted frames of runs, in order, scaled into or over a box but never enlarged.

    Each has the size and the colours that the stream has there: where these change, another clip begins.

    Raises:
        Rejected: there are no runs, no frame could be decoded, or only beyond the limits.
        DecoderKilled: FFmpeg was killed by someone else.
    """
    fault = Rejected("its video holds no frame")
    found = False
    # It stands before the others for the decoder alone.
    leading = [run for run in runs if not run.wanted]
    end = time.monotonic() + limits.seconds
    for part in _parts(demuxer, runs):
        made = clip.remux(part.stream, [*leading, *part.runs], demuxer.palette)
        graph = _graph(box, part.stream, part.sequence, made)
        left = max(_LEAST_SECONDS, end - time.monotonic())
        try:
            for frame in ffmpeg.frames(made, graph, replace(limits, seconds=left)):
                found = True
                yield frame
        except Undecodable as undecodable:
            fault = undecodable
    if not found:
        raise fault


def expect(demuxer: Demuxer, boxes: Iterable[Box], limits: Limits) -> None:
    """Start FFmpeg for frames of a video in each of some boxes, before they are read: it gets ready while S3 is waited
    for."""
    stream = demuxer.stream
    try:
        made = clip.remux(stream, [], demuxer.palette)
    except Rejected:
        return  # When there are packets, it will be stated.
    beside = Sequences(stream.codec_context.codec.canonical_name, stream.codec_context.extradata).beside
    for box in boxes:
        ffmpeg.start_ahead(made, _graph(box, stream, beside, made), limits)


def _graph(box: Box, stream: VideoStream, sequence: Sequence, made: clip.Clip) -> Graph:
    return Graph(
        box,
        Colours.of(stream, sequence, made.is_ipt),
        made.aspect,
        made.turn,
        sequence.has_fields,
        made.packing or sequence.messages.packing,
        made.is_opaque,
        made.is_spherical,
    )


class _Part:
    """Runs whose frames are decoded in one go."""

    def __init__(self, stream: VideoStream, sequence: Sequence) -> None:
        self.stream, self.sequence = stream, sequence
        self.runs: list[Run] = []
        self._order = Order(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        self._highest = 0

    def takes(self, run: Run) -> bool:
        """Return whether a run can be decoded after those that are here already, which it is then one of.

        FFmpeg drops frames of H.264 that seem to be shown before one that it gave already. The numbers by which it
        knows that begin anew at some keyframes. At others (open GOP) they go on: a few bits of each are written, and
        what lies between two runs is not there to complete them.
        """
        is_h264 = self.stream.codec_context.codec.canonical_name == "h264"
        for number, packet in enumerate(run.packets if is_h264 else ()):
            content = bytes(packet)
            order = self._order.number(content) or self._order.decoded(content, is_apart=number == 0)
            begins, its = order or (True, 0)
            if number == 0 and not begins and its <= self._highest:
                return False
            self._highest = its if begins else max(its, self._highest)
        self.runs.append(run)
        return True


def _parts(demuxer: Demuxer, runs: Iterable[Run]) -> Iterator[_Part]:
    """Yield the runs, less what nothing is wanted of, divided where one cannot be decoded after the other."""
    part: _Part | None = None
    for run in runs:
        stream = run.stream or demuxer.stream
        for sequence, piece in _pieces(run, stream):
            if part and part.stream is stream and part.sequence == sequence and part.takes(piece):
                continue
            if part:
                yield part
            part = _Part(stream, sequence)
            part.takes(piece)
    if part:
        yield part


def _pieces(run: Run, stream: VideoStream) -> Iterator[tuple[Sequence, Run]]:
    """Yield the pieces of a run in which something is wanted, each of which has the same headers throughout."""
    context = stream.codec_context
    sequences = Sequences(context.codec.canonical_name, context.extradata)
    starts: list[tuple[int, Sequence]] = []
    for number, packet in enumerate(run.packets):
        sequence = sequences.at(bytes(packet), starts[-1][1] if starts else sequences.beside)
        if not starts or sequence != starts[-1][1]:
            starts.append((number, sequence))
    for (start, sequence), (end, _) in pairwise([*starts, (len(run.packets), Sequence())]):
        wanted = {number - start: moment for number, moment in run.wanted.items() if start <= number < end}
        if wanted:
            yield sequence, replace(run, packets=run.packets[start:end], shown=run.shown[start:end], wanted=wanted)
