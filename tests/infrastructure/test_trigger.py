"""How the function is called, and that nothing of a bucket that others use is lost by it."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operate.notifications import add_options
from thumbnailer.refusal import Refused
from thumbnailer.settings import Settings
from thumbnailer.trigger import Trigger, decide, patterns

from .aws_mock import ACCOUNT, AUTO_NAMING, REGION
from .recording import ProgramFailed, Recording, record

NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
PERMISSION = "aws:lambda/permission:Permission"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
QUEUE = "aws:sqs/queue:Queue"

Bucket = Mapping[str, Any]
OWN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:video-thumbnailer-dev-function{AUTO_NAMING}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:resize"
JOBS = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
NEWS = f"arn:aws:sns:{REGION}:{ACCOUNT}:news"


def row(**target: str) -> dict[str, Any]:
    return {"id": "x", "events": ["s3:ObjectCreated:*"], "filterPrefix": "in/", "filterSuffix": ".mp4", **target}


NOBODY: Bucket = {}
BUS: Bucket = {"eventbridge": True}
OURS: Bucket = {"lambdaFunctions": [row(lambdaFunctionArn=OWN)]}
QUEUED: Bucket = {"queues": [row(queueArn=JOBS)]}
TOPIC: Bucket = {"topics": [row(topicArn=NEWS)]}
CALLING: Bucket = {"lambdaFunctions": [row(lambdaFunctionArn=FUNCTION)]}


def films(has: Bucket, preview: bool = False, **config: str) -> Recording:
    """Return the stack for a bucket `films` that has these notifications."""
    return record({"bucket": "films", **config}, preview=preview, buckets={"films": has})


def decided(has: Bucket, **config: Any) -> Trigger:
    """Return what is decided of a bucket `films` with these notifications."""
    rows = {"lambdaFunctions": "lambda_functions", "queues": "queues", "topics": "topics"}
    found: Any = SimpleNamespace(
        eventbridge=has.get("eventbridge", False),
        **{
            ours: [
                SimpleNamespace(**{re.sub("([A-Z])", r"_\1", key).lower(): value for key, value in each.items()})
                for each in has.get(theirs, [])
            ]
            for theirs, ours in rows.items()
        },
    )
    return decide(Settings(bucket="films", **config), "films", found, "video-thumbnailer-dev-function")


def refusal(has: Bucket, **config: Any) -> str:
    with pytest.raises(Refused) as caught:
        decided(has, **config)
    return str(caught.value)


# Which way


@pytest.mark.parametrize(
    ("has", "config", "way"),
    [
        (NOBODY, {}, "s3"),
        (NOBODY, {"trigger": "s3"}, "s3"),
        (OURS, {}, "s3"),
        (OURS, {"trigger": "s3"}, "s3"),
        (BUS, {}, "eventbridge"),
        (BUS, {"trigger": "eventbridge"}, "eventbridge"),
        (BUS, {"ignore_case": True}, "eventbridge"),
        ({**BUS, **QUEUED, **TOPIC, **CALLING}, {}, "eventbridge"),
        ({**BUS, **OURS, **QUEUED}, {}, "eventbridge"),
    ],
    ids=str,
)
def test_a_named_bucket_is_asked_what_it_has(has: Bucket, config: dict[str, Any], way: str) -> None:
    assert decided(has, **config).kind == way


@pytest.mark.parametrize(
    ("config", "way"),
    [({}, "s3"), ({"trigger": "eventbridge"}, "eventbridge"), ({"ignoreCase": "true"}, "eventbridge")],
)
def test_a_bucket_of_the_stacks_own_calls_the_function_itself_unless_it_cannot(
    config: dict[str, str], way: str
) -> None:
    made = record(config)
    assert made.outputs["trigger"] == way
    assert bool(made.all(RULE)) is (way == "eventbridge")
    assert made.one(NOTIFICATION).inputs.get("eventbridge") is (True if way == "eventbridge" else None)


@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_of_a_bucket_whose_events_come_by_eventbridge_nothing_is_touched(preview: bool) -> None:
    made = films({**BUS, **QUEUED}, preview)
    assert made.outputs["trigger"] == "eventbridge"
    assert [each.type for each in made.resources if each.type.startswith("aws:s3/")] == []
    assert {each.inputs["principal"] for each in made.all(PERMISSION)} == {"events.amazonaws.com"}


# Refusals


@pytest.mark.parametrize(
    ("has", "names"),
    [
        (QUEUED, f"queue {JOBS}: s3:ObjectCreated:* of in/*.mp4"),
        (TOPIC, f"topic {NEWS}: s3:ObjectCreated:* of in/*.mp4"),
        (CALLING, f"function {FUNCTION}: s3:ObjectCreated:* of in/*.mp4"),
        ({**OURS, **QUEUED}, f"queue {JOBS}"),
    ],
    ids=["queue", "topic", "function", "beside this stack's own"],
)
@pytest.mark.parametrize("trigger", ["auto", "s3", "eventbridge"])
def test_no_notification_is_taken_away(has: Bucket, names: str, trigger: str) -> None:
    says = refusal(has, trigger=trigger)
    assert "bucket films has notifications that are not this stack's, and would lose them:" in says
    assert f"\n  {names}" in says
    assert OWN not in says
    assert "\n  python -m operate notifications enable films" in says


def test_a_refusal_ends_the_preview_with_nothing_but_its_own_words() -> None:
    with pytest.raises(ProgramFailed) as caught:
        films(QUEUED, preview=True)
    assert refusal(QUEUED) in str(caught.value)


def test_the_command_that_is_named_is_one_of_operate() -> None:
    parser = ArgumentParser()
    add_options(parser)
    words = refusal(QUEUED).partition("python -m operate notifications ")[2].split()
    parsed = parser.parse_args(words)
    assert (parsed.action, parsed.bucket) == ("enable", "films")


def test_the_switch_of_eventbridge_is_not_taken_away_either() -> None:
    says = refusal(BUS, trigger="s3")
    assert "\n  EventBridge: all events\n" in says
    assert "pulumi config set trigger auto" in says


@pytest.mark.parametrize("has", [NOBODY, OURS], ids=["nothing", "this stack's own"])
@pytest.mark.parametrize(
    ("config", "why"),
    [({"trigger": "eventbridge"}, "trigger is eventbridge"), ({"ignore_case": True}, "ignoreCase needs EventBridge")],
)
def test_a_bucket_that_sends_nothing_to_eventbridge_is_not_waited_for(
    has: Bucket, config: dict[str, Any], why: str
) -> None:
    says = refusal(has, **config)
    assert f"{why}, to which bucket films does not send its events" in says
    assert "python -m operate notifications enable films" in says


def test_a_function_of_the_same_name_that_is_another_stacks_is_told_apart_by_the_update() -> None:
    twin: Bucket = {"lambdaFunctions": [row(lambdaFunctionArn=OWN.replace(AUTO_NAMING, "-7777777"))]}
    with pytest.raises(ProgramFailed, match="has notifications that are not this stack's"):
        films(twin)
    # In a preview of a new stack nobody can know the function's name; of one that is there, this is told as well.
    assert films(twin, preview=True).all(NOTIFICATION)


def test_somebody_who_listens_to_the_stacks_own_bucket_is_not_cut_off() -> None:
    own = f"video-thumbnailer-dev-videos{AUTO_NAMING}"
    for config in ({}, {"trigger": "eventbridge"}):
        with pytest.raises(ProgramFailed, match=f"bucket {own} has notifications that are not this stack's") as caught:
            record(config, buckets={own: {**OURS, **QUEUED}})
        assert "Take that out, and let it listen to EventBridge: pulumi config set trigger eventbridge" in str(
            caught.value
        )


@pytest.mark.parametrize("has", [NOBODY, BUS], ids=["off", "on"])
def test_the_switch_of_the_stacks_own_bucket_stays_as_it_is(has: Bucket) -> None:
    made = record(buckets={f"video-thumbnailer-dev-videos{AUTO_NAMING}": has})
    assert made.one(NOTIFICATION).inputs.get("eventbridge") is has.get("eventbridge")


def test_a_bucket_of_another_account_is_told_in_the_preview() -> None:
    with pytest.raises(ProgramFailed) as caught:
        films({"foreign": True}, preview=True)
    says = str(caught.value)
    assert "the notifications of bucket films cannot be read: " in says
    assert "StatusCode: 403" in says
    assert "If the bucket belongs to another account, deploy the stack there" in says
    assert "s3:GetBucketNotification" in says


@pytest.mark.parametrize("setting", ["bucket", "outputBucket"])
def test_a_bucket_of_another_region_is_told_in_the_preview(setting: str) -> None:
    with pytest.raises(ProgramFailed) as caught:
        record({setting: "films"}, preview=True, buckets={"films": {"region": "us-west-2"}})
    assert f"bucket films is in us-west-2, and the stack in {REGION}" in str(caught.value)
    assert "pulumi config set aws:region us-west-2" in str(caught.value)


# From one way to the other


@pytest.mark.parametrize("others", [NOBODY, {**QUEUED, **TOPIC}], ids=["alone", "beside others"])
def test_a_stack_that_was_called_by_the_bucket_leaves_it_to_the_others_when_eventbridge_is_on(others: Bucket) -> None:
    functions = [*OURS["lambdaFunctions"], *CALLING["lambdaFunctions"]]
    made = films({**BUS, "lambdaFunctions": functions, **others})
    left = made.one(NOTIFICATION)
    assert left.inputs == {
        "bucket": "films",
        "eventbridge": True,
        "lambdaFunctions": CALLING["lambdaFunctions"],
        "queues": others.get("queues", []),
        "topics": others.get("topics", []),
    }
    # The next update no longer declares it, and must not delete what is there.
    assert left.retained
    assert made.one(TARGET).label in left.waits_for


def test_the_update_after_that_declares_nothing_of_the_bucket() -> None:
    assert films({**BUS, **QUEUED}).all(NOTIFICATION) == []


def test_only_what_is_left_to_others_stays_after_the_stack() -> None:
    assert not any(each.retained for each in record().resources)
    assert not any(each.retained for each in films(NOBODY).resources)


# What S3 sends


def test_one_notification_has_one_row_a_prefix_and_suffix() -> None:
    made = films(NOBODY, suffixes='[".mp4", ".mov"]', prefixes='["in/", "on/"]')
    rows = made.one(NOTIFICATION).inputs["lambdaFunctions"]
    assert [(each["filterPrefix"], each["filterSuffix"]) for each in rows] == [
        *(("in/", ".mp4"), ("in/", ".mov"), ("on/", ".mp4"), ("on/", ".mov")),
    ]
    assert {tuple(each["events"]) for each in rows} == {("s3:ObjectCreated:*",)}


def test_deletions_are_told_where_outputs_go_with_their_video() -> None:
    [row] = films(NOBODY, deleteOutputs="true").one(NOTIFICATION).inputs["lambdaFunctions"]
    assert row["events"] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
    assert patterns(Settings(delete_outputs=True), "films")[0]["detail-type"] == ["Object Created", "Object Deleted"]
    assert patterns(Settings(), "films")[0]["detail-type"] == ["Object Created"]


# What EventBridge sends


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ({"suffixes": [".mp4", ".mov"]}, [{"suffix": ".mp4"}, {"suffix": ".mov"}]),
        ({"ignore_case": True}, [{"suffix": {"equals-ignore-case": ".mp4"}}]),
        ({"prefixes": ["in/", "häst/"]}, [{"wildcard": "in/*.mp4"}, {"wildcard": "häst/*.mp4"}]),
        (
            {"prefixes": ["in/"], "suffixes": [".ts"], "ignore_case": True},
            [{"wildcard": f"in/*{suffix}"} for suffix in (".TS", ".Ts", ".tS", ".ts")],
        ),
    ],
    ids=str,
)
def test_a_rule_matches_what_the_settings_say(config: dict[str, Any], keys: list[Any]) -> None:
    assert patterns(Settings(**config), "films") == [
        {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": ["films"]}, "object": {"key": keys}},
        }
    ]


def test_as_many_suffixes_as_one_likes_become_as_many_rules_as_it_takes() -> None:
    suffixes = [f"-{number:02}".ljust(64, "x") for number in range(100)]
    made = films(BUS, suffixes=json.dumps(suffixes))
    texts = [rule.inputs["eventPattern"] for rule in made.all(RULE)]
    told = [key["suffix"] for text in texts for key in json.loads(text)["detail"]["object"]["key"]]
    assert sorted(told) == suffixes
    # The quota of EventBridge.
    assert max(map(len, texts)) <= 2048
    assert len(made.all(TARGET)) == len(made.all(RULE)) > 1


def test_a_delivery_that_fails_is_tried_again_and_then_kept_in_the_failure_queue() -> None:
    made = films(BUS)
    target = made.one(TARGET).inputs
    assert target["arn"] == OWN
    assert target["retryPolicy"] == {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 21600}
    assert target["deadLetterConfig"]["arn"].endswith(f":video-thumbnailer-dev-failures{AUTO_NAMING}")
    may_send = json.loads(made.one("aws:sqs/queuePolicy:QueuePolicy").inputs["policy"])["Statement"][0]
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/video-thumbnailer-dev-uploads{AUTO_NAMING}"
    assert may_send["Principal"] == {"Service": "events.amazonaws.com"}
    assert may_send["Action"] == ["sqs:SendMessage"]
    assert may_send["Condition"] == {"ArnEquals": {"aws:SourceArn": [rule]}}
    assert made.one(PERMISSION).inputs["sourceArn"] == rule


def test_the_target_waits_until_it_may_call_and_may_fail() -> None:
    made = films(BUS)
    waits_for = made.one(TARGET).waits_for
    assert made.one(PERMISSION).label in waits_for
    assert made.one("aws:sqs/queuePolicy:QueuePolicy").label in waits_for


# A bucket of the same program


def test_a_program_hands_in_a_bucket_that_it_makes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import pulumi_aws as aws\n"
        "from thumbnailer import Settings, VideoThumbnailer\n"
        'bucket = aws.s3.Bucket("films")\n'
        'VideoThumbnailer("thumbnails", Settings(bucket=bucket.bucket))\n'
    )
    made = record(program=str(program))
    assert made.one(NOTIFICATION).inputs["bucket"] == f"films{AUTO_NAMING}"
    with pytest.raises(ProgramFailed, match="has notifications that are not this stack's"):
        record(program=str(program), buckets={f"films{AUTO_NAMING}": QUEUED})
