"""One video from its bytes to its outputs: the stages in their order."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

import blurhash
from PIL.Image import Image as Picture

from channel import LARGEST_CONTENT, ChannelClosed
from model import LARGEST_OUTPUTS, MIB, Job, Limits, Output, Rejected, Storyboard, VideoFacts, Wanted, sheet_name
from worker.choose import poster, preview, stills, storyboard
from worker.choose.score import WIDTH
from worker.container import Demuxer, Run, open_video, sniff
from worker.decode import ffmpeg
from worker.decode.ffmpeg import Frame
from worker.decode.graph import Box
from worker.decode.runs import frames_of
from worker.reader import Reader
from worker.render import film, fit, sheet, texts
from worker.render.encode import encode, opaque

Give: TypeAlias = Callable[[Output, bytes], None]
"""Takes an output and its content."""
Told: TypeAlias = tuple[VideoFacts, tuple[str, ...]]
"""What is known of a video when some of its outputs are made, and notes."""


def run(job: Job, reader: Reader, give: Give, tell: Callable[[Told], None] = lambda _: None) -> Told:
    """Make the outputs of one video and give them, those of a kind when all of it are made; `tell` after each kind.

    The posters come first; whatever goes wrong after them is a note.

    Raises:
        Settled: there is no poster, and another attempt would make none.
        ChannelClosed: nobody takes the outputs any more.
        Exception: anything transient; another attempt may succeed.
    """
    demuxer = open_video(reader, _places(job.wanted))
    try:
        container = sniff.called(demuxer.index.container, reader.read_all(0, sniff.NAMED))
        return _Work(job, demuxer, give, tell).done(container)
    finally:
        ffmpeg.end_unused()
        demuxer.close()


def _places(wanted: Wanted) -> int:
    """Return at how many places of the video keyframes are wanted."""
    return max(
        poster.CANDIDATES if wanted.position.kind == "auto" else 0,
        (wanted.storyboard_tiles or storyboard.LONG_TILES) if wanted.storyboard else 0,
        wanted.preview_scenes if wanted.preview != "none" else 0,
        wanted.stills,
    )


class _Work:
    """The work on one open video."""

    def __init__(self, job: Job, demuxer: Demuxer, give: Give, tell: Callable[[Told], None]) -> None:
        self._job, self._wanted, self._demuxer, self._give, self._tell = job, job.wanted, demuxer, give, tell
        self._end = time.monotonic() + job.limits.seconds
        self._bytes = 0
        self._lacking: list[str] = []

    def done(self, container: str) -> Told:
        """See `run`. `container`: what people call it."""
        wanted = self._wanted
        frame = poster.take(self._demuxer, wanted.position, fit.box(wanted), self._job.limits)
        self._hand_over(self._posters(frame))
        facts = self._facts(container, frame.picture)
        self._tell((facts, self._notes))
        if wanted.stills:
            with self._noting("stills"):
                self._hand_over(self._stills())
            self._tell((facts, self._notes))
        if wanted.storyboard:
            with self._noting("storyboard"):
                board, made = self._storyboard()
                self._hand_over(made)
                facts = replace(facts, storyboard=board)
            self._tell((facts, self._notes))
        if wanted.preview != "none":
            with self._noting("preview"):
                self._hand_over([self._preview()])
        return facts, self._notes

    @property
    def _notes(self) -> tuple[str, ...]:
        return (*self._demuxer.notes, *self._lacking)

    def _facts(self, container: str, picture: Picture) -> VideoFacts:
        """Return what is known of the video, by its index and the frame that became its poster."""
        wanted, index = self._wanted, self._demuxer.index
        aspect = self._demuxer.stream.sample_aspect_ratio
        width, height = fit.displayed((index.width, index.height), float(aspect or 1), picture)
        return VideoFacts(
            container=container,
            codec=index.codec,
            width=width,
            height=height,
            coded_width=index.width,
            coded_height=index.height,
            seconds=round(index.duration, 3) if index.duration is not None else None,
            placeholder=_placeholder(opaque(picture, wanted.pad_colour)) if wanted.placeholder else None,
        )

    @contextmanager
    def _noting(self, kind: str) -> Iterator[None]:
        """Note what goes wrong: a video that has its poster already is not rejected for what else was asked for."""
        try:
            yield
        except ChannelClosed:
            raise
        except Rejected as rejected:
            self._lacking.append(f"it has no {kind}: {rejected.reason}")
        except MemoryError:
            self._lacking.append(f"it has no {kind}: making it takes more memory than there is; raise memorySize")
        except Exception as fault:
            self._lacking.append(f"it has no {kind}: {type(fault).__name__}: {fault}")

    def _hand_over(self, outputs: Iterable[tuple[Output, bytes]]) -> None:
        """Give all outputs of a kind, or none.

        Raises:
            Rejected: they would be too large together with those that were given.
        """
        made = list(outputs)
        sizes = [len(content) for _, content in made]
        if max(sizes) > LARGEST_CONTENT or self._bytes + sum(sizes) > LARGEST_OUTPUTS:
            raise Rejected(
                f"an output may have {LARGEST_CONTENT // MIB} MiB, and all together {LARGEST_OUTPUTS // MIB} MiB"
            )
        self._bytes += sum(sizes)
        for output, content in made:
            self._give(output, content)

    def _frames(self, runs: list[Run], box: Box) -> Iterator[Frame]:
        """Decode what is made besides the poster, in what is left of the time."""
        limits = self._job.limits
        left = self._end - time.monotonic()
        if left <= 0:
            raise Rejected(f"the {limits.seconds:.0f} s for decoding were over")
        return frames_of(self._demuxer, runs, box, replace(limits, seconds=left))

    def _posters(self, frame: Frame) -> Iterator[tuple[Output, bytes]]:
        for number, width in enumerate(self._wanted.widths):
            yield self._image("poster", number, fit.shaped(frame.picture, width, self._wanted), frame.seconds)

    def _stills(self) -> list[tuple[Output, bytes]]:
        wanted, index = replace(self._wanted, widths=self._wanted.widths[:1]), self._demuxer.index
        runs = self._demuxer.read(stills.plan(index, wanted.stills))
        candidates = list(self._frames(runs, Box(WIDTH, rough=True)))
        chosen = {candidates[number].seconds for number in stills.best(candidates, wanted.stills, index.duration or 0)}
        again = [
            replace(run, wanted={place: seconds for place, seconds in run.wanted.items() if seconds in chosen})
            for run in runs
        ]
        frames = list(self._frames([run for run in again if run.wanted], fit.box(wanted)))
        if len(frames) < wanted.stills:
            self._lacking.append(f"it has {len(frames)} of {wanted.stills} stills: it shows no more different frames")
        return [
            self._image("still", number, fit.shaped(frame.picture, wanted.widths[0], wanted), frame.seconds)
            for number, frame in enumerate(frames)
        ]

    def _storyboard(self) -> tuple[Storyboard, list[tuple[Output, bytes]]]:
        wanted, index = self._wanted, self._demuxer.index
        tiling = storyboard.tiling(index, wanted)
        choice = storyboard.choose(index, tiling.bounds, wanted.storyboard_budget)
        runs = self._demuxer.read(choice.plan)
        frames = list(self._frames(runs, Box(wanted.storyboard_width, sheet.SIDE)))
        numbers = storyboard.shown(choice, [frame.seconds for frame in frames])
        tiles = [frames[number].picture for number in numbers]
        if choice.beside:
            self._lacking.append(
                f"{choice.beside} of its {len(tiles)} tiles show the nearest keyframe, which is not of their part: "
                "their own frames would take more than storyboardBudget to read, or too much to decode"
            )
        board = sheet.arranged(tiling, tiles[0].size, wanted.storyboard_columns)
        made = [
            self._image("sheet", number, picture, board.bounds[board.on(number).start])
            for number, picture in enumerate(sheet.sheets(board, tiles, wanted.pad_colour))
        ]
        names = [sheet_name(self._job.stem, number, wanted.format) for number in range(board.sheets)]
        for kind, is_wanted, write in (
            ("cues", True, texts.vtt),
            ("tiles", wanted.storyboard_json, texts.mux),
            ("playlist", wanted.storyboard_playlist, texts.playlist),
        ):
            if is_wanted:
                made.append((Output(kind, 0, None, None, 0.0), write(board, names).encode()))
        return board, made

    def _preview(self) -> tuple[Output, bytes]:
        wanted = self._wanted
        chosen = preview.scenes(self._demuxer.index, wanted)
        runs = self._demuxer.read(chosen.plan)
        pictures: list[Picture] = []
        moments = []
        size = 0, 0
        for frame in self._frames(runs, Box(wanted.preview_width)):
            if not pictures:
                size = film.size_of(frame.picture.size, wanted.preview)
                _reject_too_large(size, sum(len(run.wanted) for run in runs), self._job.limits)
            pictures.append(opaque(fit.within(frame.picture, size, wanted.pad_colour), wanted.pad_colour))
            moments.append(frame.seconds)
        # Some decoders, such as that of Sorenson Video 3, give frames in their order and with each other's times.
        moments.sort()
        shown = preview.shown(chosen, moments)
        content = film.encode(
            [pictures[number] for number, _ in shown],
            [seconds for _, seconds in shown],
            wanted.preview,
            wanted.preview_rate,
        )
        return Output("preview", 0, *size, round(moments[shown[0][0]], 3)), content

    def _image(self, kind: str, number: int, picture: Picture, seconds: float) -> tuple[Output, bytes]:
        content = encode(picture, self._wanted.format, self._wanted.quality, self._wanted.pad_colour)
        return Output(kind, number, picture.width, picture.height, round(seconds, 3)), content


def _reject_too_large(size: tuple[int, int], frames: int, limits: Limits) -> None:
    """Reject a preview whose frames, at four bytes a pixel, would not fit into memory."""
    needed = 4 * size[0] * size[1] * frames
    if needed > limits.memory // 2:
        raise Rejected(
            f"its {frames} frames of {size[0]} by {size[1]} pixels take {needed // MIB} MiB of memory, more than the "
            f"{limits.memory // 2 // MIB} MiB that there are: raise memorySize, or lower previewWidth, previewRate or "
            "previewSeconds"
        )


def _placeholder(picture: Picture) -> str:
    """Return a BlurHash of four by three components, as its authors advise for pictures that are wider than high."""
    # Its waves stretch with the picture: of any shape, 32 pixels either way are enough for four of them.
    small = picture.convert("RGB").resize((32, 32))
    across, down = (4, 3) if picture.width >= picture.height else (3, 4)
    rows = [[small.getpixel((x, y)) for x in range(small.width)] for y in range(small.height)]
    return str(blurhash.encode(rows, across, down))
