"""What operators of video-thumbnailer run. Every command has its own --help."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    import boto3  # noqa: F401
except ImportError:
    needed = Path(__file__).with_name("requirements.txt")
    sys.exit(f"operate: boto3 is not installed: run {sys.executable} -m pip install -r {needed}")

from operate import notifications, retake
from operate.backfill import command as backfill
from operate.problem import OperateFailure
from operate.progress import Stop
from operate.redrive import command as redrive

COMMANDS = {"redrive": redrive, "backfill": backfill, "retake": retake, "notifications": notifications}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0 all that was asked for is done; 1 something is not, and is named; 2 wrong options.
    """
    parser = argparse.ArgumentParser(prog="python -m operate", description=__doc__)
    parsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        about = command.__doc__ or ""
        command.add_options(parsers.add_parser(name, help=about.split(".")[0], description=about))
    options = parser.parse_args(arguments)
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.asked)
    try:
        status: int = COMMANDS[options.command].run(options, stop)
        return status
    except OperateFailure as failure:
        print(f"operate: {failure}", file=sys.stderr)
    except KeyboardInterrupt as interrupt:
        print(f"operate: interrupted{'; ' if interrupt.args else ''}{' '.join(interrupt.args)}", file=sys.stderr)
        if stop.twice:
            sys.stdout.flush()
            os._exit(1)  # Python would wait for the threads whose calls have no answer yet.
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has seen enough.
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
