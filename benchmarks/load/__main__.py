"""Uploads videos to the whole service in the emulated AWS as fast as they go, with hostile files, faults, events that
come twice and too late, and looks where every object ended. Writes docs/load.md and docs/load.svg.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.load.drive import LoadFailure
from benchmarks.load.plan import planned
from benchmarks.load.report import written
from benchmarks.load.run import run
from local import setup
from local.emulator import ROOT
from local.failure import LocalFailure

UPLOADS = 2000
ENVIRONMENTS = 4
"""Two a processor of a small machine: a job that waits for its client's next attempt uses none."""
SECONDS = 1200
"""Longest time of a run; one of 2,000 uploads takes some five minutes on two processors."""
FOLDER = ROOT / ".local" / "load"
DOCS = ROOT / "docs"
REQUIREMENTS = ROOT / "requirements-bench.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status: 1 where an object did not end as it must."""
    options = _options().parse_args(arguments)
    try:
        plan = planned(options.uploads, options.seed)
    except ValueError as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(FOLDER / "run", ignore_errors=True)
    try:
        result = run(plan, FOLDER / "run", options.environments, options.seconds, _say)
    except (LoadFailure, LocalFailure) as failure:
        print(f"\nload: {failure}", file=sys.stderr)
        return 1
    print(flush=True)
    command = f"python -m benchmarks.load --uploads {options.uploads} --seed {options.seed}"
    text = written(result, command)
    print(text)
    options.docs.mkdir(parents=True, exist_ok=True)
    (options.docs / "load.md").write_text(text)
    _plot([asdict(sample) for sample in result.samples], options.docs / "load.svg")
    for fault in result.faults:
        print(f"load: {fault}", file=sys.stderr)
    return 1 if result.faults else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--uploads", type=int, default=UPLOADS)
    parser.add_argument("--seed", type=int, default=1, help="another plan of the same size")
    parser.add_argument("--environments", type=int, default=ENVIRONMENTS, help="handlers that work at the same time")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="longest time to wait for the end")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where load.md and load.svg go")
    return parser


_last = 0.0


def _say(text: str) -> None:
    """One line that moves on a terminal; elsewhere a line every ten seconds."""
    global _last
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif time.monotonic() - _last > 10:
        _last = time.monotonic()
        print(text, flush=True)


def _plot(samples: list[dict[str, object]], path: Path) -> None:
    """In the benchmark's virtual environment, which has Matplotlib."""
    venv = ROOT / ".local" / "bench" / "venv"
    venv.parent.mkdir(parents=True, exist_ok=True)

    def make() -> None:
        setup.create_venv(venv)
        setup.install(venv, REQUIREMENTS)

    setup.made_anew(venv / "ready", REQUIREMENTS, make)
    figures = FOLDER / "samples.json"
    figures.write_text(json.dumps(samples))
    script = Path(__file__).with_name("plot.py")
    subprocess.run([str(venv / "bin" / "python"), str(script), str(figures), str(path)], check=True)


if __name__ == "__main__":
    sys.exit(main())
