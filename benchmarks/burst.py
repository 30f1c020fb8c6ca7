"""How long a burst of videos takes on AWS, and what it costs: arithmetic with published limits and prices, no AWS.

`python -m benchmarks.burst` writes docs/burst.md; with options it prints one case. All videos are there at the start,
which is the worst case: uploading ten million of them into one prefix takes 48 minutes by itself, at 3,500 a second.

The model: Lambda gives the function 1,000 environments at once and 1,000 more every ten seconds, up to what the
account or the reservation allows; each is of use after its cold start, and then makes one video after the other. What
S3 answers under one prefix is a ceiling for all of them together: environments beyond it wait for S3, and are paid for.
An event that has not come to run after six hours goes to the failure queue. Left out: that Lambda slows down its
reading of a long queue, and tries a throttled event again only after up to five minutes; that S3 splits a prefix that
stays busy, after some half an hour; that who waits for S3 for long fails, and the third time is in the failure queue.
"""

import argparse
import math
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"

STEP, STEP_SECONDS = 1000, 10
"""Environments more a function every so many seconds (Lambda Developer Guide, "Lambda scaling behavior")."""
ACCOUNT_CONCURRENCY = 1000
"""Default of an account and region; a new account may have 10 (same guide, "Lambda quotas")."""
LEFT_UNRESERVED = 100
"""Of the account's concurrency, which cannot be reserved (same guide, "Configuring reserved concurrency")."""
REQUESTS_EACH = 10
"""Requests a second for each unit of concurrency (same guide, "Understanding and visualizing concurrency")."""
EVENT_AGE_SECONDS = 6 * 3600
"""`thumbnailer/function.py`; Lambda's most."""
GETS_A_PREFIX, PUTS_A_PREFIX = 5500, 3500
"""Requests a second (S3 User Guide, "Best practices design patterns: optimizing Amazon S3 performance")."""


OF_S3 = ("S3's GETs a prefix", "S3's PUTs a prefix")


@dataclass(frozen=True)
class Work:
    """What one video takes."""

    name: str
    seconds: float
    """Billed duration of a warm invocation. Assumed, like the cold start: CloudWatch tells your own."""
    gets: int
    """GET and HEAD requests."""
    puts: int
    cold_seconds: float = 3.0
    """Initialisation of a new environment, which is billed too."""
    memory_mb: int = 1769
    """`memorySize`."""
    log_bytes: int = 2500
    """Lines of the outcome, of the metrics, and Lambda's own three."""


CLIP = Work("a clip of up to 4 MiB, poster only", seconds=0.5, gets=2, puts=1)
"""One HEAD for the picture and one GET for the whole object (`publish.py`, `source.py`)."""
FILM = Work("a film of some GB, poster, storyboard and manifest", seconds=4.0, gets=140, puts=4)
"""Measured in trials on two hours in 4.6 GB: 25 requests for the poster, 113 for the keyframes of 100 tiles."""


@dataclass(frozen=True)
class Limits:
    """What bounds the burst."""

    name: str
    account: int = ACCOUNT_CONCURRENCY
    reserved: int | None = None
    """`reservedConcurrency`."""
    prefixes: int = 1
    """Over which the keys are spread evenly."""

    @property
    def concurrency(self) -> int:
        """Environments that the function may have.

        Raises:
            ValueError: more is reserved than Lambda lets reserve.
        """
        if self.reserved is None:
            return self.account
        if not 0 < self.reserved <= self.account - LEFT_UNRESERVED:
            raise ValueError(
                f"{self.reserved} cannot be reserved of {self.account}: 1 to {self.account - LEFT_UNRESERVED} can"
            )
        return self.reserved


@dataclass(frozen=True)
class Course:
    """How a burst went."""

    seconds: float
    """Until the last video was made, or the last event grew too old."""
    made: float
    too_old: float
    """Events that went to the failure queue."""
    environments: int
    """The most that worked, or waited for S3, at the same time."""
    billed: float
    """Seconds of all invocations together, cold starts not among them."""
    rate: float
    """Videos a second at the end."""
    bound_by: str


@dataclass(frozen=True)
class Prices:
    """US dollars, us-east-1, on demand, without free tier and volume discounts, as AWS publishes them."""

    lambda_request: float = 0.20 / 1e6
    lambda_gb_second: float = 0.0000166667
    """x86_64, the first six billion a month; arm64 is 0.0000133334."""
    s3_put: float = 0.005 / 1000
    """S3 Standard, like the next."""
    s3_get: float = 0.0004 / 1000
    logs_gb: float = 0.50
    """CloudWatch Logs, standard class, taken in."""
    trace: float = 5.00 / 1e6
    """X-Ray, recorded."""
    sqs_request: float = 0.40 / 1e6


TRACED = 0.05
"""Share of the invocations that Lambda's active tracing records: one a second, and this (X-Ray Developer Guide)."""


def simulate(videos: int, limits: Limits, work: Work) -> Course:
    """Return the course of `videos` that are all there at the start."""
    made, billed, now = 0.0, 0.0, work.cold_seconds
    for environments in _steps(limits.concurrency):
        rate, bound_by = throughput(environments, limits, work)
        last = environments == limits.concurrency
        lasts = math.inf if last else float(STEP_SECONDS)
        lasts = min(lasts, EVENT_AGE_SECONDS - now, (videos - made) / rate)
        made, now = made + rate * lasts, now + lasts
        billed += lasts * (environments if bound_by in OF_S3 else rate * work.seconds)
        if videos - made < 1e-6 or now >= EVENT_AGE_SECONDS:
            busy = environments if bound_by in OF_S3 else math.ceil(rate * work.seconds)
            return Course(now, min(made, videos), max(0.0, videos - made), min(busy, videos), billed, rate, bound_by)
    raise AssertionError("the last step lasts until the end")


def _steps(concurrency: int) -> Iterator[int]:
    yield from range(STEP, concurrency, STEP)
    yield concurrency


def throughput(environments: int, limits: Limits, work: Work) -> tuple[float, str]:
    """Videos a second with so many environments, and what they are bounded by."""
    return min(
        (environments / work.seconds, "concurrency"),
        (environments * float(REQUESTS_EACH), "requests a second of the account"),
        (limits.prefixes * GETS_A_PREFIX / work.gets, OF_S3[0]),
        (limits.prefixes * PUTS_A_PREFIX / work.puts, OF_S3[1]),
    )


def cost(course: Course, work: Work, prices: Prices | None = None) -> dict[str, float]:
    """US dollars of a burst, by what they are paid for; uploading and keeping the videos is not among it."""
    prices = prices or Prices()
    gigabytes = work.memory_mb / 1024
    return {
        "Lambda, duration": course.billed * gigabytes * prices.lambda_gb_second,
        "Lambda, cold starts": course.environments * work.cold_seconds * gigabytes * prices.lambda_gb_second,
        "Lambda, requests": course.made * prices.lambda_request,
        "S3, GET and HEAD": course.made * work.gets * prices.s3_get,
        "S3, PUT": course.made * work.puts * prices.s3_put,
        "CloudWatch Logs": course.made * work.log_bytes / 1e9 * prices.logs_gb,
        "X-Ray": course.made * TRACED * prices.trace,
        # Sent by Lambda; receiving and deleting them is the redrive's.
        "SQS": course.too_old * prices.sqs_request,
    }


def least_concurrency(videos: int, work: Work) -> int:
    """Environments without which some events of a burst grow too old; what S3 bounds is not asked."""
    return math.ceil(videos * work.seconds / (EVENT_AGE_SECONDS - work.cold_seconds))


def useful_concurrency(work: Work, prefixes: int = 1) -> int:
    """Environments that S3 can feed; more only wait."""
    return math.floor(prefixes * min(GETS_A_PREFIX / work.gets, PUTS_A_PREFIX / work.puts) * work.seconds)


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


CASES = (
    Limits("a new account's 10", account=10),
    Limits("100 reserved of 1,000", reserved=100),
    Limits("500 reserved of 1,000", reserved=500),
    Limits("the default 1,000, nothing reserved"),
    Limits("10,000, one prefix", account=10_000),
    Limits("10,000, ten prefixes", account=10_000, prefixes=10),
)
BURSTS = (100_000, 10_000_000)


def written() -> str:
    """docs/burst.md."""
    assert __doc__ is not None
    about = __doc__.split("\n\n")
    lines = ["# Bursts", "", _filled(f"Written by `python -m benchmarks.burst`. {about[0]}"), "", _filled(about[2]), ""]
    for work in (CLIP, FILM):
        lines += [
            f"## {work.name[0].upper()}{work.name[1:]}",
            "",
            f"Assumed: {work.seconds} s at {work.memory_mb} MB, {work.gets} GET or HEAD and {work.puts} PUT requests, "
            f"a cold start of {work.cold_seconds} s.",
            "",
            "| videos | concurrency | time | a second | bounded by | too old, in the failure queue | US dollars |",
            "| ---: | --- | ---: | ---: | --- | ---: | ---: |",
        ]
        lines += [_row(videos, limits, work) for videos in BURSTS for limits in CASES]
        needed = " and ".join(f"{least_concurrency(videos, work):,} for {videos:,}" for videos in BURSTS)
        lines += [
            "",
            f"So that none grows too old, the function needs a concurrency of {needed}. S3 feeds "
            f"{useful_concurrency(work):,} a prefix.",
            "",
        ]
    lines += ["## What the dollars are paid for", "", _filled(_priced()), "", *_cost_table(), ""]
    return "\n".join(lines)


def _row(videos: int, limits: Limits, work: Work) -> str:
    course = simulate(videos, limits, work)
    dollars = sum(cost(course, work).values())
    cells = (
        f"{videos:,}",
        limits.name,
        in_words(course.seconds),
        f"{course.rate:,.0f}",
        course.bound_by,
        f"{course.too_old:,.0f}" if course.too_old >= 0.5 else "none",
        f"{dollars:,.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _priced() -> str:
    prices = Prices()
    return (
        "On-demand prices of us-east-1 as AWS publishes them, without free tier and discounts; look them up before you "
        f"rely on them. Lambda: {prices.lambda_request * 1e6:.2f} a million requests, {prices.lambda_gb_second:.10f} a "
        f"GB-second (x86_64). S3 Standard: {prices.s3_put * 1000:.3f} a thousand PUTs, {prices.s3_get * 1000:.4f} a "
        f"thousand GETs. CloudWatch Logs: {prices.logs_gb:.2f} a GB. X-Ray: {prices.trace * 1e6:.2f} a million traces, "
        f"of {TRACED:.0%} of the invocations. SQS: {prices.sqs_request * 1e6:.2f} a million requests. Uploading and "
        "keeping the videos is not among it. With the default 1,000 and nothing reserved:"
    )


def _cost_table() -> list[str]:
    columns = [(videos, work) for work in (CLIP, FILM) for videos in BURSTS]
    costs = [cost(simulate(videos, CASES[3], work), work) for videos, work in columns]
    heads = " | ".join(f"{videos:,} {'clips' if work is CLIP else 'films'}" for videos, work in columns)
    lines = [f"| US dollars | {heads} |", f"| --- |{' ---: |' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(f'{each[name]:,.2f}' for each in costs)} |" for name in costs[0]]
    return [*lines, f"| in all | {' | '.join(f'{sum(each.values()):,.2f}' for each in costs)} |"]


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or print one case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--videos", type=int, help="print this one case")
    parser.add_argument("--account", type=int, default=ACCOUNT_CONCURRENCY, help="the account's concurrency")
    parser.add_argument("--reserved", type=int, help="reservedConcurrency")
    parser.add_argument("--prefixes", type=int, default=1, help="over which the keys are spread")
    parser.add_argument(
        "--seconds", type=float, default=CLIP.seconds, help="of one invocation: `Duration` in CloudWatch"
    )
    options = parser.parse_args(arguments)
    if options.videos is None:
        DOCS.mkdir(exist_ok=True)
        (DOCS / "burst.md").write_text(written())
        print(f"{DOCS / 'burst.md'}: written")
        return 0
    work = replace(CLIP, seconds=options.seconds)
    try:
        course = simulate(options.videos, Limits("", options.account, options.reserved, options.prefixes), work)
    except (ValueError, ZeroDivisionError) as error:
        print(f"burst: {error}", file=sys.stderr)
        return 1
    print(f"{in_words(course.seconds)}, {course.rate:,.0f} videos a second at the end, bounded by {course.bound_by}")
    print(f"{course.made:,.0f} made, {course.too_old:,.0f} too old and in the failure queue")
    print(f"{sum(cost(course, work).values()):,.2f} US dollars")
    return 0


if __name__ == "__main__":
    sys.exit(main())
