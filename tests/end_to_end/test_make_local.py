"""`make local ONCE=1`, by the command that it runs: both samples get their pictures, and nothing is left running."""

import re
import shutil
import sys
import threading
import time
from pathlib import Path

from local.emulator import ROOT
from local.processes import descendants, free_port, listening, running

SECONDS = 120


def test_one_command_shows_the_pictures_of_both_samples_and_leaves_nothing_running(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "local", "--once", "--runtime", "processes", "--port", str(port)]
    seen: set[tuple[int, str]] = set()
    output = tmp_path / "output"
    try:
        with output.open("wb") as file, running(command, env=_environment(), cwd=ROOT, output=file) as process:
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            while process.poll() is None:
                seen |= {(pid, started) for pid in descendants(process.pid) if (started := _started(pid))}
                time.sleep(0.1)
            timer.cancel()
            left = [pid for pid, started in seen if _started(pid) == started]
        text = output.read_text()
    finally:
        # Each port has a folder of its own for its logs.
        shutil.rmtree(ROOT / ".local" / "run" / str(port), ignore_errors=True)

    assert process.returncode == 0, text
    for sample in ("fade-in", "mandelbrot"):
        row = rf"^samples/{sample}\.mp4 +made +samples/{sample}\.jpg +640x360 "
        assert re.search(row, text, re.MULTILINE), text
    assert len(seen) >= 3, "the emulator and two environments of the function were running"
    assert left == []
    assert not listening(port)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}


def _started(pid: int) -> str:
    """When a process was started, which tells it from a later one of the same number; empty where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
