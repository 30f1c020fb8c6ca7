"""What must be reached, and what was."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import videos
from benchmarks.cases import BLANK, CAT, CMAF, LONG_TAIL, UNCHANGED
from benchmarks.containers import Image
from benchmarks.figures import Figures
from benchmarks.videos import LARGE, Videos
from standin_s3.pace import AS_S3

MB = 1_000_000
KEYFRAME = 3 * MB
"""What the limits are reckoned with, beside the index: one keyframe with the ends of the object that are read first."""
WEB, FILM = "200 MB, index first", f"{LARGE}, index last"
BESIDE_URL = (
    (CAT, "auto", "URL 10%", 0.65),
    (CAT, "10%", "URL 10%", 0.40),
    (WEB, "auto", "URL 10%", 0.85),
    (WEB, "10%", "URL 10%", 0.70),
    (FILM, "auto", "URL 10%", 0.40),
    (FILM, "10%", "URL 10%", 0.30),
    (FILM, "exact", "URL exact", 0.70),
)
"""(group, way, the way beside it, the most of its time)."""
TLS_BESIDE_PLAIN = 1.15


@dataclass(frozen=True)
class Measured:
    """All that was measured."""

    figures: tuple[Figures, ...]
    image: Image | None
    videos: Videos
    quick: bool

    def one(self, group: str, way: str) -> Figures | None:
        """Return the figures of a way in a group, if it was measured."""
        return next((each for each in self.figures if (each.group, each.way) == (group, way)), None)


@dataclass(frozen=True)
class Row:
    """A limit, and what was measured."""

    work: str
    what: str
    limit: str
    measured: str
    reached: bool


def rows(measured: Measured) -> list[Row]:
    """Every limit that could be measured."""
    parts = (_times, _tls, _connections, _tail, _cat, _film, _fragments, _blank, _storyboard, _eights, _growth)
    found = [row for part in parts for row in part(measured)]
    return [*found, *_unchanged(measured), *_image(measured.image)]


def _ratio(work: str, what: str, ours: Figures | None, theirs: Figures | None, limit: float) -> Iterator[Row]:
    if ours is not None and theirs is not None:
        ratio = ours.wall / theirs.wall
        yield Row(work, what, f"{limit:.2f} ×", f"{ratio:.2f} ×", ratio <= limit)


def _times(measured: Measured) -> Iterator[Row]:
    for group, way, other, limit in BESIDE_URL:
        ours = measured.one(group, way)
        for which, whose in ((other, "the image's own"), (f"{other}, packaged", "the system's")):
            what = f"time beside FFmpeg on the URL, {whose}"
            yield from _ratio(f"{group}, {way}", what, ours, measured.one(group, which), limit)


def _tls(measured: Measured) -> Iterator[Row]:
    for plain in measured.figures:
        if plain.way.endswith(", plain"):
            way = plain.way.removesuffix(", plain")
            ours = measured.one(plain.group, way)
            yield from _ratio(f"{plain.group}, {way}", "time, TLS beside plain", ours, plain, TLS_BESIDE_PLAIN)


def _connections(measured: Measured) -> Iterator[Row]:
    ours = [each for each in measured.figures if each.way in ("auto", "10%", "exact", "storyboard", "unchanged")]
    if ours:
        most = max(ours, key=lambda each: each.connections)
        told = f"{most.connections}{f' ({most.group}, {most.way})' if most.connections else ''}"
        yield Row("any warm call", "connections opened", "0", told, most.connections == 0)


def _tail(measured: Measured) -> Iterator[Row]:
    late, usual = measured.one(f"{FILM}, {LONG_TAIL}", "auto"), measured.one(FILM, "auto")
    if late is not None and usual is not None:
        ratio = late.late / usual.wall
        what = "95th percentile with 2% of requests 500 ms late, beside the median without"
        yield Row(f"{FILM}, auto", what, "1.40 ×", f"{ratio:.2f} ×", ratio <= 1.4)


def _cat(measured: Measured) -> Iterator[Row]:
    auto = measured.one(CAT, "auto")
    if auto is not None:
        share = auto.bytes / auto.object_bytes
        yield Row(CAT, "bytes", "1 × the object", f"{share:.2f} ×", auto.bytes == auto.object_bytes)
        yield Row(CAT, "chain", "1", str(auto.chain), auto.chain <= 1)


def _film(measured: Measured) -> Iterator[Row]:
    if measured.one(FILM, "auto") is None:
        return
    moov, keyframes, largest_group = _index(measured.videos.one(LARGE, "index last").path)
    for way, further, text in (
        ("10%", 0, "moov + 3 MB"),
        ("exact", largest_group, "moov + 3 MB + 1 GOP"),
        ("auto", 12 * sum(keyframes) // len(keyframes), "moov + 3 MB + 12 keyframes"),
    ):
        figures = measured.one(FILM, way)
        if figures is not None:
            limit = moov + KEYFRAME + further
            yield Row(f"{FILM}, {way}", "bytes", f"{text} = {mb(limit)}", mb(figures.bytes), figures.bytes <= limit)
            yield Row(f"{FILM}, {way}", "chain", "4", str(figures.chain), figures.chain <= 4)
            yield Row(f"{FILM}, {way}", "peak memory", "350 MB", mb(figures.peak, 0), figures.peak < 350 * MB)
    tenth, other = measured.one(FILM, "10%"), measured.one(FILM, "ffmpegthumbnailer")
    if tenth is not None and other is not None:
        share = tenth.bytes / other.bytes
        yield Row(f"{FILM}, 10%", "bytes beside ffmpegthumbnailer", "0.50 ×", f"{share:.2f} ×", share <= 0.5)


def _fragments(measured: Measured) -> Iterator[Row]:
    exact = measured.one(CMAF, "exact")
    if exact is not None:
        yield Row(f"{CMAF}, an exact time", "GETs", "8", str(exact.gets), exact.gets <= 8)
        yield Row(f"{CMAF}, an exact time", "chain", "4", str(exact.chain), exact.chain <= 4)


def _blank(measured: Measured) -> Iterator[Row]:
    found = measured.one(BLANK, "auto")
    if found is not None:
        yield Row(
            f"{BLANK} throughout, {mb(found.object_bytes, 0)}",
            "bytes",
            "48 MB",
            mb(found.bytes, 1),
            found.bytes <= 48 * MB,
        )


def _storyboard(measured: Measured) -> Iterator[Row]:
    # In a quick run the largest video is not the one that the limits speak of.
    group = f"{LARGE} storyboard"
    ours, scan = measured.one(group, "storyboard"), measured.one(group, "keyframe scan")
    if ours is None:
        return
    work = f"poster and storyboard of 100 tiles, {LARGE}"
    moov, keyframes, _ = _index(measured.videos.one(LARGE, "index last").path)
    limit = int((moov + 112 * sum(keyframes) / len(keyframes)) * 1.25)
    share = ours.bytes / ours.object_bytes
    yield Row(work, "bytes", f"(moov + 112 keyframes) + 25% = {mb(limit)}", mb(ours.bytes), ours.bytes <= limit)
    yield Row(work, "share of the object", "1%", f"{share:.2%}", share < 0.01)
    yield Row(work, "chain", "10", str(ours.chain), ours.chain <= 10)
    yield from _ratio(work, "time beside a keyframe scan", ours, scan, 0.1)
    yield Row(work, "CPU", "2.5 s", f"{ours.cpu:.2f} s", ours.cpu <= 2.5)


def _eights(measured: Measured) -> Iterator[Row]:
    for name in ("HEVC", "H.264"):
        found = measured.one(f"8k-{name.lower().replace('.', '')}", "auto")
        if found is not None:
            peak = mb(found.peak, 0)
            yield Row(f"one frame of 8K {name}", "peak memory", "700 MB", peak, found.peak < 700 * MB)


def _growth(measured: Measured) -> Iterator[Row]:
    for way in ("auto", "10%"):
        small, large = measured.one("10 MB, index last", way), measured.one(FILM, way)
        if small is None or large is None:
            continue
        index, keyframes, _ = _index(measured.videos.one(LARGE, "index last").path)
        index -= _index(measured.videos.one("10 MB", "index last").path)[0]
        # `auto` has a dozen keyframes to choose from in the one and two in the other.
        room = (12 if way == "auto" else 1) * max(keyframes)
        grown = large.bytes - small.bytes
        work = f"from 10 MB to {LARGE}, {way}"
        ratio = large.peak / small.peak
        limit = f"the index's {mb(index)}, and {mb(room)} of keyframes"
        yield Row(work, "more bytes", limit, mb(grown), grown <= index + room)
        yield Row(work, "peak memory", "1.50 ×", f"{ratio:.2f} ×", ratio <= 1.5)


def _unchanged(measured: Measured) -> Iterator[Row]:
    found = measured.one(UNCHANGED, "unchanged")
    if found is None:
        return
    work = "warm call, unchanged object"
    beyond = (found.wall - AS_S3.latency) * 1000
    yield Row(work, "bytes", "headers only", f"{found.bytes} B in {found.gets} GETs", found.bytes == found.gets == 0)
    yield Row(work, "requests", "1", str(found.requests), found.requests <= 1)
    yield Row(work, "time beyond the request", "50 ms", f"{beyond:.0f} ms", beyond < 50)


def _image(image: Image | None) -> Iterator[Row]:
    if image is None:
        return
    for start in image.starts:
        work = f"cold start on {start.processors} processor{'s' if start.processors > 1 else ''}"
        yield Row(work, "over an empty handler", "0.8 s", f"{start.over_empty:.2f} s", start.over_empty <= 0.8)
    yield Row("image", "over the base", "325 MB", mb(image.over_base, 0), image.over_base <= 325 * MB)


def _index(path: Path) -> tuple[int, list[int], int]:
    """Of a video: the bytes of its `moov`, those of each keyframe, and those of its largest group of pictures."""
    import av  # of the image's requirements; needed here alone

    with av.open(str(path)) as container:
        entries = [(entry.pos, entry.size, entry.is_keyframe) for entry in container.streams.video[0].index_entries]
    starts = [position for position, _, is_keyframe in entries if is_keyframe]
    sizes = [after - before for before, after in pairwise(starts)]
    return videos.moov_bytes(path), [size for _, size, is_keyframe in entries if is_keyframe], max(sizes)


def mb(count: int, digits: int = 2) -> str:
    """Return bytes in megabytes."""
    return f"{count / MB:,.{digits}f} MB"
