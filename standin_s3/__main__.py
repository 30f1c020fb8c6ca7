"""Serves files as objects until its standard input ends or it is interrupted; prints where, as a line of JSON."""

import argparse
import json
import os
import secrets
import stat
import sys
import threading
from pathlib import Path

from standin_s3.content import File
from standin_s3.pace import AS_S3, Pace
from standin_s3.process import Door
from standin_s3.s3 import BUCKET, S3
from standin_s3.serving import serving


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m standin_s3", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help=f"its files become the objects of the bucket {BUCKET}")
    parser.add_argument("--tls", action="store_true", help="speak TLS")
    parser.add_argument("--latency", type=float, default=AS_S3.latency, help="seconds before an answer's first byte")
    parser.add_argument("--tail-share", type=float, default=0.0, help="share of the requests that take longer")
    parser.add_argument("--tail", type=float, default=0.0, help="seconds that these take more")
    parser.add_argument("--rate", type=float, default=AS_S3.rate, help="bytes a second of one connection")
    parser.add_argument("--settle", type=float, default=0.0, help="seconds without a request before any is answered")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--processors", default="", help="the numbers of those to run on, with commas; else on all")
    parser.add_argument("--upstream", default="", help="URL of an S3 to stand before")
    options = parser.parse_args()
    if options.processors:
        os.sched_setaffinity(0, [int(number) for number in options.processors.split(",")])
    # Threads that wake up to send a piece must not wait for others that parse a request.
    sys.setswitchinterval(0.0005)
    pace = Pace(options.latency, options.rate, options.tail_share, options.tail, options.settle)
    s3 = S3(pace, options.upstream)
    for path in sorted(options.folder.iterdir()) if options.folder else ():
        if path.is_file():
            s3.put(path.name, File(path.resolve()))
    with serving(s3, options.tls, options.port):
        key = secrets.token_bytes(16)
        Door.register("s3", callable=lambda: s3)
        door = Door(("127.0.0.1", 0), key).get_server()
        assert isinstance(door.address, tuple)
        told = {"url": s3.url(), "environment": s3.environment(), "door": door.address[1], "key": key.hex()}
        print(json.dumps(told), flush=True)
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            threading.Thread(target=_end_with_the_parent, args=(s3,), daemon=True).start()
        door.serve_forever()


def _end_with_the_parent(s3: S3) -> None:
    sys.stdin.read()
    if s3.bundle():
        Path(s3.bundle()).unlink(missing_ok=True)
        Path(s3.bundle()).parent.rmdir()
    os._exit(0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
