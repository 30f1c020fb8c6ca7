"""Measures the handler beside the ways that others take, and writes `docs/benchmark.md` and its plots.

Run by `make bench`, or `python -m benchmarks --quick` for all but the two-hour videos.
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks import containers, report, videos
from benchmarks.cases import Bench, Case, Group, groups
from benchmarks.figures import Figures, Run, of_runs
from benchmarks.limits import Measured
from benchmarks.measure import BenchFailure, processors, running_on, sampled
from benchmarks.videos import LARGE, Videos, VideosFailure
from benchmarks.ways import ROOT
from local import setup
from local.failure import LocalFailure
from standin_s3.content import File
from standin_s3.process import NotStarted, started
from standin_s3.s3 import S3

FOLDER = ROOT / ".local" / "bench"
DOCS = ROOT / "docs"
REQUIREMENTS = ROOT / "requirements-bench.txt"
CAT = ROOT.parent / "shared" / "data" / "cat.mp4"
"""The reference video; what needs it is left out where it is not."""
WARM = 5.0
"""Seconds. A function that has not done this work for longer does it a few times before it is measured: it closes
connections that it has not used for a while, and another way's run may take minutes."""
FIRST_FEW = 3
"""Calls after which a function has as many connections as it ever uses at once: late requests take more of them."""
LONG = 10.0
"""Seconds. A run that takes longer is not repeated for the sake of memory alone: sampling cannot change its time."""


def main() -> None:
    """Read the options, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"leave the videos of {LARGE} out")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where videos are kept (15 GB, with --quick 1.3)")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the report goes")
    parser.add_argument("--only", default="", help="measure only groups with this in their name, and print the figures")
    parser.add_argument("--repeats", type=int, help="of each way; by default as many as the report is made of")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    python = _environment(folder)
    made = videos.make(folder / "videos", options.quick, CAT)
    results = _measure(folder, made, python.parent / "aws", options.only, options.repeats)
    if options.only:
        return
    figures = folder / "figures.json"
    figures.write_text(json.dumps([asdict(result) for result in results], indent=1))
    measured = Measured(tuple(results), containers.measure(folder, 5), made, options.quick)
    options.docs.mkdir(exist_ok=True)
    (options.docs / "benchmark.md").write_text(report.written(measured))
    subprocess.run([str(python), "-m", "benchmarks.plots", str(figures), str(options.docs)], cwd=ROOT, check=True)
    print(f"{options.docs / 'benchmark.md'}: written after {(time.monotonic() - began) / 60:.0f} minutes", flush=True)


def _environment(folder: Path) -> Path:
    """Return the Python of an environment with the AWS CLI, which pins another botocore than the image, and
    Matplotlib."""
    venv = folder / "venv"

    def make() -> None:
        print(f"setting up {venv}: AWS CLI and Matplotlib", flush=True)
        setup.create_venv(venv)
        setup.install(venv, REQUIREMENTS)

    setup.made_anew(venv / "ready", REQUIREMENTS, make)
    return venv / "bin" / "python"


def _measure(folder: Path, made: Videos, aws: Path, only: str, repeats: int | None) -> list[Figures]:
    available = processors()
    results: list[Figures] = []
    with running_on(available[0]), ExitStack() as stack:
        tls, plain = (stack.enter_context(started(tls=tls, processors=available[-1:])) for tls in (True, False))
        bench = Bench(tls, plain, aws, folder, available[:2], stack)
        chosen = [group for group in groups(made) if only in group.name]
        for number, group in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {group.name}", flush=True)
            try:
                results += _group(bench, group, repeats or group.repeats)
            except BenchFailure as failure:
                # What cannot be measured here costs its own rows; the page says that they are not there.
                print(f"  not measured: {failure}", file=sys.stderr, flush=True)
    return results


def _group(bench: Bench, group: Group, repeats: int) -> list[Figures]:
    """Run the cases of a group in turn, after a warm-up in which memory is sampled."""
    for s3 in (bench.tls, bench.plain):
        s3.set_pace(group.pace)
    cases = group.cases(bench)
    runs: list[list[Run]] = [[] for _ in cases]
    peaks, left = [0] * len(cases), [repeats] * len(cases)
    for place, case in enumerate(cases):
        for _ in range(2):
            with sampled(case.way.roots) as peak:
                run = _run(case)
            peaks[place] = max(peaks[place], peak.bytes)
            if run.wall > LONG:
                runs[place].append(run)
                left[place] -= 1
                break
    for turn in range(repeats):
        for place, case in enumerate(cases):
            if turn < left[place]:
                runs[place].append(_run(case))
    results = []
    for place, case in enumerate(cases):
        made = of_runs(group.name, case.way.name, case.path.stat().st_size, runs[place], peaks[place])
        print(f"  {made.line()}", flush=True)
        results.append(made)
    return results


def _run(case: Case) -> Run:
    s3, way, key = case.way.s3, case.way, case.key or case.path.name
    if way.idle(key) > WARM:
        for _ in range(FIRST_FEW):
            way.run(_uploaded(s3, case, key))
    record = _uploaded(s3, case, key)
    s3.clear()
    before, began = way.cpu(), time.monotonic()
    way.run(record)
    wall = time.monotonic() - began
    return Run(wall, way.cpu() - before, s3.counted(), way.note())


_records: dict[tuple[str, str], dict[str, object]] = {}


def _uploaded(s3: S3, case: Case, key: str) -> dict[str, object]:
    """Return the event of the video: a new one each time, without outputs of earlier ones, unless these are to be
    kept."""
    known = _records.get((s3.url(), key))
    if case.keep and known is not None:
        return known
    s3.remove(*s3.stored())
    return (
        _records.setdefault((s3.url(), key), s3.put(key, File(case.path)))
        if case.keep
        else s3.put(key, File(case.path))
    )


if __name__ == "__main__":
    try:
        main()
    except (BenchFailure, VideosFailure, LocalFailure, NotStarted, setup.SetupFailure) as failure:
        sys.exit(f"benchmark: {failure}")
    except KeyboardInterrupt:
        sys.exit("benchmark: interrupted; the videos made so far are kept")
