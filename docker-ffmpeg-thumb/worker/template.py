"""The process that workers are forked from: `python -m worker.template DESCRIPTOR`.

The descriptor is a socket to the service. It takes `{"fork": limits}` with the socket of the new worker, and
`{"end": true}`, which ends the last worker with all that it started; both are answered. One worker lives at a time.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from PIL import Image

import isolation
from model import WRITTEN, WorkerLimits
from worker import process
from worker.decode import ffmpeg

_PR_SET_CHILD_SUBREAPER = 36
_ROOT = Path(__file__).resolve().parent.parent
_OPEN_FILES = 64
_IMPORTED_AT_USE = ("av.subtitles.stream", "PIL.AvifImagePlugin", "PIL.WebPImagePlugin")
"""What PyAV and Pillow import when they first need it, besides the formats of `Image.preinit`; a worker would do so for
each object."""
_STACK = 2**19
"""Bytes for the stack of a thread: stacks count as data, and the usual 8 MiB would be much of what is allowed."""


def main() -> NoReturn:
    """Serve until the service closes its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # FFmpeg outlives a worker that crashed. Where this is refused, such orphans are killed all the same, and the first
    # process of the container reaps them.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for name in _IMPORTED_AT_USE:
        importlib.import_module(name)
    Image.preinit()
    data = _data()
    measures = isolation.confine_template([_ROOT, ffmpeg.EXECUTABLE])
    control.send(json.dumps({"isolation": asdict(measures)}).encode())
    # What is here is never freed, and so its pages stay shared with every worker.
    gc.collect()
    gc.freeze()
    worker: int | None = None
    failed = ""
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        except ConnectionResetError:
            message = b""
        if not message:
            if worker is not None:
                _end(worker)
            os._exit(0)
        asked: dict[str, Any] = json.loads(message)
        if "fork" in asked:
            try:
                worker = os.fork()
            except OSError as fault:
                worker, failed = None, str(fault)
            if worker == 0:
                control.close()
                _work(descriptors[0], WorkerLimits(**asked["fork"]), data)
            for descriptor in descriptors:
                os.close(descriptor)
            # So that the service can end it where this process is killed.
            control.send(json.dumps({"forked": worker}).encode())
        else:
            ended = {"failed": failed} if worker is None else _end(worker)
            worker = None
            control.send(json.dumps({"ended": ended}).encode())


def _end(worker: int) -> dict[str, Any]:
    """Kill a worker and its children; return its wait status, its own where it had ended before, and what they used."""
    for kill in (os.killpg, os.kill):
        try:
            kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            continue  # The group is made by the worker itself, which may not have come so far.
    _, status, usage = os.wait4(worker, 0)
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
    try:
        while True:
            _, _, usage = os.wait4(-worker, 0)
            cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss)
    except ChildProcessError:
        return {"status": status, "cpu": cpu, "peak": peak * 1024}


def _work(descriptor: int, limits: WorkerLimits, here: int) -> NoReturn:
    """Work on one object. `here`: bytes of data that the template has."""
    try:
        os.setsid()
        threading.stack_size(_STACK)
        data, seconds = here + limits.memory, int(limits.seconds) + 1
        _limit(resource.RLIMIT_CORE, 0, 0)
        _limit(resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES)
        _limit(resource.RLIMIT_FSIZE, 0, WRITTEN)
        _limit(resource.RLIMIT_DATA, data, max(data, limits.memory_of_decoder))
        _limit(resource.RLIMIT_CPU, seconds, seconds * (os.cpu_count() or 1) + 1)
        process.run(socket.socket(fileno=descriptor), limits)
    except BaseException:
        # The service gets no answer; the log says what is wrong.
        traceback.print_exc()
    finally:
        # Not sys.exit: nothing of the template's is the worker's to finish.
        os._exit(0)


def _data() -> int:
    """Return how many bytes of data this process has (proc_pid_status(5), VmData)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmData:")[2].split()[0]) * 1024


def _limit(kind: int, value: int, most: int) -> None:
    """Set a limit, and how far it and those of the children can be raised again: for FFmpeg, whose may be higher."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value, most = min(value, hard), min(most, hard)
    resource.setrlimit(kind, (value, most))


if __name__ == "__main__":
    main()
