"""docs/operations.md says what the code does: its numbers, names and settings are the code's."""

import re
from pathlib import Path

import pytest
import yaml

from benchmarks.burst import CLIP, FILM, GETS_A_PREFIX, PUTS_A_PREFIX, Limits, cost, least_concurrency, simulate
from benchmarks.burst import useful_concurrency as useful
from operate.__main__ import COMMANDS, main
from operate.backfill.estimate import GETS, JOB, OBJECT, Bounds, estimate
from operate.redrive.queue import HOLD_EACH, LEAST_HOLD
from operate.stack import KNOWN
from service.requests import ATTEMPTS
from thumbnailer import Settings
from thumbnailer.alarms import PERIOD_SECONDS
from thumbnailer.function import EVENT_AGE_SECONDS, RETRIES
from thumbnailer.image import IMAGES_KEPT

ROOT = Path(__file__).resolve().parent.parent.parent
SNAPSHOT = ROOT / "tests" / "infrastructure" / "snapshot.txt"


@pytest.fixture(scope="module")
def page() -> str:
    return " ".join((ROOT / "docs" / "operations.md").read_text().split())


def test_times_and_counts_are_the_codes(page: str) -> None:
    settings = Settings()
    assert RETRIES == 2
    assert "Lambda tries its event twice more, after one and two minutes" in page
    assert f"{EVENT_AGE_SECONDS // 3600} hours, then the failure queue" in page
    (kept,) = re.findall(r"messageRetentionSeconds: (\d+)", SNAPSHOT.read_text())
    assert f"{int(kept) // 86400} days, then SQS deletes them for good" in page
    assert f"the {IMAGES_KEPT} newest are kept" in page
    assert f"`jobSeconds` ({settings.job_seconds}), `timeout` ({settings.timeout})" in page
    assert f"`memorySize` ({settings.memory_size})" in page
    assert f"`logRetentionDays` ({settings.log_retention_days})" in page
    assert ATTEMPTS == 5
    assert "answers with `SlowDown` is tried five times within the invocation" in page
    assert PERIOD_SECONDS == 300
    assert "Each alarm looks at five minutes" in page
    assert f"for {LEAST_HOLD} s and {HOLD_EACH * 1000:.0f} ms a message" in page


def test_every_setting_and_variable_that_is_named_exists(page: str) -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    named = ("reservedConcurrency", "outputBucket", "jobSeconds", "timeout", "memorySize", "logRetentionDays", "notify")
    more = ("alarmEmail", "alarmTopic", "suffixes", "ignoreCase", "architecture", "trigger", "backfill", "overwrite")
    for name in (*named, *more, "timeInName", "deleteOutputs", "cacheControl"):
        assert f"`{name}`" in page
        assert name in declared
    assert f"`{KNOWN['queue'].variable}` and `{KNOWN['function'].variable}`" in page


def test_every_option_that_is_named_exists(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    known = ""
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        known += capsys.readouterr().out
    section = text[text.index("## Failed events") : text.index("## Rolling back")]
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section))
    assert len(options) > 15
    assert sorted(option for option in options if option not in known) == []


def test_every_alarm_of_the_stack_has_its_row(page: str) -> None:
    snapshot = SNAPSHOT.read_text()
    found = re.findall(r"^aws:cloudwatch/metricAlarm:MetricAlarm\n  video-thumbnailer-\w+-(\S+)$", snapshot, re.M)
    assert len(found) >= 4
    assert [name for name in found if f"| `{name}` |" not in page] == []


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
    """Return what grows with time and not with the number of videos."""
    return ("Lambda, duration", "Lambda, cold starts")


def test_what_ten_million_videos_take_is_the_estimates(page: str) -> None:
    ten_million = 10**7
    takes = estimate(ten_million, Bounds("", 1769, 900, 1000), CLIP.seconds)
    batch = JOB + ten_million * OBJECT
    assert f"${batch:.2f} ($0.25 a job, $1.00 a million objects)" in page
    assert f"about ${round((takes.dollars - batch) / 10) * 10}" in page
    of_a_prefix = ten_million / (GETS_A_PREFIX / GETS)
    assert f"{of_a_prefix / 60:.0f} minutes if all are under one prefix (S3's GETs), {takes.seconds / 60:.0f}" in page
    here = estimate(ten_million, Bounds("", 1769, 900, 64), CLIP.seconds)
    assert f"{here.seconds / 3600:.0f} hours" in page
    assert f"{ten_million * 0.04 / 64 / 3600:.0f} hours to send, at 64 calls of 40 ms at once" in page
    assert f"{ten_million // 1000:,} LIST requests" in page


def test_the_commands_have_the_boto3_of_the_image() -> None:
    pinned = re.findall(r"^boto3==\S+$", (ROOT / "operate" / "requirements.in").read_text(), re.MULTILINE)
    locked = re.findall(
        r"^(boto3==\S+) ", (ROOT / "docker-ffmpeg-thumb" / "requirements.txt").read_text(), re.MULTILINE
    )
    assert pinned == locked
