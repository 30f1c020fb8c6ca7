"""A mutation fuzzer for the whole function: `python -m tests.hostile.fuzz --mutants N --seconds S`.

Each mutant is put into the store and its event is handed to a warm handler: the fork, the demuxer, FFmpeg, botocore and
the requests over loopback are the real ones. What must hold is said by `fault_of`, once for each mutant.
"""

import argparse
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from standin_s3.process import started
from standin_s3.s3 import S3

from .mutate import Mutant, mutant
from .seeds import make_all
from .warm import Answer, Gone, Warm

JOB_SECONDS = 10
MEMORY = 1024
"""MiB."""
SLACK = 2.0
"""Seconds over `JOB_SECONDS` in which the handler must have killed a job and stated its outcome."""
OUTCOMES = {"made", "skipped", "rejected"}
_WARMING = 20
"""Calls until the handler has all files open that it will ever keep."""
_GROWTH = 8 * 2**20
"""Bytes that its memory may grow by over the last half of its calls: by the allocator, not by a leak of every call.
Over the first thousand the threads that send its requests come up one by one, which is no leak either."""


@dataclass
class Report:
    """What a run came to."""

    seconds: float = 0.0
    mutants: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Outcome and reason, numbers as N."""
    seeds: Counter[str] = field(default_factory=Counter)
    ranged: int = 0
    """Mutants that were not read whole by one request."""
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    largest_job: int = 0
    """Bytes."""
    growth: int = 0
    """Bytes: the most that the memory of a handler grew by over the last half of its calls."""

    def lines(self) -> list[str]:
        """As a table in Markdown."""
        rate = self.mutants / max(self.seconds, 0.001)
        return [
            f"{self.mutants} mutants in {self.seconds:.0f} s ({rate:.1f} a second), {self.ranged} read by ranges;"
            f" {len(self.faults)} faults;"
            f" slowest {self.slowest:.2f} s; largest process {self.largest_job / 2**20:.0f} MiB;"
            f" growth of a handler {self.growth / 2**20:.1f} MiB",
            "",
            "| mutants | outcome and reason |",
            "| ---: | --- |",
            *(f"| {count} | {reason} |" for reason, count in self.reasons.most_common()),
        ]


def fault_of(made: Mutant, answer: Answer) -> str:
    """Return what is wrong with an answer; empty if nothing is."""
    if answer.outcome not in OUTCOMES:
        return f"no stated outcome: {answer.reason}"
    if answer.outcome != "made" and not answer.reason:
        return "no reason"
    if answer.seconds > JOB_SECONDS + SLACK:
        return f"took {answer.seconds:.1f} s"
    if answer.children:
        return "left a process behind"
    if answer.largest_job > MEMORY * 2**20:
        return f"a process of {answer.largest_job / 2**20:.0f} MiB"
    return ""


class _Run:
    """Workers that share the numbers of the mutants and one report."""

    def __init__(self, mutants: int, seconds: float, start: int, folder: Path, store: S3) -> None:
        self.report = Report()
        self._seeds: Mapping[str, bytes] = make_all()
        self._numbers = iter(range(start, start + mutants))
        self._began = time.monotonic()
        self._seconds, self._folder, self._store = seconds, folder, store
        self._lock = threading.Lock()

    def work(self, worker: int) -> None:
        """Take numbers until there are none or time is up."""
        handler = self._new(worker, 0)
        fds, resident = 0, list[int]()
        try:
            while (made := self._next()) is not None:
                try:
                    answer = self._try(handler, made)
                except Gone as gone:
                    self._found(made, f"crash of the handler: {gone}")
                    handler.close()
                    self._grew(resident)
                    handler, resident = self._new(worker, made.number), []
                    continue
                resident.append(answer.resident)
                if len(resident) == _WARMING:
                    fds = answer.fds
                self._enter(made, answer)
                if len(resident) > _WARMING and answer.fds > fds:
                    self._found(made, f"the handler has {answer.fds} files open, and had {fds}")
                    fds = answer.fds
            self._grew(resident)
        finally:
            handler.close()

    def _grew(self, resident: Sequence[int]) -> None:
        """Enter how much a handler grew, by its bytes of memory after each call."""
        growth = max(resident) - max(resident[: len(resident) // 2 + 1]) if resident else 0
        with self._lock:
            self.report.growth = max(self.report.growth, growth)
            if growth > _GROWTH:
                self.report.faults.append(f"a handler grew by {growth / 2**20:.1f} MiB over the last half of its calls")

    def finish(self) -> Report:
        """Return the report; to be called when all workers are done."""
        self.report.seconds = time.monotonic() - self._began
        return self.report

    def _new(self, worker: int, number: int) -> Warm:
        folder = self._folder / f"{worker}-{number}"
        return Warm(self._store.url(), folder, job_seconds=JOB_SECONDS, memory=MEMORY)

    def _next(self) -> Mutant | None:
        with self._lock:
            number = next(self._numbers, None)
        if number is None or time.monotonic() - self._began > self._seconds:
            return None
        return mutant(number, self._seeds)

    def _try(self, handler: Warm, made: Mutant) -> Answer:
        key = f"{made.number}.mp4"
        record = self._store.put(key, made.content)
        try:
            settings = {"job_seconds": JOB_SECONDS, "memory": MEMORY, **made.settings}
            return handler.call(record, settings=settings, block=made.block)
        finally:
            self._store.remove(key, f"{made.number}.jpg")

    def _enter(self, made: Mutant, answer: Answer) -> None:
        with self._lock:
            report = self.report
            report.mutants += 1
            report.outcomes[answer.outcome] += 1
            report.reasons[f"{answer.outcome}: {re.sub(r'[0-9]+', 'N', answer.reason)}".rstrip(": ")] += 1
            report.seeds[made.seed] += 1
            report.ranged += not answer.raised and answer.outcomes[0]["read"]["requests"] > 1
            report.slowest = max(report.slowest, answer.seconds)
            report.largest_job = max(report.largest_job, answer.largest_job)
            fault = fault_of(made, answer)
        if fault:
            self._found(made, fault)

    def _found(self, made: Mutant, fault: str) -> None:
        with self._lock:
            about = f"mutant {made.number} ({made.seed}; {', '.join(made.mutations)}; {made.settings}; {made.block})"
            self.report.faults.append(f"{about}: {fault}")
            print(self.report.faults[-1], file=sys.stderr, flush=True)


def run(mutants: int, seconds: float, start: int = 0, workers: int = 2, progress: bool = False) -> Report:
    """Try the mutants with the numbers from `start` on, until there are enough or time is up."""
    with tempfile.TemporaryDirectory() as folder, started() as store:
        fuzzing = _Run(mutants, seconds, start, Path(folder), store)
        threads = [threading.Thread(target=fuzzing.work, args=(number,)) for number in range(workers)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(5)
            threads[-1].join(5)
            if progress:
                report = fuzzing.finish()
                print(
                    f"{report.seconds:5.0f} s  {report.mutants} mutants  {dict(report.outcomes)}"
                    f"  {len(report.faults)} faults",
                    flush=True,
                )
        return fuzzing.finish()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=600.0, help="ends after these, whatever is left")
    parser.add_argument("--start", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    report = run(options.mutants, options.seconds, options.start, options.workers, progress=True)
    print("\n".join(report.lines()))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
