"""Makes the thumbnails of videos that are in the bucket already, by S3 Batch Operations.

S3 lists the videos, one job for each ending of keys; what they cost is shown before anything is done. Videos that have
their thumbnails are left as they are, so a backfill can be repeated, stopped and resumed.
"""

import argparse
import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, product
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operate import function, stack, table
from operate.backfill import estimate, jobs, report
from operate.backfill.estimate import Bounds, Estimate, in_words
from operate.backfill.jobs import ENDED, ENDING, STORAGE_CLASSES, WAITING, Job, Place, Service, Wanted
from operate.backfill.report import FAILED
from operate.backfill.runner import Runner
from operate.function import WORKERS
from operate.listing import chosen, objects
from operate.problem import OperateFailure, said
from operate.progress import Progress, Stop
from operate.retake import position, widths
from operate.stack import Stack
from operate.table import printable

HEAD = ("keys", "videos", "US dollars", "takes about", "at most")
FOLDER = "video-thumbnailer-backfill"
"""Where the stack's role writes (`thumbnailer/backfill.py`)."""
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def add_options(parser: ArgumentParser) -> None:
    """Add the command's options."""
    stack.add_options(parser, "function", "bucket", "role", "reports")
    which = parser.add_argument_group("which videos")
    stack.add_suffixes(which)
    which.add_argument("--prefix", action="append", dest="prefixes", help="keys that start with this; may be repeated")
    which.add_argument("--after", type=moment, metavar="DATE", help="uploaded after this day or moment (2026-01-31)")
    which.add_argument(
        "--before", type=moment, metavar="DATE", help="uploaded before it (UTC unless it says otherwise)"
    )
    which.add_argument("--larger", type=size, metavar="SIZE", help="larger than this (500KB, 10MB, 2GiB)")
    which.add_argument("--smaller", type=size, metavar="SIZE", help="smaller than this")
    which.add_argument(
        "--storage-class",
        action="append",
        choices=STORAGE_CLASSES,
        help="in this class; may be repeated; else in all that can be read at once, so not archived",
    )
    which.add_argument("--list", metavar="FILE", help="just these keys, one a line; - reads the standard input")
    what = parser.add_argument_group("which thumbnails", "For all of these videos, as `retake` does it for some.")
    what.add_argument("--position", type=position, help="auto, seconds (12.5), a time (1:30) or a share (25%%)")
    what.add_argument("--widths", type=widths, help="pixels, with commas: 1280,640; 0 is the video's own")
    how = parser.add_argument_group("how")
    does = how.add_mutually_exclusive_group()
    does.add_argument("--dry-run", action="store_true", help="count and reckon by listing the bucket; create nothing")
    does.add_argument("--follow", action="store_true", help="follow the last backfill, and print its report at the end")
    does.add_argument("--stop", action="store_true", help="end the last backfill")
    does.add_argument(
        "--resume", action="store_true", help="go on with what was stopped or failed of the last backfill"
    )
    how.add_argument("--yes", action="store_true", help="do not ask")
    how.add_argument("--seconds", type=float, default=estimate.SECONDS, help="of one video, to reckon with (default 1)")
    how.add_argument("--csv", metavar="FILE", help="where the report is kept; else backfill-TIME.csv")
    how.add_argument(
        "--here",
        action="store_true",
        help="call the function from this machine, without S3 Batch Operations; always so on the emulated AWS",
    )
    how.add_argument("--workers", type=int, default=WORKERS, help=f"calls at once with --here (default {WORKERS})")


def moment(text: str) -> datetime:
    """Read a day or a moment; in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-01-31 or 2026-01-31T12:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def size(text: str) -> int:
    """Read a size in bytes, with or without a unit."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?I?B?)", text.upper(), re.ASCII)
    if not found or found[2] not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 500KB, 10MB or 2GiB")
    return int(float(found[1]) * UNITS[found[2]])


def run(options: Namespace, stop: Stop) -> int:
    """Run a backfill, or look after the last one; return 1 where something that was asked for is not done.

    Raises:
        OperateFailure: AWS refuses, or is not told what it takes.
        KeyboardInterrupt: the command was stopped; says what goes on and what does not.
    """
    of = Stack.of(options)
    name = of.need("function")
    bounds = estimate.look(of.client("lambda"), name)
    s3 = of.client("s3")
    if options.dry_run:
        _show([(what, _estimated(options, bounds, count)) for what, count in _counted(options, of, s3, stop).items()])
        print("\nnothing was created, because of --dry-run")
        return 0
    service = _service(options, of, s3, bounds)
    if not (options.follow or options.stop or options.resume):
        requests = _requests(options, of, service, s3, _group())
        return _backfill(options, service, s3, bounds, requests, stop)
    last = jobs.latest(service)
    if not last:
        raise OperateFailure(f"there is no job whose description begins with {service.name!r}")
    if options.resume:
        return _resume(options, service, s3, bounds, last, stop)
    if options.stop:
        for job in last:
            if job.status not in (*ENDED, *ENDING):
                jobs.ask(service, job.id, "Cancelled")
    return _follow(options, service, s3, [job.id for job in last], stop)


def _group() -> str:
    # To the microsecond: what is stopped and resumed within a second are two backfills.
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"


def _service(options: Namespace, of: Stack, s3: Any, bounds: Bounds) -> Service:
    client = of.client("s3control")
    endpoint = client.meta.endpoint_url
    here = options.here or "amazonaws.com" not in endpoint
    # Without the role there may be no place either; where the role writes, one may write oneself.
    place = of.find("reports") or f"s3://{of.find('output bucket') or of.need('bucket')}/{FOLDER}"
    reports = Place.of(place if here else of.need("reports"))
    if here:
        if not options.here:
            print(f"{endpoint} has no S3 Batch Operations: the function is called from this machine")
        client = Runner(client, s3, function.client(of), options.workers)
        client.recall(reports.bucket, reports.prefix)
    try:
        account = of.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"AWS does not say whose account this is: {said(error)}") from error
    # The request names a role in any case; from here the function is called with one's own rights.
    role = f"arn:{bounds.arn.split(':')[1]}:iam::{account}:role/none" if here else of.need("role")
    chosen = {"position": options.position, "widths": ",".join(map(str, options.widths or []))}
    return Service(client, account, role, bounds.arn, reports, {name: value for name, value in chosen.items() if value})


def _pairs(options: Namespace, of: Stack) -> list[tuple[str, str | None]]:
    """Return endings and beginnings of keys; a job takes one of each."""
    return list(product(of.spellings(), options.prefixes or of.prefixes() or [None]))


def _wanted(options: Namespace, of: Stack, prefix: str | None) -> Wanted:
    return Wanted(
        bucket=of.need("bucket"),
        prefix=prefix,
        after=options.after,
        before=options.before,
        larger=options.larger,
        smaller=options.smaller,
        storage_classes=options.storage_class or STORAGE_CLASSES,
    )


def _requests(options: Namespace, of: Stack, service: Service, s3: Any, group: str) -> list[dict[str, Any]]:
    if not options.list:
        return [
            jobs.by_suffix(service, group, suffix, _wanted(options, of, prefix))
            for suffix, prefix in _pairs(options, of)
        ]
    key = f"{service.reports.prefix}/list-{group}.csv"
    body = jobs.manifest(of.need("bucket"), chosen(options.list))
    try:
        etag = s3.put_object(Bucket=service.reports.bucket, Key=key, Body=body)["ETag"]
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"the list cannot be put to s3://{service.reports.bucket}/{key}: {said(error)}") from error
    return [jobs.by_list(service, group, key, etag.strip('"'))]


def _counted(options: Namespace, of: Stack, s3: Any, stop: Stop) -> dict[str, int]:
    """Count the videos of each job by listing the bucket."""
    if options.list:
        return {"list": len(chosen(options.list))}
    counts = {jobs.pattern(suffix, prefix): 0 for suffix, prefix in _pairs(options, of)}
    progress, listed = Progress("listed", 0, stop), 0
    for prefix in {prefix for _, prefix in _pairs(options, of)}:
        wanted = _wanted(options, of, prefix)
        for found in objects(s3, wanted.bucket, prefix or ""):
            for suffix in of.spellings():
                counts[jobs.pattern(suffix, prefix)] += found.key.endswith(suffix) and wanted.takes(found)
            listed += 1
            if listed % 1000 == 0:
                progress.at(listed)
    progress.end()
    return counts


def _estimated(options: Namespace, bounds: Bounds, count: int) -> tuple[int, Estimate]:
    return count, estimate.estimate(count, bounds, options.seconds)


def _backfill(
    options: Namespace, service: Service, s3: Any, bounds: Bounds, requests: Sequence[dict[str, Any]], stop: Stop
) -> int:
    """Create jobs, show what they take, and start them when somebody says yes."""
    ids: list[str] = []
    progress = Progress("counted", 0, stop)
    try:
        for request in requests:
            ids.append(jobs.create(service, request))
        counted = jobs.follow(
            service,
            ids,
            lambda job: job.status in WAITING,
            lambda now: progress.at(sum(job.tasks for job in now)),
            _poll(service),
        )
        progress.end()
        waiting = [job for job in counted if job.status in WAITING]
        _show([(job.what, _estimated(options, bounds, job.tasks)) for job in waiting])
        for job in counted:
            if job not in waiting:
                print(f"{job.what}: {job.status.lower()}: {job.why}")
        if not waiting:
            return 1
        print(f"Reckoned with {options.seconds} s and one file a video; those that have theirs take less.")
        if not options.yes and not stop.confirmed("Start?"):
            _cancel(service, ids)
            print("nothing was done")
            return 1
        for job in waiting:
            jobs.ask(service, job.id, "Ready")
    except BaseException:
        progress.end()
        _cancel(service, ids)
        raise
    return _follow(options, service, s3, [job.id for job in waiting], stop)


def _cancel(service: Service, ids: Sequence[str]) -> None:
    for id in ids:
        with suppress(OperateFailure):  # It ends by itself, unconfirmed.
            jobs.ask(service, id, "Cancelled")
    if isinstance(service.client, Runner):
        service.client.stop()


def _resume(options: Namespace, service: Service, s3: Any, bounds: Bounds, last: Sequence[Job], stop: Stop) -> int:
    running = [job for job in last if job.status not in (*ENDED, *WAITING)]
    if running:
        raise OperateFailure(f"{len(running)} jobs of the last backfill still run: follow them with --follow")
    group, requests = _group(), []
    for job in last:
        if job.status in WAITING:
            jobs.ask(service, job.id, "Cancelled")
        if job.status != "Complete":
            requests.append({**job.request, "Description": jobs.described(service, group, job.what)})
    if not requests:
        print("nothing is to be resumed: all jobs of the last backfill are complete")
        return 0
    return _backfill(options, service, s3, bounds, requests, stop)


def _follow(options: Namespace, service: Service, s3: Any, ids: Sequence[str], stop: Stop) -> int:
    """Follow jobs to their end, and tell what became of each object."""
    total = sum(jobs.look(service, id).tasks for id in ids)
    progress, began = Progress("objects", total, stop), time.monotonic()

    def show(now: Sequence[Job]) -> None:
        failed = sum(job.failed for job in now)
        done = failed + sum(job.succeeded for job in now)
        more = f", {failed:,} of them rejected or failed" if failed else ""
        rate = done / max(0.001, time.monotonic() - began)
        left = f", {in_words((total - done) / rate)} left" if 0 < done < total else ""
        progress.at(done, f"{more}{left}")

    try:
        ended = jobs.follow(service, ids, lambda job: job.status in ENDED, show, _poll(service))
    except KeyboardInterrupt:
        progress.end()
        if not isinstance(service.client, Runner):
            raise KeyboardInterrupt("the jobs go on in AWS: see `backfill --follow` and `backfill --stop`") from None
        service.client.stop()
        _tell(options, service, s3, [jobs.look(service, id) for id in ids])
        raise KeyboardInterrupt("`backfill --resume` goes on") from None
    finally:
        progress.end()
    return 0 if _tell(options, service, s3, ended) else 1


def _poll(service: Service) -> float:
    return 0.2 if isinstance(service.client, Runner) else jobs.POLL


def _tell(options: Namespace, service: Service, s3: Any, ended: Sequence[Job]) -> bool:
    """Print what became of the objects, and keep it; return whether each has an outcome."""
    path = Path(options.csv or f"backfill-{ended[0].group}.csv")
    reports = (
        report.rows(s3, service.reports.bucket, service.reports.prefix, job.id)
        for job in ended
        if job.succeeded + job.failed
    )
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            tally = report.write(chain.from_iterable(reports), file)
    except OSError as error:
        raise OperateFailure(f"the report cannot be kept in {path}: {error}; name another file with --csv") from error
    tally.show()
    asked = sum(job.tasks for job in ended)
    print(f"\n{tally.objects:,} of {asked:,} objects have an answer; each is in {path}")
    for job in ended:
        if job.status != "Complete":
            why = f": {printable(job.why)}" if job.why else ""
            print(f"{printable(job.what)}: {job.status.lower()}{why}; --resume goes on")
    return tally.objects == asked and not tally.outcomes[FAILED]


def _show(rows: Sequence[tuple[str, tuple[int, Estimate]]]) -> None:
    """Print what jobs take, and all of them together."""
    lines = [_row(what, count, takes) for what, (count, takes) in rows]
    if len(rows) > 1:
        count = sum(count for _, (count, _) in rows)
        dollars = sum(takes.dollars for _, (_, takes) in rows)
        # They share the function's concurrency.
        seconds, longest = (sum(getattr(takes, name) for _, (_, takes) in rows) for name in ("seconds", "longest"))
        lines.append(_row("all", count, Estimate(dollars, seconds, longest)))
    table.show(HEAD, lines, right=(1, 2, 3, 4))


def _row(what: str, count: int, takes: Estimate) -> tuple[str, ...]:
    return (what, f"{count:,}", f"{takes.dollars:,.2f}", in_words(takes.seconds), in_words(takes.longest))
