"""Faults of the handler's own machine, and answers of a job that was taken over by its file."""

import json
import os
import time
from pathlib import Path

import pytest

from pipeline import confinement
from pipeline.confinement import Allowance, JobFailed
from pipeline.outcome import Outcome

ALLOWANCE = Allowance(seconds=3, memory=2**30)
_MADE = Outcome("videos", "cat.mp4", "made")


def _pipes() -> dict[str, int]:
    """The pipes that this process has open, by name."""
    entries = [entry for entry in Path("/proc/self/fd").iterdir() if entry.exists()]
    return {name: int(entry.name) for entry in entries if (name := str(entry.readlink())).startswith("pipe:")}


def _answering(answer: bytes) -> Outcome:
    """What the handler makes of a job that writes these bytes itself and ends."""

    others = _pipes().keys()

    def taken_over() -> Outcome:
        [writer] = [descriptor for pipe, descriptor in _pipes().items() if pipe not in others]
        os.write(writer, answer)
        os._exit(0)

    return confinement.run(taken_over, "videos", "cat.mp4", ALLOWANCE)


FORGED = {
    "no JSON": b"made",
    "a number": b"5",
    "an outcome that is a number": b'{"outcome": 5}',
    "an outcome of nothing": b'{"outcome": {}}',
    "an outcome with strange fields": json.dumps({"outcome": {**_MADE.as_json(), "x": 1}}).encode(),
    "an outcome without images": json.dumps({"outcome": {**_MADE.as_json(), "images": None}}).encode(),
    "an outcome with strange images": json.dumps({"outcome": {**_MADE.as_json(), "images": [{"a": 1}]}}).encode(),
    "an outcome of no name": json.dumps({"outcome": {**_MADE.as_json(), "outcome": "thrown"}}).encode(),
    "an outcome of another object": json.dumps({"outcome": {**_MADE.as_json(), "key": "dog.mp4"}}).encode(),
    "figures that are texts": json.dumps({"outcome": {**_MADE.as_json(), "seconds": "long"}}).encode(),
    "endless nesting": b"[" * 200_000,
    "two megabytes": b'{"outcome": "' + b"x" * 2**21,
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_answer_is_a_failed_job_and_no_crash_of_the_handler(kind: str) -> None:
    with pytest.raises(JobFailed, match=r"s3://videos/cat\.mp4"):
        _answering(FORGED[kind])


def test_a_handler_that_cannot_fork_names_the_object_and_keeps_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_process)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(JobFailed, match=r"s3://videos/cat\.mp4"):
        confinement.run(lambda: _MADE, "videos", "cat.mp4", ALLOWANCE)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_job_that_runs_out_of_memory_anywhere_is_stated() -> None:
    def starts_ffmpeg() -> Outcome:
        raise OSError(12, "Cannot allocate memory")

    outcome = confinement.run(starts_ffmpeg, "videos", "cat.mp4", ALLOWANCE)
    assert outcome.outcome == "rejected"
    assert "memory" in outcome.reason


def test_a_job_whose_child_was_busy_all_the_time_took_too_long_and_did_not_wait_for_s3() -> None:
    def decodes() -> Outcome:
        # As FFmpeg does: a child that is at work when the deadline comes.
        if os.fork() == 0:
            while True:
                pass
        time.sleep(60)
        return _MADE

    outcome = confinement.run(decodes, "videos", "cat.mp4", ALLOWANCE)
    assert outcome.outcome == "rejected"
    assert "longer than 3 s" in outcome.reason
