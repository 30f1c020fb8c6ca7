"""Confinement: whatever a job does, the handler states what became of it, and nothing of the job is left.

The jobs here do to themselves what a hostile file does to a demuxer or a decoder.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.confinement import Allowance, JobFailed, run
from pipeline.outcome import Outcome, Rejected

MADE = Outcome("b", "k", "made", notes=("x",))
AMPLE = Allowance(seconds=20, memory=2**31)


@pytest.fixture(autouse=True)
def nothing_left(nothing_left_running: None) -> Iterator[None]:
    """After each job: no process below this one, no file descriptor more than before."""
    files = open_files()
    yield
    assert open_files() == files


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def pipes() -> set[int]:
    """The pipes that are open: a job has one more, for its answer."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found |= {int(entry.name)} if str(entry.readlink()).startswith("pipe:") else set()
        except FileNotFoundError:
            continue  # of the listing itself
    return found


def confined(job: Callable[[], object], allowance: Allowance = AMPLE) -> Outcome:
    def complete() -> Outcome:
        job()
        return MADE

    return run(complete, "b", "k", allowance)


def burn() -> None:
    while True:
        pass


def test_the_outcome_of_a_job_is_handed_on() -> None:
    assert confined(lambda: None) == MADE


def test_a_large_outcome_is_handed_on() -> None:
    # Larger than a pipe holds, so the answer must be read while it is written.
    large = Outcome("b", "k", "made", notes=tuple("x" * 1000 for _ in range(300)))
    assert run(lambda: large, "b", "k", AMPLE) == large


def test_a_job_works_in_another_process() -> None:
    changed = []
    confined(lambda: changed.append(1))
    assert changed == []


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT])
def test_a_crash_is_the_doing_of_the_file(number: signal.Signals) -> None:
    def crash() -> None:
        signal.signal(number, signal.SIG_DFL)  # pytest's own handler would print a traceback
        os.kill(os.getpid(), number)

    outcome = confined(crash)
    assert outcome.outcome == "rejected"
    assert number.name in outcome.reason
    assert (outcome.bucket, outcome.key) == ("b", "k")


def test_a_job_that_is_killed_from_outside_is_tried_again() -> None:
    with pytest.raises(JobFailed, match="s3://b/k: "):
        confined(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_a_job_that_ends_without_a_word_is_tried_again() -> None:
    with pytest.raises(JobFailed, match="s3://b/k: "):
        confined(lambda: os._exit(3))


def test_a_job_that_raises_is_tried_again_and_says_what_and_where() -> None:
    def fail() -> None:
        raise OSError("no space left")

    with pytest.raises(JobFailed, match=r"s3://b/k: OSError: no space left \(test_confinement\.py:\d+\)"):
        confined(fail)


def test_more_memory_than_allowed_is_the_doing_of_the_file() -> None:
    outcome = confined(lambda: bytearray(2**30), Allowance(seconds=20, memory=2**29))
    assert outcome.outcome == "rejected"
    assert "512 MiB of memory" in outcome.reason


def test_a_job_that_is_busy_past_its_deadline_is_rejected() -> None:
    began = time.monotonic()
    outcome = confined(burn, Allowance(seconds=1, memory=2**31))
    assert time.monotonic() - began < 3
    assert outcome.outcome == "rejected"
    assert "longer than 1 s" in outcome.reason


def test_a_busy_job_is_told_from_a_waiting_one_on_a_part_of_a_processor_too() -> None:
    # Lambda gives a function of 512 MB three tenths of a processor, and fewer to smaller ones.
    def crowded() -> None:
        core = {min(os.sched_getaffinity(0))}
        os.sched_setaffinity(0, core)
        for _ in range(3):
            if os.fork() == 0:
                burn()
        burn()

    assert confined(crowded, Allowance(seconds=1, memory=2**31)).outcome == "rejected"


def test_a_job_that_waits_past_its_deadline_is_tried_again() -> None:
    began = time.monotonic()
    with pytest.raises(JobFailed, match="time was up"):
        confined(lambda: time.sleep(30), Allowance(seconds=0.5, memory=2**31))
    assert time.monotonic() - began < 3


def test_a_job_that_will_not_be_ended_politely_is_killed() -> None:
    def stubborn() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        burn()

    assert confined(stubborn, Allowance(seconds=1, memory=2**31)).outcome == "rejected"


@pytest.mark.parametrize("waits", [True, False], ids=["with its parent waiting", "left behind by its parent"])
def test_a_grandchild_is_killed_too(waits: bool) -> None:
    # As FFmpeg is when the demuxing process hangs or dies.
    reader, writer = os.pipe()

    def fork() -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        os.write(writer, str(child.pid).encode())
        if waits:
            child.wait()

    try:
        confined(fork, Allowance(seconds=1.5, memory=2**31))
    except JobFailed:
        assert waits
    os.close(writer)
    pid = int(os.read(reader, 100))
    os.close(reader)
    deadline = time.monotonic() + 2
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        # A process that has ended and that nobody has asked after is alive no more, whatever /proc still lists.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"outcome"',
        b"{}",
        b'{"outcome": null}',
        b'{"outcome": {"bucket": "b"}}',
        b'{"outcome": {"bucket": "b", "key": "k", "outcome": "made", "extra": 1}}',
        b'{"rejected": {"not": "text"}}',
        b"\xff\xfe",
        b"x" * (3 * 2**20),
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_what_a_process_that_was_taken_over_sends_is_no_outcome(answer: bytes) -> None:
    mine = pipes()

    def forge() -> None:
        os.write(next(iter(pipes() - mine)), answer)
        os._exit(0)

    try:
        outcome = confined(forge, Allowance(seconds=5, memory=2**31))
    except JobFailed:
        return
    assert outcome.outcome == "rejected"
    assert isinstance(outcome.reason, str)


def test_an_answer_that_never_ends_is_cut_off() -> None:
    mine = pipes()

    def flood() -> None:
        pipe = next(iter(pipes() - mine))
        while True:
            os.write(pipe, b"x" * 65536)

    began = time.monotonic()
    with pytest.raises(JobFailed):
        confined(flood, Allowance(seconds=10, memory=2**31))
    assert time.monotonic() - began < 5


def test_the_limits_are_those_of_the_job_alone() -> None:
    before = [resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)]
    confined(lambda: None, Allowance(seconds=5, memory=2**30))
    assert [resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)] == before


def test_a_job_can_write_to_no_file(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="File too large"):
        confined(lambda: (tmp_path / "x").write_text("x"))


@pytest.mark.parametrize("kind", [resource.RLIMIT_DATA, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE])
def test_a_job_can_raise_its_limits_to_those_of_its_children_and_no_further(kind: int) -> None:
    allowance = Allowance(seconds=5, memory=2**29, memory_of_children=2**31)
    confined(lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31)), allowance)
    namespaces = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x10000000))"
    if os.getuid() == 0 and subprocess.run([sys.executable, "-c", namespaces], check=False).returncode:
        pytest.skip("root raises its limits as it likes, and this kernel allows no namespace in which it is nobody")
    with pytest.raises(JobFailed, match="not allowed to raise maximum limit"):
        confined(lambda: resource.setrlimit(kind, (2**32, 2**32)), allowance)


def test_a_job_can_settle_itself() -> None:
    def settle() -> Outcome:
        try:
            raise Rejected("so")
        except Rejected as rejected:
            return Outcome("b", "k", rejected.outcome, rejected.reason)

    assert run(settle, "b", "k", AMPLE).reason == "so"


def test_jobs_of_several_threads_do_not_disturb_each_other() -> None:
    found: list[Outcome] = []
    threads = [threading.Thread(target=lambda: found.append(confined(lambda: time.sleep(0.05)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [MADE] * 8
