"""What is measured: groups of ways that are measured in turn with each other, on one video."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import limited, pinned
from benchmarks.videos import CMAF_SECONDS, GROUP_SECONDS, LARGE, Made, Videos
from benchmarks.ways import MEMORY_MB, PACKAGED_FFMPEG, Function, Tools, Way, function, handler_way, tool_way
from standin_s3.pace import AS_S3, WITH_TAIL, Pace
from standin_s3.s3 import S3

CAT, UNCHANGED, CMAF, BLANK = "cat", "unchanged", "low-latency CMAF", "blank"
CAT_SECONDS = 1.9
TAIL, LONG_TAIL = "1% of requests late", "2% of requests late"
LATE = Pace(AS_S3.latency, AS_S3.rate, tail_share=0.02, tail=0.5)
MEMORY = "memory"
SIZES_MB = (512, 1024, MEMORY_MB, 2048, 3008)
"""Memory of the function; each size comes with that share of 1769 MB of a processor."""
STORYBOARD: dict[str, object] = {
    "storyboard": True,
    "storyboardTiles": 100,
    "storyboardColumns": 10,
    "storyboardWidth": 160,
}


@dataclass(frozen=True)
class Case:
    """One way, one video."""

    way: Way
    path: Path
    key: str = ""
    """Of the object; by default the name of the file."""
    keep: bool = False
    """Whether what an earlier run wrote stays there: the handler then finds nothing to do."""


class Bench:
    """The two stand-ins, the tools, and the functions, each of them started when it is first asked for."""

    def __init__(
        self, tls: S3, plain: S3, aws: Path, folder: Path, processors: tuple[int, ...], ends: ExitStack
    ) -> None:
        self.tls, self.plain, self.tools = tls, plain, Tools(tls, aws, folder)
        self._folder, self._processors, self._ends = folder, processors, ends
        self._functions: dict[str, Function] = {}

    def handler(
        self,
        name: str,
        position: str,
        plain: bool = False,
        memory_mb: int = MEMORY_MB,
        settings: dict[str, object] | None = None,
    ) -> Way:
        """Return a function with these settings as a way.

        Raises:
            BenchFailure: it could not be started, or limited.
        """
        s3 = self.plain if plain else self.tls
        parts = (position.strip("%"), "plain" if plain else "tls", memory_mb, *(settings or {}))
        told = "-".join(map(str, parts))
        if told not in self._functions:
            before: list[str] = []
            if memory_mb != MEMORY_MB:
                before = self._ends.enter_context(limited(memory_mb / MEMORY_MB))
            if memory_mb > MEMORY_MB:
                before += pinned(self._processors)
            log = self._folder / f"function-{told}.log"
            given = {"position": position, **(settings or {})}
            self._functions[told] = self._ends.enter_context(function(s3, log, given, memory_mb, before))
        return handler_way(name, s3, self._functions[told])

    def url(self, name: str, seconds: float, verified: bool = False) -> Way:
        """FFmpeg on the URL."""
        return tool_way(name, self.tools, self.tools.seek_on_url(seconds, verified))

    def packaged_url(self, name: str, path: Path, seconds: float) -> list[Case]:
        """Return the system's FFmpeg on the URL, if there is one."""
        if PACKAGED_FFMPEG is None:
            return []
        run = self.tools.seek_on_url(seconds, program=PACKAGED_FFMPEG)
        return [Case(tool_way(f"{name}, packaged", self.tools, run), path)]


@dataclass(frozen=True)
class Group:
    """What is measured in turn."""

    name: str
    cases: Callable[[Bench], list[Case]]
    repeats: int
    pace: Pace = AS_S3


def groups(videos: Videos) -> list[Group]:
    """Return all groups, in the order in which they are measured."""
    web, large = videos.one("200 MB", "index first"), videos.largest
    found = []
    if videos.cat:
        found.append(Group(CAT, partial(_posters, videos.cat, CAT_SECONDS, exact=False), 7))
        found.append(Group(UNCHANGED, partial(_unchanged, videos.cat), 15))
    for each in videos.made:
        ways = _posters if each.layout.startswith("index") else _fragments
        found.append(Group(each.name, partial(ways, each.path, each.seconds), 3 if each.label == LARGE else 5))
    found += [
        Group(f"{large.label} storyboard", partial(_storyboard, large), 3),
        Group(CMAF, partial(_fragments, videos.cmaf, CMAF_SECONDS, exact=True), 5),
        Group(BLANK, partial(_alone, videos.blank), 3),
        *(Group(path.stem, partial(_alone, path), 3) for path in videos.eights),
        *(Group(f"{each.name}, {TAIL}", partial(_late, each), 40, WITH_TAIL) for each in (web, large)),
        Group(f"{large.name}, {LONG_TAIL}", partial(_alone, large.path), 60, LATE),
    ]
    paths = [*([videos.cat] if videos.cat else []), web.path, large.path]
    return found + [Group(f"{MEMORY} {size}", partial(_memory, paths, size), 5) for size in SIZES_MB]


def _posters(path: Path, seconds: float, bench: Bench, exact: bool = True) -> list[Case]:
    tools, tenth = bench.tools, seconds / 10
    cases = [
        Case(bench.handler("auto", "auto"), path),
        Case(bench.handler("10%", "10%"), path),
        Case(bench.handler("auto, plain", "auto", plain=True), path),
        Case(bench.handler("10%, plain", "10%", plain=True), path),
        Case(bench.url("URL 10%", tenth), path),
        Case(bench.url("URL 10%, verified", tenth, verified=True), path),
        *bench.packaged_url("URL 10%", path, tenth),
        Case(tool_way("download", tools, tools.download_and_seek(tenth)), path),
    ]
    if tools.has_thumbnailer():
        cases.append(Case(tool_way("ffmpegthumbnailer", tools, tools.thumbnailer(10)), path))
    return cases + (_exact(path, seconds, bench) if exact else [])


def _exact(path: Path, seconds: float, bench: Bench) -> list[Case]:
    moment = exact_seconds(seconds)
    key = f"{path.stem}_{moment // 3600:02}-{moment // 60 % 60:02}-{moment % 60:02}.mp4"
    return [
        Case(bench.handler("exact", "auto"), path, key),
        Case(bench.handler("exact, plain", "auto", plain=True), path, key),
        Case(bench.url("URL exact", moment), path, key),
        *bench.packaged_url("URL exact", path, moment),
    ]


def exact_seconds(seconds: float) -> int:
    """Return a moment near the middle of a video, half-way between two keyframes."""
    return int(seconds / 2 // GROUP_SECONDS * GROUP_SECONDS + GROUP_SECONDS / 2)


def _fragments(path: Path, seconds: float, bench: Bench, exact: bool = False) -> list[Case]:
    return [
        Case(bench.handler("auto", "auto"), path),
        Case(bench.handler("10%", "10%"), path),
        Case(bench.url("URL 10%", seconds / 10), path),
        *(_exact(path, seconds, bench) if exact else []),
    ]


def _alone(path: Path, bench: Bench) -> list[Case]:
    return [Case(bench.handler("auto", "auto"), path)]


def _unchanged(path: Path, bench: Bench) -> list[Case]:
    return [Case(bench.handler("unchanged", "auto"), path, keep=True)]


def _late(made: Made, bench: Bench) -> list[Case]:
    return [*_alone(made.path, bench), Case(bench.url("URL 10%", made.seconds / 10), made.path)]


def _storyboard(made: Made, bench: Bench) -> list[Case]:
    scan = tool_way("keyframe scan", bench.tools, bench.tools.keyframe_scan(made.seconds))
    return [Case(bench.handler("storyboard", "auto", settings=STORYBOARD), made.path), Case(scan, made.path)]


def _memory(paths: list[Path], memory_mb: int, bench: Bench) -> list[Case]:
    return [Case(bench.handler(path.stem, "auto", memory_mb=memory_mb), path) for path in paths]
