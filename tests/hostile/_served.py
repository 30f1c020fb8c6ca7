"""The process behind `warm.Warm`: imports the handler once, as Lambda does, and hands it one event a line.

It is no test itself. Events come on standard input as lines of JSON; answers go to the descriptor that was standard
output, and what the handler logs goes to the file that is named on the command line.
"""

import gc
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model import ReadPolicy


class Context:
    """What Lambda tells the function of a call, as far as the handler asks."""

    function_name = "thumbnailer"
    function_version = "1"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:thumbnailer"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._deadline - time.monotonic()) * 1000)


def _state() -> dict[str, int]:
    """Return what a call may not leave behind, and the largest process that a job has had so far."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    # The template of the workers stays, and so do the connections to S3.
    return {
        "fds": len([entry for entry in Path("/proc/self/fd").iterdir() if not _is_socket(entry)]),
        "resident": resident,
        "children": sum(len(_children(template)) for template in _children(os.getpid())),
    }


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_socket(entry: Path) -> bool:
    try:
        return str(entry.readlink()).startswith("socket:")
    except FileNotFoundError:
        return True  # That of the listing itself.


def _small_reads(size: int) -> "ReadPolicy":
    """Make the ways of large objects usable with small ones: what is fetched whole, of either end, and at once."""
    from model import ReadPolicy

    edge, block = max(64, size // 8), max(64, size // 4)
    return ReadPolicy(whole=size, edge=edge, tail=edge, part=size, gap=64, block=block, hop=block)


def _over(asked: dict[str, str]) -> dict[str, str]:
    """Return the environment of this process with other settings over its own."""
    held = {**json.loads(os.environ.get("THUMBNAILER", "{}")), **json.loads(asked.get("THUMBNAILER", "{}"))}
    return {**os.environ, **asked, "THUMBNAILER": json.dumps(held)}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.set_inheritable(answers.fileno(), False)
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    import handler
    from service import settings

    first, whole = settings.read(os.environ), handler.VIDEOS.policy
    largest = 0
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        handler.VIDEOS.settings = settings.read(_over(asked["settings"])) if asked["settings"] else first
        handler.VIDEOS.policy = _small_reads(asked["block"]) if asked["block"] else whole
        began = time.monotonic()
        answer: dict[str, Any] = {}
        try:
            answer["said"] = handler.handler(asked["event"], Context(asked["seconds"]))
        except Exception as fault:
            answer["raised"], answer["message"] = type(fault).__name__, str(fault)
        answer["seconds"] = time.monotonic() - began
        largest = max([largest, *(outcome["peak"] for outcome in answer.get("said", {}).get("outcomes", []))])
        sys.stdout.flush()
        gc.collect()
        print(json.dumps({**answer, **_state(), "largest_job": largest}), file=answers)


if __name__ == "__main__":
    main()
