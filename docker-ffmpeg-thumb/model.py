"""What crosses between the service and the worker: the object, how it is read, what is made of it, its outcome."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from position import Position

VERSION = "1.0.0"
"""Of the code. Part of every output's metadata: another version makes outputs again when their event comes again."""

KIB, MIB = 2**10, 2**20

WIDEST = 16_383
"""Pixels. The widest picture that WebP can hold (a 14-bit field of its header)."""
WRITTEN = 16 * MIB
"""Bytes that a decoder may write to a file, such as its messages; the worker itself writes none."""
LARGEST_OUTPUTS = 192 * MIB
"""Bytes of all outputs of one video together."""
MOST_SHEETS = 100
"""Of one storyboard."""

Range = tuple[int, int]
"""Bytes of an object: the first, and the one after the last."""

MADE = "made"
UNCHANGED = "unchanged"
SUPERSEDED = "superseded"
SKIPPED = "skipped"
REJECTED = "rejected"
REMOVED = "removed"


@dataclass(frozen=True)
class Video:
    """One object that was created, as its event describes it."""

    bucket: str
    key: str
    size: int | None
    """Bytes; unknown in hand-written events, and then asked of S3."""
    etag: str | None
    """Without quotes."""
    version: str | None
    sequencer: str | None
    """Orders the events of one key: S3 writes it in hexadecimal, of varying length."""

    @property
    def content(self) -> tuple[str, str, str | None, str | None]:
        """What its outputs depend on; the same for an event that comes twice and for an upload that is repeated."""
        return self.bucket, self.key, self.etag, self.version


@dataclass(frozen=True)
class ReadPolicy:
    """How an object is read: sizes in bytes, chosen for S3's 30 ms a request and 80 MB/s a connection."""

    whole: int = 4 * MIB
    """Objects up to this size are fetched by one request: that takes no longer than a second request."""
    edge: int = 256 * KIB
    """What is fetched first of a larger object, from its start: the place of the index, and often the index itself."""
    tail: int = 128 * KIB
    """What is fetched first from its end."""
    part: int = 1 * MIB
    """A larger range is fetched as several parts of this size, in parallel."""
    gap: int = 64 * KIB
    """Ranges closer together than this are fetched as one: the bytes between cost less than a request."""
    block: int = 256 * KIB
    """What an unforeseen read fetches; it doubles as long as the reading goes on in sequence."""
    largest_block: int = 8 * MIB
    scan: int = 32 * MIB
    """A video without an index is read from its start up to this size; of a larger one, samples are."""
    search: int = 64 * MIB
    """The most that is read to find keyframes in such a video."""
    hop: int = 64 * KIB
    """What is fetched where only the header of a box, or a `moof`, is looked for."""
    index: int = 1 * MIB
    """An MP4's index (`moov`) up to this size is fetched whole; of a longer one, the tables of sound are left out."""
    track: int = 4096
    """What is fetched from the start of an MP4's track to see what it holds: its headers, without its tables."""


@dataclass(frozen=True)
class Wanted:
    """What is made of a video: the settings of the stack, and over them what the object asks for itself."""

    position: Position = field(default_factory=lambda: Position("auto"))
    widths: tuple[int, ...] = (640,)
    """Pixels, the first for the poster itself; 0 is the video's own width."""
    format: str = "jpg"
    quality: int = 80
    """1 to 100, as the encoders of JPEG, WebP and AVIF take it; PNG is lossless and ignores it."""
    fit: str = "contain"
    """How a poster fills `height`: `contain` within it, `cover` it and lose what stands out, `pad` to it."""
    height: int = 0
    """Pixels, of the first of `widths`, the others in proportion; 0 for what the video's shape gives."""
    pad_colour: str = "#000000"
    """`#rrggbb`, the background of a padded poster, and of what is transparent where the format cannot be."""
    cache_control: str = "max-age=3600"
    """The header `Cache-Control` of each output; empty for none."""
    stills: int = 0
    """How many frames to choose from are written besides, spread over the video."""
    storyboard: bool = False
    storyboard_playlist: bool = False
    """Whether an HLS image playlist lies beside the storyboard."""
    storyboard_json: bool = False
    """Whether its tiles are listed in Mux's form of JSON too."""
    storyboard_budget: int = 64 * MIB
    """Bytes that may be read for tiles at times where there is no keyframe."""
    storyboard_interval: float = 0.0
    """Seconds between tiles; 0 chooses by the duration."""
    storyboard_width: int = 160
    """Pixels of a tile."""
    storyboard_tiles: int = 0
    """The most tiles; 0 chooses by the duration."""
    storyboard_columns: int = 10
    preview: str = "none"
    """`webp`, `mp4`, `gif`, or `none`."""
    preview_seconds: float = 5.0
    preview_scenes: int = 4
    preview_width: int = 320
    """Pixels."""
    preview_rate: int = 12
    """Frames a second."""
    placeholder: bool = False
    """Whether the manifest holds a BlurHash of the poster."""
    manifest: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON knows it."""
        return {**dataclasses.asdict(self), "position": str(self.position)}

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Wanted":
        """Read what `as_json` wrote."""
        return Wanted(**{**value, "position": Position.parse(value["position"]), "widths": tuple(value["widths"])})


@dataclass(frozen=True)
class Limits:
    """What decoding may use."""

    memory: int
    """Bytes of data (`RLIMIT_DATA`)."""
    seconds: float
    """Of wall-clock time, and as many of processor time on each processor."""
    threads: int = 1


@dataclass(frozen=True)
class WorkerLimits:
    """What a worker may use."""

    seconds: float
    """Of wall-clock time; as many of processor time on each processor."""
    memory: int
    """Bytes of data beyond what the template has when it is forked.

    Data (`RLIMIT_DATA`) and not address space: the C library reserves 64 MiB of address space for each thread, and a
    limit tight enough to protect anything would be spent by what is never touched.
    """
    memory_of_decoder: int
    """Bytes of data that FFmpeg may be given, where that is more."""


@dataclass(frozen=True)
class Job:
    """What a worker is told of the one object that it works on."""

    size: int
    """Bytes of the object."""
    stem: str
    """What the names of its outputs begin with, without folders: the storyboard's cues name its sheets."""
    wanted: Wanted
    limits: Limits
    policy: ReadPolicy

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON knows it."""
        return {**dataclasses.asdict(self), "wanted": self.wanted.as_json()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Job":
        """Read what `as_json` wrote."""
        return Job(
            size=value["size"],
            stem=value["stem"],
            wanted=Wanted.from_json(value["wanted"]),
            limits=Limits(**value["limits"]),
            policy=ReadPolicy(**value["policy"]),
        )


@dataclass(frozen=True)
class Output:
    """One thing that a worker made. Which key it gets is not for the worker to say."""

    kind: str
    """`poster`, `still`, `sheet` (of the storyboard), `cues`, `tiles`, `playlist` or `preview`."""
    number: int
    """Which of its kind, from 0: of the posters, in the order of the widths."""
    width: int | None
    """Pixels, like `height`; None for a text."""
    height: int | None
    seconds: float
    """The moment of the video that it shows, or the first of them."""


@dataclass(frozen=True)
class Tiling:
    """Which part of the video each tile of a storyboard stands for: equal parts, but for a shorter last one."""

    tiles: int
    interval: float
    """Seconds from the beginning of one part to that of the next."""
    seconds: float
    """The length of the video."""

    @property
    def bounds(self) -> tuple[float, ...]:
        """Seconds, in whole milliseconds: tile number n stands for the time from `bounds[n]` to `bounds[n + 1]`."""
        return (*(round(number * self.interval, 3) for number in range(self.tiles)), self.seconds)


@dataclass(frozen=True)
class Storyboard(Tiling):
    """The geometry of a storyboard. Tiles go from left to right, then down, then on the next sheet.

    All sheets but the last have `columns` times `rows` tiles; a sheet is no larger than its tiles.
    """

    columns: int
    rows: int
    tile_width: int
    """Pixels, like `tile_height`."""
    tile_height: int

    @property
    def sheets(self) -> int:
        """How many sheets there are."""
        return math.ceil(self.tiles / (self.columns * self.rows))

    def place(self, tile: int) -> tuple[int, int, int]:
        """Return the number of a tile's sheet, and its left and upper edge there in pixels."""
        sheet, tile = divmod(tile, self.columns * self.rows)
        row, column = divmod(tile, self.columns)
        return sheet, column * self.tile_width, row * self.tile_height

    def on(self, sheet: int) -> range:
        """Return the numbers of the tiles on a sheet."""
        most = self.columns * self.rows
        return range(sheet * most, min((sheet + 1) * most, self.tiles))

    def layout(self, sheet: int) -> tuple[int, int]:
        """Return how many columns and rows a sheet has."""
        count = len(self.on(sheet))
        return min(self.columns, count), math.ceil(count / self.columns)

    def span(self, sheet: int) -> float:
        """Return how many seconds of the video a sheet stands for."""
        tiles, bounds = self.on(sheet), self.bounds
        return bounds[tiles.stop] - bounds[tiles.start]


def sheet_name(base: str, number: int, image_format: str) -> str:
    """Return the name of a storyboard's sheet; `base` is what the names of all outputs of the video begin with."""
    return f"{base}.storyboard{f'-{number + 1}' if number else ''}.{image_format}"


@dataclass(frozen=True)
class VideoFacts:
    """The video itself."""

    container: str
    """As people call it: `mp4`, `mov`, `webm`, `mkv`, `mpeg-ts` and so on."""
    codec: str
    """As FFmpeg calls it."""
    width: int
    """Pixels, like `height`: as a player shows the video, upright and with square pixels."""
    height: int
    coded_width: int
    """Pixels, as the video is coded: before rotation, and before the sample aspect ratio is applied."""
    coded_height: int
    seconds: float | None
    """The length of the video; None if nothing tells."""
    placeholder: str | None = None
    """A BlurHash of the poster."""
    storyboard: Storyboard | None = None


@dataclass(frozen=True)
class File:
    """One object that was written."""

    kind: str
    """`poster`, `still`, `storyboard` (its sheets and what names their tiles), `preview` or `manifest`."""
    key: str
    type: str
    """Its media type, such as `image/jpeg`."""
    width: int | None
    """Pixels, like `height`; None for a text."""
    height: int | None
    bytes: int
    seconds: float
    """The moment of the video that it shows, or the first of them."""


@dataclass(frozen=True)
class Reading:
    """What was read of the video's object."""

    bytes: int = 0
    requests: int = 0
    chain: int = 0
    """The longest sequence of requests each of which began after the one before it had ended."""


@dataclass(frozen=True)
class Outcome:
    """What became of one object."""

    bucket: str
    key: str
    outcome: str
    """`made`, `unchanged`, `superseded`, `skipped`, `rejected`, or `removed` for the outputs of a deleted video."""
    reason: str = ""
    images: tuple[File, ...] = ()
    """Posters, stills, sheets and the preview."""
    texts: tuple[File, ...] = ()
    """What names the storyboard's tiles, and the manifest."""
    notes: tuple[str, ...] = ()
    """Requests that were ignored, and parts that could not be made."""
    read: Reading = field(default_factory=Reading)
    seconds: float = 0.0
    """Of wall-clock time."""
    peak: int = 0
    """Bytes: the most memory that its worker, or FFmpeg, had."""
    etag: str | None = None
    """Of the video, without quotes; like `version`, None where it was not found out."""
    version: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the log line and the function's answer show it."""
        return dataclasses.asdict(self)


class Settled(Exception):
    """Ends a job with an outcome that no retry would change."""

    outcome: str

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unchanged(Settled):
    """The images are there already, made of the same source by the same settings."""

    outcome = UNCHANGED


class Superseded(Settled):
    """The object is not the one that the event spoke of; the newer one has its own event."""

    outcome = SUPERSEDED


class Skipped(Settled):
    """Nothing to show, and nothing wrong."""

    outcome = SKIPPED


class Rejected(Settled):
    """A permanent fault of the file or its name."""

    outcome = REJECTED
