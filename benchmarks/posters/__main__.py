"""Does `position: auto` take the frame that a person would? `make posters` answers with tables.

Each video is generated, and it is known by construction when it shows something worth a poster. A way is right when the
moment that it chose lies in such a time. `--video FILE` takes part of the scenes from a real video.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.posters import draw, ways
from benchmarks.posters.kinds import KINDS
from benchmarks.posters.videos import GOPS, HALVES, Case, Half, make, photographs
from worker.choose.score import WIDTH, best
from worker.decode.ffmpeg import Frame

REPORT = ways.ROOT / "docs" / "posters.md"
VIDEOS = {"tuning": 1, "held out": 1}
"""Of each kind, by half."""
MUST_REACH = 0.95


@dataclass(frozen=True)
class Verdict:
    """What a way chose of a video."""

    kind: str
    half: str
    gop: str
    way: str
    seconds: float
    right: bool


def judge(kind: str, half: Half, number: int, video: Path | None, keep: Path | None) -> list[Verdict]:
    """Make one video in all its arrangements of keyframes, and let every way choose; `keep`: where posters are kept."""
    with tempfile.TemporaryDirectory() as folder:
        case = make(kind, half, number, Path(folder), photographs(video))
        if keep:
            _keep(case, number, keep)
        return [
            Verdict(kind, half.name, gop, way, moment, case.is_good(moment)) for gop, way, moment in ways.choices(case)
        ]


def _keep(case: Case, number: int, folder: Path) -> None:
    for gop, path in case.paths.items():
        seconds, picture = ways.chosen(path)
        verdict = "right" if case.is_good(seconds) else "wrong"
        name = f"{verdict}, {case.kind}, {case.half} {number}, {gop}, {seconds:.1f} s.jpg"
        picture.convert("RGB").save(folder / name.replace("/", " "))


def evaluate(video: Path | None, keep: Path | None, kinds: Iterable[str]) -> list[Verdict]:
    """Return all verdicts, of every way on every video; as many at once as there are processors."""
    asked = [(kind, half, number) for kind in kinds for half in HALVES for number in range(VIDEOS[half.name])]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(judge, *one, video, keep) for one in asked]
        verdicts = []
        for (kind, half, number), future in zip(asked, waiting, strict=True):
            verdicts += future.result()
            print(f"{kind} ({half.name} {number + 1})", file=sys.stderr, flush=True)
        return verdicts


def scoring_seconds() -> float:
    """Processor time that judging twelve frames takes; the least of several runs."""
    chance = random.Random(1)
    scenes = [draw.SCENES[number % len(draw.SCENES)](chance) for number in range(12)]
    size = WIDTH, round(WIDTH * scenes[0].height / scenes[0].width)
    candidates = [Frame(float(n), scene.resize(size, Image.Resampling.BICUBIC)) for n, scene in enumerate(scenes)]
    times = []
    for _ in range(20):
        began = time.process_time()
        best(candidates)
        times.append(time.process_time() - began)
    return min(times)


def report(verdicts: Sequence[Verdict], seconds: float, real: bool) -> str:
    """Return the page of tables."""
    held = [each for each in verdicts if each.half == "held out"]
    lines = [
        "# Which frame `auto` takes",
        "",
        "Written by `make posters`; do not edit it by hand.",
        "",
        f"{len({each.kind for each in verdicts})} kinds of videos that people upload, generated"
        " (`benchmarks/posters/kinds.py`), so that it is known by construction which moments are worth a poster."
        " No frame of a dissolve or fade is, up to the last one before it is complete. Each video is encoded with"
        " keyframes at a fixed distance, with keyframes at cuts, and with a single keyframe at its start. A way is"
        " right if the moment that it chose is worth a poster."
        f" Scenes are drawn{', or cut out of a real video' if real else ''}.",
        "",
        "`auto` was adjusted on the tuning half alone. The other half has other contents, durations, order and frame"
        " rates, and was left alone until the end.",
        "",
        f"| videos | {' | '.join(ways.NAMES)} |",
        f"| --- |{' --- |' * len(ways.NAMES)}",
        _row("**all**", verdicts),
        *(_row(half.name, [each for each in verdicts if each.half == half.name]) for half in HALVES),
        *(_row(f"held out, keyframes {_called(gop)}", [e for e in held if e.gop == gop]) for gop in GOPS),
        "",
        f"Must be reached: right in {MUST_REACH:.0%}. Measured, on the half that was held out:"
        f" {_part(held, ways.OURS):.1%}, {'reached' if _part(held, ways.OURS) >= MUST_REACH else '**not reached**'}.",
        "",
        f"To judge twelve candidates takes {seconds * 1000:.0f} ms of a processor of this machine; the limit is 40 ms.",
        "",
        "* The middle is what Mux takes by default, 10% what many services do, the first frame that is not black what"
        " imgix does. `thumbnail` is FFmpeg's filter with its default of 100 frames. ffmpegthumbnailer is Debian's; it"
        " seeks to a keyframe near 10%.",
        "",
        "## By kind",
        "",
        f"| kind | {' | '.join(ways.NAMES)} |",
        f"| --- |{' --- |' * len(ways.NAMES)}",
        *(
            _row(kind, [each for each in verdicts if each.kind == kind], share=False)
            for kind in dict.fromkeys(each.kind for each in verdicts)
        ),
        "",
        "## What `auto` got wrong",
        "",
    ]
    wrong = [each for each in verdicts if each.way == ways.OURS and not each.right]
    lines += [f"* {e.kind} ({e.half}, keyframes {_called(e.gop)}): {e.seconds:.2f} s" for e in wrong] or ["Nothing."]
    return "\n".join([*lines, ""])


def _called(gop: str) -> str:
    return {"fixed": "at a fixed distance", "at cuts": "at cuts", "single": "only at the start"}[gop]


def _part(verdicts: Sequence[Verdict], way: str) -> float:
    its = [each.right for each in verdicts if each.way == way]
    return sum(its) / max(1, len(its))


def _row(label: str, verdicts: Sequence[Verdict], share: bool = True) -> str:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for each in verdicts:
        counts[each.way][0] += each.right
        counts[each.way][1] += 1
    cells = []
    for right, of in (counts[way] for way in ways.NAMES):
        cells.append(f"{right / of:.1%} ({right} of {of})" if share else f"{right} of {of}")
    return f"| {label} | {' | '.join(cells)} |"


def main() -> None:
    """Write the tables to `docs/posters.md`."""
    parser = argparse.ArgumentParser(prog="make posters", description=__doc__)
    parser.add_argument("--video", type=Path, help="a real video, of which part of the scenes are cut out")
    parser.add_argument("--keep", type=Path, help="a folder for the posters, to look at")
    parser.add_argument("--kind", action="append", help="only kinds that contain this text; nothing is written")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if not options.kind or any(part in kind for part in options.kind)]
    if not kinds:
        sys.exit("posters: there is no such kind; they are: " + "; ".join(KINDS))
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    seconds = scoring_seconds()
    text = report(evaluate(options.video, options.keep, kinds), seconds, options.video is not None)
    if not options.kind:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
