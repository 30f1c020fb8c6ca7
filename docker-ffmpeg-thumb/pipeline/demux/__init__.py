"""Finds and copies the packets of a video by its index, where it has one. Nothing is decoded here.

PyAV demuxes with a forced format and with every decoder shut out. Each container has its own way to its keyframes;
each way is bounded, and says in `notes` where it had to stop short of what was asked:

- an MP4 or MOV with a sample table: the table names place and size of every picture, fetched together as exact ranges;
- a fragmented MP4: the fragments that `sidx`, `mfra` or a bounded walk name, a block from the start of each;
- Matroska and WebM with cues: the cues name places, a block is fetched from each;
- anything else: one reading from the start, up to a limit, which keeps the keyframes that it meets.
"""

from pipeline import layout
from pipeline.demux.cues import Cues
from pipeline.demux.demuxer import RUN_PACKETS, Demuxer, Run
from pipeline.demux.fragments import Fragments
from pipeline.demux.sample_table import SampleTable
from pipeline.demux.scan import Scan
from pipeline.source import Source

__all__ = ["RUN_PACKETS", "Demuxer", "Run", "open_video"]


def open_video(source: Source) -> Demuxer:
    """Opens the video of an object.

    Raises:
        Rejected: the content is no container or codec on the list, or is broken.
        Skipped: it holds no video.
    """
    found = layout.look(source)
    if found.fragments:
        return Fragments(source, found)
    if not found.indexed and found.format != "matroska":
        return Scan(source, found)
    demuxer = SampleTable(source, found) if found.indexed else Cues(source, found)
    if demuxer.keyframes:
        return demuxer
    demuxer.close()
    return Scan(source, found, demuxer.origin)
