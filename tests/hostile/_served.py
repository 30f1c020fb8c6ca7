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
from typing import Any


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
    """What a call may not leave behind, and the largest process that a job has had so far."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {
        "fds": len(list(Path("/proc/self/fd").iterdir())),
        "resident": resident,
        "children": len(children),
        "largest_job": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }


def _small_blocks(size: int) -> None:
    """Makes the ways of large objects usable with small ones: what is fetched whole, and of either end."""
    from pipeline import layout, source

    source.WHOLE, source.EDGE = size, max(64, size // 8)
    source.PART, source.BLOCK, source.GAP = size, max(64, size // 4), 64
    vars(layout).update(EDGE=source.EDGE, HOP=max(64, size // 4))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.set_inheritable(answers.fileno(), False)
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    import handler
    from pipeline import settings

    first = settings.read(os.environ)
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        handler.SETTINGS = settings.read({**os.environ, **asked["settings"]}) if asked["settings"] else first
        if asked["block"]:
            _small_blocks(asked["block"])
        began = time.monotonic()
        answer: dict[str, Any] = {}
        try:
            answer["said"] = handler.handler(asked["event"], Context(asked["seconds"]))
        except Exception as fault:
            answer["raised"], answer["message"] = type(fault).__name__, str(fault)
        answer["seconds"] = time.monotonic() - began
        sys.stdout.flush()
        gc.collect()
        print(json.dumps({**answer, **_state()}), file=answers)


if __name__ == "__main__":
    main()
