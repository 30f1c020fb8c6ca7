"""Finds and copies the packets of a video by its index, where it has one. Nothing is decoded here.

PyAV demuxes with a forced format and with every decoder shut out. Each container has its own way to its keyframes; each
way is bounded, gives a `VideoIndex`, reads a plan made from it, and says in `notes` where it had to stop short:

- an MP4 or MOV: its tables name place and size of every sample, fetched together as exact ranges; see `mp4`;
- Matroska, WebM and FLV with an index: it names places, a block is fetched from each;
- AVI with an index, and DV: place and size of every frame are known, which are fetched together as exact ranges;
- anything else that is short: one reading from the start, which keeps the keyframes that it meets;
- anything else that is long: samples tell what is shown where, and keyframes are looked for near the moments wanted.
"""

from fractions import Fraction

from worker.container import sniff
from worker.container.avi import Avi, Dv
from worker.container.boundaries import boundary_of
from worker.container.demuxer import Demuxer, Run
from worker.container.mp4 import open_mp4
from worker.container.places import Places, may_have_places
from worker.container.sampled import Sampled
from worker.container.scan import Scan
from worker.reader import Reader

__all__ = ["Demuxer", "Run", "open_video"]


def open_video(reader: Reader, places: int = 0) -> Demuxer:
    """Open the video of an object.

    `places`: at how many places, spread evenly over the video, keyframes will be wanted: they have to be looked for in
    some videos without an index. A frame at a certain time needs none of them.

    Raises:
        Rejected: the content is no container or codec that is supported, or is broken.
        Skipped: it holds no video.
    """
    # What is found here is forced: nothing is ever guessed from the content further than this.
    name = sniff.format_of(reader.read_all(0, min(sniff.SNIFFED, reader.policy.edge)))
    if name == "mov":
        return open_mp4(reader, places)
    way: type[Places] | type[Avi] | None
    way = Places if may_have_places(name, reader) else {"avi": Avi, "dv": Dv}.get(name)
    if way is None:
        return _without_index(reader, name, places)
    demuxer = way(reader, name)
    if len(demuxer.index):
        return demuxer
    demuxer.close()
    return _without_index(reader, name, places, demuxer.origin)


def _without_index(reader: Reader, name: str, places: int, origin: Fraction | None = None) -> Demuxer:
    """Return the whole of a short video, samples of a long one."""
    cut, limit = None, reader.policy.scan
    if reader.size > limit:
        cut = boundary_of(name, reader.read_all(0, reader.policy.edge))
    if cut is not None:
        demuxer = Sampled(reader, name, *cut, places)
        if len(demuxer.index):
            return demuxer
        demuxer.close()
        limit = reader.size if demuxer.is_better_whole else limit
    return Scan(reader, name, limit, origin)
