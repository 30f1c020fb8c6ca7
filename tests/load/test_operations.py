"""docs/operations.md says what the code does: its numbers, names and settings are the code's."""

import json
from pathlib import Path

import pytest
import yaml

from benchmarks.burst import CLIP, FILM, GETS_A_PREFIX, PUTS_A_PREFIX, Limits, cost, least_concurrency, simulate
from benchmarks.burst import useful_concurrency as useful
from redrive.queue import HOLD_EACH, LEAST_HOLD
from redrive.target import FUNCTION_VARIABLE, QUEUE_VARIABLE
from thumbnailer import Settings
from thumbnailer.alarms import NEAR_THE_TIMEOUT, PERIOD_SECONDS
from thumbnailer.function import EVENT_AGE_SECONDS, FAILURES_KEPT_SECONDS, RETRIES
from thumbnailer.image import IMAGES_KEPT

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def page() -> str:
    return " ".join((ROOT / "docs" / "operations.md").read_text().split())


def test_times_and_counts_are_the_codes(page: str) -> None:
    settings = Settings()
    assert RETRIES == 2
    assert "Its event comes again, twice, after one and two minutes" in page
    assert f"{EVENT_AGE_SECONDS // 3600} hours (`EVENT_AGE_SECONDS`)" in page
    assert f"{FAILURES_KEPT_SECONDS // 86400} days (`FAILURES_KEPT_SECONDS`)" in page
    assert f"the {IMAGES_KEPT} newest are kept (`IMAGES_KEPT`)" in page
    assert f"`jobSeconds` ({settings.job_seconds}), `timeout` ({settings.timeout})" in page
    assert f"`memorySize` ({settings.memory_size})" in page
    assert f"`logRetentionDays` ({settings.log_retention_days})" in page
    assert f"more than {NEAR_THE_TIMEOUT:.0%} of `timeout`" in page
    assert PERIOD_SECONDS == 300
    assert "Each looks at five minutes" in page
    assert f"for {LEAST_HOLD} s and {HOLD_EACH * 1000:.0f} ms a message" in page


def test_every_setting_and_variable_that_is_named_exists(page: str) -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    named = ("reservedConcurrency", "outputBucket", "jobSeconds", "timeout", "memorySize", "logRetentionDays")
    for name in (*named, "alarmEmail", "suffixes", "architecture"):
        assert f"`{name}`" in page
        assert name in declared
    assert f"`{QUEUE_VARIABLE}` and `{FUNCTION_VARIABLE}`" in page


def test_every_alarm_of_the_stack_has_its_row(page: str) -> None:
    snapshot = (ROOT / "tests" / "infrastructure" / "snapshot.txt").read_text()
    for name in ("errors", "throttles", "duration", "failed-events"):
        assert f"| `{name}` |" in page
        assert name in snapshot
    assert snapshot.count("aws:cloudwatch/metricAlarm:MetricAlarm") == 4


def test_numbers_of_bursts_are_the_simulations(page: str) -> None:
    assert f"{GETS_A_PREFIX:,} GET and HEAD, {PUTS_A_PREFIX:,} PUT a second under one prefix" in page
    assert (
        f"S3 feeds {useful(CLIP):,} environments of {CLIP.seconds} s a clip, and {useful(FILM)} of 4 s a film" in page
    )
    assert f"some {FILM.gets} GETs" in page
    assert f"{least_concurrency(10_000_000, CLIP)} for ten million clips" in page


def test_dollars_are_the_simulations(page: str) -> None:
    hour = simulate(10**9, Limits("", prefixes=1000), CLIP)
    paid = cost(hour, CLIP)["Lambda, duration"] / hour.billed
    assert f"${paid * 1000 * 3600:.2f} an hour for 1,000 environments" in page
    assert f"${paid * 100 * 3600:.2f} for `reservedConcurrency` 100" in page
    assert f"300 s of it are ${paid * 300:.4f}" in page
    million = cost(simulate(1_000_000, Limits(""), CLIP), CLIP)
    by_the_piece = sum(dollars for name, dollars in million.items() if name not in paid_by_time())
    assert f"${by_the_piece:.2f} for a million clips" in page
    assert million["S3, PUT"] == pytest.approx(5)


def paid_by_time() -> tuple[str, str]:
    """What grows with time and not with the number of videos."""
    return ("Lambda, duration", "Lambda, cold starts")


def test_the_policy_is_one(page: str) -> None:
    block = page.partition("```json ")[2].partition(" ```")[0]
    assert [statement["Sid"] for statement in json.loads(block)["Statement"]] == ["Look", "TakeOut", "Replay"]
