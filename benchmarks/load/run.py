"""One run from its first upload to its verdict."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import handlers
from benchmarks.load.checks import Verdict, look, verdict
from benchmarks.load.drive import LoadFailure, Repeater, Times, upload_all, wait
from benchmarks.load.handlers import Drift, Sample
from benchmarks.load.plan import Plan
from benchmarks.load.service import Service, service
from local.emulator import CREDENTIALS, ROOT

LOG_SECONDS = 30
"""Longest wait for the last lines of the function on their way into the log group."""
FLAT_MEMORY = 0.05
"""Growth of a handler's resident memory from the second fifth of the run to its last that counts as none, ..."""
FLAT_MIB = 4.0
"""... or so many MiB, whichever is more: the allocator's own breath."""
FLAT_DESCRIPTORS = 1
"""Open files that the median may differ by: the pipe of a job that is under way."""


@dataclass(frozen=True)
class Result:
    """All that a run has shown."""

    uploads: int
    deliveries: int
    kinds: dict[str, int]
    environments: int
    times: Times
    injected: int
    """Requests that went wrong by the S3 stand-in's doing."""
    attempts: int
    """Invocations of the function, those that failed among them."""
    failed_attempts: int
    repeated: int
    """Events sent a second time."""
    with_faults: Verdict
    """While the faults last."""
    redriven: Verdict
    """After they were lifted, and the failure queue redriven."""
    redrive_said: str
    drifts: tuple[Drift, ...]
    samples: tuple[Sample, ...]
    restarted: int
    """Handlers that took the place of one that had ended."""

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it must be."""
        found = [f"with faults: {line}" for line in self.with_faults.faults]
        found += [f"after the redrive: {line}" for line in self.redriven.faults]
        if self.restarted:
            found.append(f"{self.restarted} handlers ended during the run")
        for drift in self.drifts:
            if drift.rss_after - drift.rss_before > max(FLAT_MIB, FLAT_MEMORY * drift.rss_before):
                found.append(f"handler {drift.pid} grew from {drift.rss_before:.1f} to {drift.rss_after:.1f} MiB")
            if drift.descriptors_after - drift.descriptors_before > FLAT_DESCRIPTORS:
                found.append(
                    f"handler {drift.pid} held {drift.descriptors_before:.0f} open files, "
                    f"then {drift.descriptors_after:.0f}"
                )
        return found


def run(plan: Plan, folder: Path, environments: int, seconds: float, say: Callable[[str], None]) -> Result:
    """Run `plan`; `say` is told how far it has come, a line that takes the place of the one before.

    Raises:
        LoadFailure: it took longer than `seconds`, or what was sent a second time did not come through.
    """
    others = handlers.handlers()
    with service(folder, environments) as up:
        up.s3.fail(*plan.faults)
        began = time.monotonic()

        def answered() -> int:
            return sum(outcome.settled for outcome in up.outcomes.since(0))

        def progress(settled: int, failed: int) -> None:
            say(f"{settled:,} of {plan.deliveries:,} events answered, {failed} failed for good")

        with handlers.sampled(answered, others) as samples:
            repeater = Repeater(up, plan)
            upload_all(up, plan)
            uploaded = time.monotonic() - began
            say(f"{len(plan.puts):,} uploads done after {uploaded:.1f} s")
            repeater.finish()
            if repeater.sent != plan.deliveries - len(plan.puts):
                raise LoadFailure(
                    f"{repeater.sent} events were sent again, not {plan.deliveries - len(plan.puts)}: the tap gave "
                    f"{repeater.seen} of {len(plan.puts)} events; see {folder / 'emulator.log'}"
                )
            wait(up, plan.settled, plan.deliveries - plan.settled, seconds, progress)
            settled = time.monotonic() - began
        attempts = up.outcomes.since(0)
        with_faults = _judged(up, plan, redriven=False)
        say("faults lifted, redriving the failure queue")
        injected = up.s3.injected()
        up.s3.fail()
        said = _redrive(up)
        wait(up, plan.deliveries, 0, seconds, progress)
        redriven = _judged(up, plan, redriven=True)
        pids = {sample.pid for sample in samples}
        return Result(
            uploads=len(plan.puts),
            deliveries=plan.deliveries,
            kinds=_kinds(plan),
            environments=environments,
            times=Times(round(uploaded, 1), round(settled, 1)),
            injected=injected,
            attempts=len(attempts),
            failed_attempts=sum(not outcome.settled for outcome in attempts),
            repeated=repeater.sent,
            with_faults=with_faults,
            redriven=redriven,
            redrive_said=said,
            drifts=tuple(handlers.drifts(samples)),
            samples=tuple(samples),
            restarted=max(0, len(pids) - environments),
        )


def _judged(up: Service, plan: Plan, redriven: bool) -> Verdict:
    # The log comes in behind the answers: what is stated as rejected may be on its way.
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        found = verdict(plan, look(up), redriven)
        if not found.faults or time.monotonic() > deadline:
            return found
        time.sleep(1)


def _redrive(up: Service) -> str:
    """Return what a person would do: `python -m operate redrive --all`."""
    command = [sys.executable, "-m", "operate", "redrive", "--queue", up.registered.queue_url]
    done = subprocess.run(
        [*command, "--function", up.registered.function.name, "--all"],
        cwd=ROOT,
        env={**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": up.emulator.endpoint},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise LoadFailure(f"redriving the failure queue failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def _kinds(plan: Plan) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for put in plan.puts:
        kinds[put.kind] = kinds.get(put.kind, 0) + 1
    return dict(sorted(kinds.items()))
