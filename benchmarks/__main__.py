"""Measures the handler beside the ways that others take, and writes `docs/benchmark.md` and its plots.

Run by `make bench`, or `python -m benchmarks --quick` for all but the two-hour videos.
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import containers, report, videos
from benchmarks.figures import Figures, Run, of_runs
from benchmarks.measure import BenchFailure, sampled
from benchmarks.videos import LARGE, Made, VideosFailure
from benchmarks.ways import ROOT, Function, Store, Tools, Way, function, handler_way, outputs, store, tool_way
from local import setup
from local.failure import LocalFailure

FOLDER = ROOT / ".local" / "bench"
DOCS = ROOT / "docs"
REQUIREMENTS = ROOT / "requirements-bench.txt"
CAT = ROOT.parent / "shared" / "data" / "cat.mp4"
"""The reference video, of github.com/pulumi/examples; what needs it is left out where it is not."""
LONG = 10.0
"""Seconds. A run that takes longer is not repeated for the sake of memory alone: sampling cannot change its time."""


@dataclass(frozen=True)
class Case:
    """One way, one video."""

    way: Way
    path: Path
    keep: bool = False
    """Whether what an earlier run wrote stays there: the handler then finds nothing to do."""


def main() -> None:
    """Reads the options, measures, writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"leave the videos of {LARGE} out")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where videos are kept (15 GB, with --quick 1.1)")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the report goes")
    parser.add_argument("--only", default="", help="measure only groups with this in their name, and print the figures")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    python = _environment(folder)
    made = videos.make(folder / "videos", options.quick)
    results = _measure(folder, made, videos.make_8k(folder / "videos"), python.parent / "aws", options.only)
    if options.only:
        return
    figures = folder / "figures.json"
    figures.write_text(json.dumps([asdict(result) for result in results], indent=1))
    image = containers.measure(folder, 5)
    measured = report.Measured(tuple(results), image, tuple(made), CAT.exists(), options.quick)
    options.docs.mkdir(exist_ok=True)
    (options.docs / "benchmark.md").write_text(report.written(measured))
    subprocess.run([str(python), "-m", "benchmarks.plots", str(figures), str(options.docs)], cwd=ROOT, check=True)
    print(f"{options.docs / 'benchmark.md'}: written after {(time.monotonic() - began) / 60:.0f} minutes", flush=True)


def _environment(folder: Path) -> Path:
    """The Python of an environment with the AWS CLI, which pins another botocore than the image, and Matplotlib."""
    venv = folder / "venv"

    def make() -> None:
        print(f"setting up {venv}: AWS CLI and Matplotlib", flush=True)
        setup.create_venv(venv)
        setup.pip(venv, "install", "--requirement", str(REQUIREMENTS))

    setup.made_anew(venv / "ready", [REQUIREMENTS], make)
    return venv / "bin" / "python"


def _measure(folder: Path, made: list[Made], eights: list[Path], aws: Path, only: str) -> list[Figures]:
    served = folder / "served"
    served.mkdir(exist_ok=True)
    for old in served.iterdir():
        old.unlink()
    names = {path.name: path for path in [*eights, *([CAT] if CAT.exists() else []), *(each.path for each in made)]}
    for each in made:
        names[_at_exact(each).name] = each.path
    for name, path in names.items():
        (served / name).symlink_to(path)
    with ExitStack() as stack:
        kept = stack.enter_context(store(served))

        def started(position: str, handler: str = "handler.handler") -> Function:
            log = folder / f"function-{position.strip('%')}-{handler.rpartition('.')[0].replace('/', '-')}.log"
            return stack.enter_context(function(kept.url, position, log, handler))

        auto, tenth, engine = started("auto"), started("10%"), started("auto", "benchmarks/storyboard.handler")
        tools = Tools(kept.url, aws, folder)
        groups = _groups(served, made, eights, auto, tenth, engine, tools)
        results: list[Figures] = []
        for number, (name, cases, repeats) in enumerate(groups, 1):
            if only in name:
                print(f"[{number}/{len(groups)}] {name}", flush=True)
                results += _group(kept, name, cases, repeats)
    return results


def _groups(
    served: Path, made: list[Made], eights: list[Path], auto: Function, tenth: Function, engine: Function, tools: Tools
) -> list[tuple[str, list[Case], int]]:
    """What is measured in turn with what: (name, cases, repetitions)."""
    groups: list[tuple[str, list[Case], int]] = []
    if CAT.exists():
        groups.append(("cat", _posters(served / CAT.name, None, 1.9, auto, tenth, tools), 7))
        groups.append(("unchanged", [_unchanged(auto, served / CAT.name)], 15))
    for each in made:
        path = served / each.path.name
        if each.layout == "moov-last":
            cases = _posters(path, served / _at_exact(each).name, each.seconds, auto, tenth, tools)
        else:
            url = tool_way("URL 10%", tools, tools.seek_on_url(each.seconds / 10))
            cases = [Case(handler_way("auto", auto), path), Case(handler_way("10%", tenth), path), Case(url, path)]
        groups.append((f"{each.label} {each.layout}", cases, 3 if each.label == LARGE else 5))
    largest = max((each for each in made if each.layout == "moov-last"), key=lambda each: each.seconds)
    scan = tool_way("keyframe scan", tools, tools.keyframe_scan(largest.seconds))
    path = served / largest.path.name
    groups.append((f"{largest.label} storyboard", [Case(handler_way("storyboard", engine), path), Case(scan, path)], 3))
    groups += [(path.stem, [Case(handler_way("auto", auto), served / path.name)], 3) for path in eights]
    return groups


def _posters(
    path: Path, exact: Path | None, seconds: float, auto: Function, tenth: Function, tools: Tools
) -> list[Case]:
    cases = [
        Case(handler_way("auto", auto), path),
        Case(handler_way("10%", tenth), path),
        Case(tool_way("URL 10%", tools, tools.seek_on_url(seconds / 10)), path),
        Case(tool_way("download", tools, tools.download_and_seek(seconds / 10)), path),
    ]
    if tools.has_thumbnailer():
        cases.append(Case(tool_way("ffmpegthumbnailer", tools, tools.thumbnailer(10)), path))
    if exact is not None:
        cases.append(Case(handler_way("exact", auto), exact))
        cases.append(Case(tool_way("URL exact", tools, tools.seek_on_url(_exact_seconds(seconds))), exact))
    return cases


def _exact_seconds(seconds: float) -> int:
    """A moment near the middle of a video, half-way between two keyframes."""
    group = videos.GROUP_SECONDS
    return int(seconds / 2 // group * group + group / 2)


def _at_exact(made: Made) -> Path:
    """The video under a name that asks for that moment."""
    moment = _exact_seconds(made.seconds)
    clock = f"{moment // 3600:02}-{moment // 60 % 60:02}-{moment % 60:02}"
    return made.path.with_name(f"{made.path.stem}_{clock}.mp4")


def _unchanged(auto: Function, path: Path) -> Case:
    """The same event again and again: the warm-up makes the picture, the others find it."""
    way = handler_way("unchanged", auto)
    return Case(replace(way, run=lambda path: auto.call(path, ("made", "unchanged"), sequence=1)), path, keep=True)


def _group(kept: Store, name: str, cases: list[Case], repeats: int) -> list[Figures]:
    """Runs the cases in turn, `repeats` times after a warm-up that memory is sampled in."""
    runs: list[list[Run]] = [[] for _ in cases]
    peaks = [0] * len(cases)
    left = [repeats] * len(cases)
    for place, case in enumerate(cases):
        for _ in range(2):
            with sampled(case.way.roots) as peak:
                run = _run(kept, case)
            peaks[place] = max(peaks[place], peak.bytes)
            if run.wall > LONG:
                runs[place].append(run)
                left[place] -= 1
                break
    for turn in range(repeats):
        for place, case in enumerate(cases):
            if turn < left[place]:
                runs[place].append(_run(kept, case))
    results = []
    for place, case in enumerate(cases):
        made = of_runs(name, case.way.name, case.path.resolve().stat().st_size, runs[place], peaks[place])
        print(f"  {made.line()}", flush=True)
        results.append(made)
    return results


def _run(kept: Store, case: Case) -> Run:
    kept.prepare([] if case.keep else outputs(case.path))
    before, began = case.way.cpu(), time.monotonic()
    case.way.run(case.path)
    wall = time.monotonic() - began
    return Run(wall, case.way.cpu() - before, kept.counted(), case.way.note())


if __name__ == "__main__":
    try:
        main()
    except (BenchFailure, VideosFailure, LocalFailure, setup.SetupFailure) as failure:
        sys.exit(f"benchmark: {failure}")
    except KeyboardInterrupt:
        sys.exit("benchmark: interrupted; the videos made so far are kept")
