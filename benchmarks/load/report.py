"""What a run has shown, as `docs/load.md`."""

import os
import platform
import textwrap
from pathlib import Path

from benchmarks.load.drive import UPLOADERS
from benchmarks.load.handlers import EVERY, Drift
from benchmarks.load.run import FLAT_DESCRIPTORS, FLAT_MEMORY, FLAT_MIB, Result

INTRODUCTION = """\
the stack of this repository in the emulated AWS, its function as processes, and {uploaders} clients that upload tiny
videos as fast as they go. What stands between the function and S3 lets some requests fail. Every video shows a number
of its own, so that its picture tells which bytes it was made of."""

STATES = """\
Pictures are looked for in the bucket, failures in the queue, rejected and skipped files in the log. An object in two
states, or in none (`lost`), would be a row of its own. A picture counts when it shows the number of the newest bytes of
its video."""

ORDER = """\
Half of the events that are sent twice come again at once, the other half when all uploads are done; so do the events of
all overwritten videos. Of the overwritings, one half follows its first version at once, the other any time later."""

FLATNESS = """\
Sampled every {every} s; medians of the second fifth of the run, when a handler is warm, and of the last. Flat is:
resident memory grows by at most {memory:.0%} or {mib:.0f} MiB, the median of open files by at most {descriptors}. RSS
counts a page whole that a forked job shares, PSS in part. Between the two medians a handler grew by {each:+.1f} KiB for
each of its invocations."""

BETWEEN = 0.6
"""Share of the run that lies between the middles of its second fifth and of its last."""

LIMITS = """\
The emulated AWS and the processors, not the function alone: MiniStack is one Python process, has no asynchronous queue
but a thread for every event that waits, and counts a throttled event as a failed attempt, which Lambda does not; so its
limit (`LAMBDA_ACCOUNT_CONCURRENCY`) is lifted here. It tries a failed event again after 1 and 2 seconds
(`LAMBDA_ASYNC_RETRY_BASE_SECONDS`), Lambda after 1 and 2 minutes. How long bursts take on AWS: [burst.md](burst.md)."""


def written(result: Result, command: str) -> str:
    """Return the whole page."""
    rate = result.deliveries / result.times.settled
    states = result.with_faults.states.keys() | result.redriven.states.keys()
    flatness = FLATNESS.format(
        every=EVERY, memory=FLAT_MEMORY, mib=FLAT_MIB, descriptors=FLAT_DESCRIPTORS, each=growth(result)
    )
    lines = [
        "# Load",
        "",
        _filled(f"`make load` (`{command}`): {INTRODUCTION.format(uploaders=UPLOADERS)}"),
        "",
        _filled(f"Measured on {_machine()}, while others worked on it."),
        "",
        "## Where every object ended",
        "",
        "Every object ended as it must." if not result.faults else "Not everything is as it must be:",
        "",
        *(f"- {fault}" for fault in result.faults),
        *([""] if result.faults else []),
        "| final state | objects, while the faults last | after lifting them and `python -m operate redrive --all` |",
        "| --- | ---: | ---: |",
        *(
            f"| {state} | {result.with_faults.states.get(state, 0):,} | {result.redriven.states.get(state, 0):,} |"
            for state in sorted(states)
        ),
        "",
        _filled(STATES),
        "",
        "| | |",
        "| --- | ---: |",
        f"| uploads | {result.uploads:,} |",
        f"| events sent a second time, as copies with S3's own sequencer | {result.repeated:,} |",
        f"| events in all | {result.deliveries:,} |",
        f"| requests that were made to fail | {result.injected:,} |",
        f"| invocations, and those of them that failed | {result.attempts:,}, {result.failed_attempts:,} |",
        f"| uploads done after | {result.times.uploaded:,.1f} s |",
        f"| last event done with after | {result.times.settled:,.1f} s ({rate:.1f} events a second) |",
        f"| warm handlers, and those that had to be replaced | {result.environments}, {result.restarted} |",
        "",
        "## What was uploaded",
        "",
        "| kind | uploads |",
        "| --- | ---: |",
        *(f"| {kind} | {count:,} |" for kind, count in result.kinds.items()),
        "",
        _filled(ORDER),
        "",
        "## Memory and open files of the warm handlers",
        "",
        "![Memory and open files of the warm handlers over the run](load.svg)",
        "",
        _filled(flatness),
        "",
        "| handler | RSS, MiB | PSS, MiB | open files | most open files |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(_row(number, drift) for number, drift in enumerate(result.drifts, 1)),
        "",
        "## What limits the run",
        "",
        _filled(LIMITS),
        "",
    ]
    return "\n".join(lines)


def growth(result: Result) -> float:
    """KiB of resident memory that a handler gained for each of its invocations, once it was warm."""
    if not result.drifts:
        return 0.0
    gained = sum(drift.rss_after - drift.rss_before for drift in result.drifts) / len(result.drifts)
    return gained * 1024 / (BETWEEN * result.attempts / result.environments)


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _row(number: int, drift: Drift) -> str:
    pairs = (
        (drift.rss_before, drift.rss_after),
        (drift.pss_before, drift.pss_after),
        (drift.descriptors_before, drift.descriptors_after),
    )
    cells = [f"{before:.1f} → {after:.1f}" for before, after in pairs]
    return f"| {number} | {' | '.join(cells)} | {drift.descriptors_most} |"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} processors ({model}) with {memory:.0f} GiB of memory, Python {platform.python_version()}"
