"""What the stack is made of, and in which order it is made."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from thumbnailer.image import set_modes
from thumbnailer.settings import Settings, read_settings, setting_names

from .aws_mock import ACCOUNT, AUTO_NAMING, DIGEST, REGION, TYPES
from .conftest import EVERYTHING
from .recording import ROOT, SECRET, UNKNOWN, ProgramFailed, Recording, record

FUNCTION = "aws:lambda/function:Function"
IMAGE = "docker:index/image:Image"
PERMISSION = "aws:lambda/permission:Permission"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
BUCKET = "aws:s3/bucket:Bucket"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
QUEUE = "aws:sqs/queue:Queue"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


def policy_of(stack: Recording, type_: str, name_ends: str = "") -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(stack.one(type_, name_ends).inputs["policy"])["Statement"]
    return statements


# Order


def test_the_notification_waits_for_the_permission(stack: Recording) -> None:
    assert stack.one(PERMISSION, "-bucket").label in stack.one(NOTIFICATION).waits_for


def test_the_function_waits_for_its_log_group_and_its_policy_and_the_right_to_pull_its_image(stack: Recording) -> None:
    waits_for = stack.one(FUNCTION).waits_for
    assert stack.one("aws:cloudwatch/logGroup:LogGroup").label in waits_for
    assert stack.one(ROLE_POLICY, "-role").label in waits_for
    assert stack.one("aws:ecr/repositoryPolicy:RepositoryPolicy").label in waits_for


def test_the_bucket_policy_waits_until_public_access_is_blocked(stack: Recording) -> None:
    closed = stack.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert closed.label in stack.one("aws:s3/bucketPolicy:BucketPolicy").waits_for


def test_nothing_waits_for_itself(stack: Recording) -> None:
    waits_for = {resource.label: set(resource.waits_for) for resource in stack.resources}
    while waits_for:
        ready = {label for label, others in waits_for.items() if not others & waits_for.keys()}
        assert ready, f"a circle among {sorted(waits_for)}"
        waits_for = {label: others for label, others in waits_for.items() if label not in ready}


# The component


def test_every_resource_is_a_child_of_the_component(stack: Recording) -> None:
    component = stack.one("thumbnailer:index:VideoThumbnailer")
    assert {resource.parent for resource in stack.resources if resource is not component} == {component.label}


def test_the_component_registers_the_outputs_that_the_stack_exports(deployed: Recording) -> None:
    assert deployed.component_outputs == deployed.outputs


def test_the_stack_exports_its_parts_and_commands_to_paste(deployed: Recording) -> None:
    videos = f"video-thumbnailer-dev-videos{AUTO_NAMING}"
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/video-thumbnailer-dev-failures{AUTO_NAMING}"
    log_group = f"/aws/lambda/video-thumbnailer-dev{AUTO_NAMING}"
    assert deployed.outputs == {
        "account": ACCOUNT,
        "region": REGION,
        "bucket": videos,
        "outputBucket": videos,
        "suffixes": [".mp4", ".mov"],
        "prefixes": [],
        "ignoreCase": False,
        "trigger": "s3",
        "function": f"video-thumbnailer-dev-function{AUTO_NAMING}",
        "logGroup": log_group,
        "failureQueue": queue,
        "imageDigest": deployed.one(FUNCTION).inputs["imageUri"],
        "eventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/video-thumbnailer-dev-outcomes{AUTO_NAMING}",
        "backfillRole": f"arn:aws:iam::{ACCOUNT}:role/video-thumbnailer-dev-backfill{AUTO_NAMING}",
        "backfillReports": f"s3://{videos}/video-thumbnailer-backfill",
        "uploadCommand": f"aws s3 cp video.mp4 s3://{videos}/ --region {REGION}",
        "logsCommand": f"aws logs tail {log_group} --follow --region {REGION}",
        "failuresCommand": f"aws sqs receive-message --queue-url {queue} "
        f"--max-number-of-messages 10 --visibility-timeout 0 --region {REGION}",
    }


def test_the_stack_exports_the_same_names_in_a_preview() -> None:
    assert record(EVERYTHING, preview=True).outputs.keys() == record(EVERYTHING).outputs.keys()


def test_a_plain_stack_exports_nothing_of_what_it_lacks(plain: Recording) -> None:
    assert not plain.outputs.keys() & {"eventBus", "backfillRole", "backfillReports"}


def test_another_program_uses_the_component_in_three_lines(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    elsewhere = os.path.relpath(tmp_path, ROOT)
    (tmp_path / "model.py").write_text('VERSION = "2.3.4"\n')
    program.write_text(
        "import pulumi\n"
        "from thumbnailer import Settings, VideoThumbnailer\n"
        'one = VideoThumbnailer("thumbnails", Settings(widths=(320,)))\n'
        f'VideoThumbnailer("more", context="{elsewhere}")\n'
    )
    made = record(program=str(program))
    assert len(made.all(FUNCTION)) == 2
    variables = made.one(FUNCTION, "thumbnails-function").inputs["environment"]["variables"]
    assert json.loads(variables["THUMBNAILER"])["widths"] == [320]
    build = made.one(IMAGE, "more-image").inputs["build"]
    assert (build["context"], build["args"]["VERSION"]) == (elsewhere, "2.3.4")


def test_a_folder_that_holds_no_image_of_this_project_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text('from thumbnailer import VideoThumbnailer\nVideoThumbnailer("x", context="./elsewhere")\n')
    with pytest.raises(ProgramFailed, match=r"elsewhere/model.py names no VERSION"):
        record(program=str(program))


def test_the_component_refuses_bad_settings_before_its_first_resource(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        'from thumbnailer import Settings, VideoThumbnailer\nVideoThumbnailer("x", Settings(quality=0, timeout=1))\n'
    )
    with pytest.raises(ProgramFailed, match=r"(?s)quality holds 0.*timeout holds 1"):
        record(program=str(program))


# The bucket


def test_the_bucket_is_private_encrypted_and_owned_by_its_account(stack: Recording) -> None:
    block = stack.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert [
        block[switch]
        for switch in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    ] == [True] * 4
    ownership = stack.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    encryption = stack.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ).inputs
    assert encryption["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
            "blockedEncryptionTypes": ["SSE-C"],
        }
    ]


def test_a_bucket_that_destroy_must_leave_keeps_its_policy_and_stays_closed(stack: Recording) -> None:
    parts = [each for each in stack.resources if each.type.startswith("aws:s3/bucket") and each.type != BUCKET]
    bucket = stack.one(BUCKET).label
    assert {each.deleted_with for each in parts if each.type != NOTIFICATION} == {bucket}
    # The function that it calls is gone, whether the bucket is or not.
    assert stack.one(NOTIFICATION).deleted_with == ""


@pytest.mark.parametrize(
    "type_", ["aws:s3/bucketPolicy:BucketPolicy", "aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"]
)
def test_bucket_queue_and_topic_deny_everybody_without_tls(deployed: Recording, type_: str) -> None:
    denial = policy_of(deployed, type_)[-1]
    assert (denial["Effect"], denial["Principal"]) == ("Deny", "*")
    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_unfinished_uploads_are_cleaned_up(stack: Recording) -> None:
    [rule] = stack.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert rule["status"] == "Enabled"
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
    assert "expiration" not in rule


@pytest.mark.parametrize("setting", ["true", "false"])
def test_a_bucket_with_videos_in_it_is_deleted_only_by_setting(setting: str) -> None:
    assert record({"forceDestroy": setting}).one(BUCKET).inputs["forceDestroy"] is (setting == "true")


def test_of_a_bucket_that_exists_only_the_notification_is_managed() -> None:
    made = record({"bucket": "films"})
    assert [each.type for each in made.resources if each.type.startswith("aws:s3/")] == [NOTIFICATION]
    assert made.one(NOTIFICATION).inputs["bucket"] == "films"
    permission = made.one(PERMISSION).inputs
    assert (permission["principal"], permission["sourceAccount"]) == ("s3.amazonaws.com", ACCOUNT)
    assert permission["sourceArn"] == "arn:aws:s3:::films"
    assert made.outputs["bucket"] == "films"


# The image


def test_the_image_reaches_the_function_by_digest(deployed: Recording) -> None:
    assert deployed.one(FUNCTION).inputs["imageUri"].endswith(f"video-thumbnailer-dev-image{AUTO_NAMING}@{DIGEST}")
    assert deployed.one(IMAGE).label in deployed.one(FUNCTION).waits_for


def test_a_preview_does_without_the_digest() -> None:
    assert record(preview=True).one(FUNCTION).inputs["imageUri"] == UNKNOWN


@pytest.mark.parametrize(("architecture", "platform"), [("x86_64", "linux/amd64"), ("arm64", "linux/arm64")])
def test_image_and_function_get_their_architecture_from_one_key(architecture: str, platform: str) -> None:
    made = record({"architecture": architecture})
    assert made.one(IMAGE).inputs["build"]["platform"] == platform
    assert made.one(FUNCTION).inputs["architectures"] == [architecture]


def test_an_image_that_was_built_elsewhere_needs_no_docker_and_no_repository() -> None:
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/thumbs@{DIGEST}"
    made = record({"imageUri": image})
    assert made.one(FUNCTION).inputs["imageUri"] == made.outputs["imageDigest"] == image
    assert not [each for each in made.resources if each.type.startswith(("docker:", "aws:ecr/"))]


def test_the_base_image_is_an_argument_of_the_build_so_that_another_one_is_another_build() -> None:
    pinned = f"public.ecr.aws/lambda/python:3.13@{DIGEST}"
    made = record({"baseImage": pinned, "buildOnPreview": "true"}).one(IMAGE).inputs
    assert made["build"]["args"]["BASE_IMAGE"] == pinned
    assert made["buildOnPreview"] is True


def test_the_modes_of_the_context_are_those_that_git_means(tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "service").mkdir(parents=True)
    (context / ".dockerignore").write_text("*\n!*.py\n!service\n!run\n!absent.txt\n")
    modes = {"handler.py": 0o600, "service/job.py": 0o664, "run": 0o700, "secret.txt": 0o600}
    for name, mode in modes.items():
        (context / name).write_text("")
        (context / name).chmod(mode)
    set_modes(context)
    held = {name: (context / name).stat().st_mode & 0o777 for name in modes}
    assert held == {"handler.py": 0o644, "service/job.py": 0o644, "run": 0o755, "secret.txt": 0o600}


def test_the_build_context_is_a_relative_path(stack: Recording) -> None:
    build = stack.one(IMAGE).inputs["build"]
    assert build["context"] == "./docker-ffmpeg-thumb"
    assert build["dockerfile"] == "./docker-ffmpeg-thumb/Dockerfile"


def test_the_credentials_of_the_registry_are_secrets(deployed: Recording) -> None:
    registry = deployed.one(IMAGE).inputs["registry"]
    assert (registry["username"], registry["password"]) == (SECRET, SECRET)
    assert "password-of-the-registry" not in repr(deployed)


def test_images_are_scanned_and_expire_by_count_never_by_age(stack: Recording) -> None:
    assert stack.one("aws:ecr/repository:Repository").inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    policy = json.loads(stack.one("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs["policy"])
    assert [rule["selection"]["countType"] for rule in policy["rules"]] == ["imageCountMoreThan"]


def test_only_functions_of_this_account_and_region_pull_the_image(deployed: Recording) -> None:
    [statement] = policy_of(deployed, "aws:ecr/repositoryPolicy:RepositoryPolicy")
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Condition"] == {"StringLike": {"aws:sourceArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"}}


# The function


def test_the_function_has_its_settings(deployed: Recording) -> None:
    inputs = deployed.one(FUNCTION).inputs
    assert (inputs["memorySize"], inputs["timeout"], inputs["reservedConcurrentExecutions"]) == (1769, 900, 5)
    assert inputs["tracingConfig"] == {"mode": "Active"}
    assert inputs["loggingConfig"]["logFormat"] == "JSON"
    assert inputs["loggingConfig"]["logGroup"] == deployed.outputs["logGroup"]


def test_no_concurrency_is_reserved_unless_asked_for(plain: Recording) -> None:
    assert "reservedConcurrentExecutions" not in plain.one(FUNCTION).inputs


def test_the_functions_environment_is_one_variable(deployed: Recording) -> None:
    assert deployed.one(FUNCTION).inputs["environment"]["variables"].keys() == {"THUMBNAILER"}


def test_an_event_that_fails_is_tried_again_and_then_kept_in_an_encrypted_queue(deployed: Recording) -> None:
    config = deployed.one("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig").inputs
    queue = deployed.one(QUEUE)
    assert (config["maximumRetryAttempts"], config["maximumEventAgeInSeconds"]) == (2, 21600)
    destination = config["destinationConfig"]["onFailure"]["destination"]
    assert destination == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.name}{AUTO_NAMING}"
    assert (queue.inputs["sqsManagedSseEnabled"], queue.inputs["messageRetentionSeconds"]) == (True, 14 * 86400)


# The role


def test_the_role_may_do_exactly_its_job(deployed: Recording) -> None:
    videos = f"arn:aws:s3:::{deployed.outputs['bucket']}"
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{deployed.outputs['logGroup']}"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:video-thumbnailer-dev-failures{AUTO_NAMING}"
    key = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd"
    ec2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    rights = {
        statement["Sid"]: (statement["Action"], statement["Resource"], statement.get("Condition"))
        for statement in policy_of(deployed, ROLE_POLICY, "-role")
        if statement["Effect"] == "Allow"
    }
    assert rights == {
        "ReadTheVideosThatTrigger": (
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{videos}/*.mp4", f"{videos}/*.mov"],
            None,
        ),
        "TellMissingFromForbidden": (
            ["s3:ListBucket"],
            [videos],
            {"StringLike": {"s3:prefix": ["*.mp4", "*.mov"]}},
        ),
        "ReadAndWriteTheOutputs": (
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            [
                f"{videos}/thumbnails/*{ending}"
                for ending in (
                    *(".jpg", ".storyboard.vtt", ".storyboard.m3u8", ".storyboard.json"),
                    *(".preview.webp", ".thumbnails.json"),
                )
            ],
            None,
        ),
        "WriteItsOwnLog": (["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group}:*"], None),
        "ReportFailedEvents": (["sqs:SendMessage"], [queue], None),
        "SendTraces": (["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"], None),
        "UseTheKeysThroughS3": (
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [key],
            {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
        ),
        "AnnounceOutcomes": (
            ["events:PutEvents"],
            [deployed.outputs["eventBus"]],
            {"StringEqualsIfExists": {"events:source": "video-thumbnailer"}},
        ),
        "CreateNetworkInterfaces": (
            ["ec2:CreateNetworkInterface"],
            [f"{ec2}:network-interface/*", f"{ec2}:subnet/subnet-0a1b2c3d", f"{ec2}:security-group/sg-0a1b2c3d"],
            None,
        ),
        "ChangeNetworkInterfaces": (
            ["ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"],
            [f"{ec2}:network-interface/*"],
            None,
        ),
        "FindNetworkInterfaces": (["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], ["*"], None),
    }


def test_what_lambda_may_do_in_the_network_the_functions_own_code_may_not(deployed: Recording) -> None:
    allowed, denied = (
        {
            action
            for each in policy_of(deployed, ROLE_POLICY, "-role")
            if each["Effect"] == effect
            for action in each["Action"]
        }
        for effect in ("Allow", "Deny")
    )
    assert denied == {action for action in allowed if action.startswith("ec2:")}
    [condition] = [each["Condition"] for each in policy_of(deployed, ROLE_POLICY, "-role") if each["Effect"] == "Deny"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:video-thumbnailer-dev-function-*"
    assert condition == {"ArnLike": {"lambda:SourceFunctionArn": function}}
    network = deployed.one(FUNCTION).inputs["vpcConfig"]
    assert network == {"subnetIds": ["subnet-0a1b2c3d"], "securityGroupIds": ["sg-0a1b2c3d"]}


def test_the_plain_role_has_no_right_that_nothing_asked_for(plain: Recording) -> None:
    allowed = {action for each in policy_of(plain, ROLE_POLICY) for action in each["Action"]}
    assert not {action for action in allowed if action.startswith(("kms:", "events:", "ec2:"))}
    assert "s3:DeleteObject" not in allowed
    assert "vpcConfig" not in plain.one(FUNCTION).inputs


def test_without_a_manifest_the_role_may_not_write_one(plain: Recording) -> None:
    assert "thumbnails.json" not in plain.one(ROLE_POLICY).inputs["policy"]


def test_with_an_output_bucket_the_role_writes_there_and_nowhere_else() -> None:
    made = record({"bucket": "films", "outputBucket": "posters", "format": "webp"})
    written = [
        resource
        for statement in policy_of(made, ROLE_POLICY)
        for resource in statement["Resource"]
        if "s3:PutObject" in statement["Action"]
    ]
    assert written == ["arn:aws:s3:::posters/*.webp"]
    assert made.outputs["outputBucket"] == "posters"


@pytest.mark.parametrize(
    "keys",
    [
        {"suffixes": json.dumps([f"-{number:02}-".ljust(60, "x") + ".mp4" for number in range(100)])},
        {"prefixes": json.dumps([f"{number:02}-".ljust(128, "x") for number in range(20)])},
        {"prefixes": json.dumps([f"{number:02}-{'ä' * 62}" for number in range(20)])},
        {"suffixes": '[".mpeg", "-longer.mov"]', "ignoreCase": "true", "trigger": "eventbridge"},
    ],
    ids=["suffixes", "prefixes", "prefixes in other letters", "spellings"],
)
def test_the_longest_settings_still_fit_into_the_roles_policy(keys: dict[str, str]) -> None:
    bucket = "b" * 63
    made = record(
        {**EVERYTHING, **keys, "bucket": bucket, "outputBucket": "o" * 63, "outputPrefix": "p" * 512},
        buckets={bucket: {"eventbridge": True}},
    )
    # IAM's limit for all inline policies of a role, which counts no white space (IAM User Guide, "IAM quotas").
    assert len(made.one(ROLE_POLICY, "-role").inputs["policy"].replace(" ", "")) <= 10240


def test_the_role_reads_what_triggers_and_nothing_else() -> None:
    made = record({"prefixes": '["a/", "b/"]', "suffixes": '[".mp4", ".ts"]', "bucket": "films"})
    [readable] = [each["Resource"] for each in policy_of(made, ROLE_POLICY) if "s3:GetObjectVersion" in each["Action"]]
    assert readable == [f"arn:aws:s3:::films/{keys}" for keys in ("a/*.mp4", "a/*.ts", "b/*.mp4", "b/*.ts")]


def test_the_role_reads_capitals_where_case_is_ignored() -> None:
    policy = record({"ignoreCase": "true"}).one(ROLE_POLICY).inputs["policy"]
    assert all(f"*{suffix}" in policy for suffix in (".mp4", ".MP4", ".Mp4", ".mP4"))
    assert "*.mov" not in policy


# Alarms


def test_six_alarms_watch_the_service(stack: Recording) -> None:
    watched = {
        alarm.inputs["metricName"]: (alarm.inputs["namespace"], alarm.inputs["threshold"]) for alarm in stack.all(ALARM)
    }
    assert watched == {
        "Errors": ("AWS/Lambda", 0),
        "Throttles": ("AWS/Lambda", 0),
        "Duration": ("AWS/Lambda", 240_000),
        "AsyncEventsDropped": ("AWS/Lambda", 0),
        "DestinationDeliveryFailures": ("AWS/Lambda", 0),
        "ApproximateNumberOfMessagesVisible": ("AWS/SQS", 0),
    }


def test_the_duration_alarm_follows_the_smaller_of_the_two_limits() -> None:
    assert record({"timeout": "100"}).one(ALARM, "-duration").inputs["threshold"] == 80_000
    assert record({"jobSeconds": "50"}).one(ALARM, "-duration").inputs["threshold"] == 40_000


def test_alarms_go_to_a_topic_that_is_there_and_nothing_of_it_is_changed() -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
    made = record({"alarmTopic": topic})
    assert {tuple(alarm.inputs[kind]) for alarm in made.all(ALARM) for kind in ("alarmActions", "okActions")} == {
        (topic,)
    }
    assert not [each for each in made.resources if each.type.startswith("aws:sns/")]


def test_the_dashboard_shows_this_stacks_metrics_and_no_others(deployed: Recording) -> None:
    dashboard = deployed.one("aws:cloudwatch/dashboard:Dashboard").inputs
    function = deployed.outputs["function"]
    assert dashboard["dashboardName"] == function
    widgets = json.loads(dashboard["dashboardBody"])["widgets"]
    shown = [metric for widget in widgets for metric in widget["properties"]["metrics"] if isinstance(metric[0], str)]
    assert {metric[1] for metric in shown} >= {
        *("made", "unchanged", "superseded", "skipped", "rejected", "failed", "seconds", "bytes_read"),
        *("Duration", "AsyncEventAge", "Errors", "DestinationDeliveryFailures", "ApproximateNumberOfMessagesVisible"),
    }
    queue = deployed.outputs["failureQueue"].rpartition("/")[2]
    assert all(metric[3] in (function, queue) for metric in shown)
    [cost] = [
        metric[0]["expression"]
        for widget in widgets
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], dict)
    ]
    assert cost == "duration / 1000 * 1.7275390625 * 0.0000166667 + invocations * 0.0000002"
    assert len(widgets) == 6


# Announcements and backfills


def test_the_function_is_told_the_bus_and_takes_requests_from_it(deployed: Recording) -> None:
    told = json.loads(deployed.one(FUNCTION).inputs["environment"]["variables"]["THUMBNAILER"])
    assert told["eventBus"] == deployed.outputs["eventBus"]
    rule = deployed.one("aws:cloudwatch/eventRule:EventRule").inputs
    assert json.loads(rule["eventPattern"]) == {
        "source": ["video-thumbnailer"],
        "detail-type": ["Retake Requested"],
        "detail": {"retake": {"bucket": [deployed.outputs["bucket"]]}},
    }
    bus = f"video-thumbnailer-dev-outcomes{AUTO_NAMING}"
    target = deployed.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    assert rule["eventBusName"] == target["eventBusName"] == bus


@pytest.mark.parametrize(("account", "rules"), [(ACCOUNT, 1), ("210987654321", 0)])
def test_a_bus_that_is_there_is_used_as_far_as_it_is_this_accounts(account: str, rules: int) -> None:
    bus = f"arn:aws:events:{REGION}:{account}:event-bus/company"
    made = record({"notify": bus})
    assert made.outputs["eventBus"] == bus
    assert not made.all("aws:cloudwatch/eventBus:EventBus")
    assert len(made.all("aws:cloudwatch/eventRule:EventRule")) == rules


def test_batch_operations_may_call_the_function_and_keep_reports_and_nothing_else(deployed: Recording) -> None:
    role = deployed.one("aws:iam/role:Role", "-backfill").inputs
    [trust] = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "batchoperations.s3.amazonaws.com"}
    videos = f"arn:aws:s3:::{deployed.outputs['bucket']}"
    rights = {tuple(each["Action"]): each["Resource"] for each in policy_of(deployed, ROLE_POLICY, "-backfill")}
    assert rights == {
        ("lambda:InvokeFunction",): [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{deployed.outputs['function']}"],
        ("s3:PutInventoryConfiguration",): [videos],
        ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"): [f"{videos}/video-thumbnailer-backfill/*"],
        ("s3:GetBucketLocation",): [videos],
        ("kms:Decrypt", "kms:GenerateDataKey"): ["arn:aws:kms:eu-north-1:123456789012:key/1234abcd"],
    }


REACTION = """
import pulumi
from thumbnailer import OnNewThumbnail, Settings, VideoThumbnailer

thumbnails = VideoThumbnailer("thumbnails", Settings(notify=True))
OnNewThumbnail("site", bus=thumbnails.event_bus, handler="{handler}")
"""


@pytest.mark.parametrize(
    ("handler", "right"),
    [
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:site", "lambda:InvokeFunction"),
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:site", "sqs:SendMessage"),
        (f"arn:aws:sns:{REGION}:{ACCOUNT}:site", "sns:Publish"),
    ],
)
def test_a_handler_gets_new_thumbnails_by_a_role_that_can_do_just_that(
    tmp_path: Path, handler: str, right: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(REACTION.format(handler=handler))
    made = record(program=str(program))
    pattern = json.loads(made.one("aws:cloudwatch/eventRule:EventRule", "site-announcements").inputs["eventPattern"])
    assert pattern == {"source": ["video-thumbnailer"], "detail-type": ["Thumbnails Made"]}
    [statement] = policy_of(made, ROLE_POLICY, "site-announcer")
    assert (statement["Action"], statement["Resource"]) == ([right], [handler])
    target = made.one("aws:cloudwatch/eventTarget:EventTarget", "site-announcements").inputs
    assert target["arn"] == handler
    assert target["roleArn"].endswith(f":role/site-announcer{AUTO_NAMING}")
    assert target["deadLetterConfig"]["arn"].endswith(f":site-undelivered{AUTO_NAMING}")


def test_a_handler_of_another_kind_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(REACTION.format(handler=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:x"))
    with pytest.raises(ProgramFailed, match="it may be the ARN of a Lambda function, an SQS queue or an SNS topic"):
        record(program=str(program))


# Mail


def test_alarms_send_mail_to_the_address_that_is_set(deployed: Recording) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:video-thumbnailer-dev-alarms{AUTO_NAMING}"
    subscription = deployed.one("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "team@example.com")
    assert {tuple(alarm.inputs["alarmActions"]) for alarm in deployed.all(ALARM)} == {(topic,)}


def test_cloudwatch_may_publish_to_the_encrypted_topic(deployed: Recording) -> None:
    assert deployed.one(TOPIC).inputs["kmsMasterKeyId"].startswith("arn:aws:kms:")
    may_encrypt = policy_of(deployed, "aws:kms/key:Key")[-1]
    assert may_encrypt["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert may_encrypt["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    may_publish = policy_of(deployed, "aws:sns/topicPolicy:TopicPolicy")[0]
    assert may_publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}


def test_neither_topic_nor_key_serves_the_alarms_of_another_account(deployed: Recording) -> None:
    only_own = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
    assert policy_of(deployed, "aws:kms/key:Key")[-1]["Condition"] == only_own
    assert policy_of(deployed, "aws:sns/topicPolicy:TopicPolicy")[0]["Condition"] == only_own


def test_without_an_address_there_is_no_topic_and_no_key(plain: Recording) -> None:
    assert not plain.all(TOPIC)
    assert not plain.all("aws:kms/key:Key")
    assert all(alarm.inputs["alarmActions"] == [] for alarm in plain.all(ALARM))


# Everything


def test_everything_that_takes_tags_has_the_project_and_the_stack(stack: Recording) -> None:
    tagged = {resource.type for resource in stack.resources if "tags" in resource.inputs}
    assert tagged == {type_ for type_, mocked in TYPES.items() if mocked.tagged}
    assert all(
        resource.inputs["tags"] == {"Project": "video-thumbnailer", "Stack": "dev"}
        for resource in stack.resources
        if resource.type in tagged
    )


def test_nothing_is_deprecated_and_nothing_warns(stack: Recording) -> None:
    assert stack.said == ()


def test_the_role_has_its_policy_in_a_resource_of_its_own(stack: Recording) -> None:
    # Both inputs are deprecated, and the SDK does not warn of them.
    assert not stack.one("aws:iam/role:Role", "-role").inputs.keys() & {"inlinePolicies", "managedPolicyArns"}


@pytest.mark.parametrize(
    "name", ["a", "Production", "team.web_EU-1", "x" * 100, "S" * 100, "..", "a-" * 50], ids=lambda name: name[:13]
)
def test_names_are_legal_in_aws_for_any_legal_name_of_the_stack(name: str) -> None:
    # The mock adds what auto-naming adds, and refuses what AWS would refuse.
    assert record({"alarmEmail": "team@example.com"}, stack=name).all(FUNCTION)


def test_two_stacks_never_share_their_names() -> None:
    from thumbnailer.names import base_name

    names = ["a.b", "a-b", "a_b", "A-B", "x" * 99, "x" * 100]
    assert len({base_name(name) for name in names}) == len(names)


def test_every_setting_that_pulumi_yaml_declares_is_one_that_the_program_reads() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert list(declared) == setting_names()
    assert all(row["description"] for row in declared.values())


def test_a_stack_with_the_defaults_of_pulumi_yaml_is_one_with_the_defaults_of_the_program() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = {key: row["default"] for key, row in declared.items()}
    pulumi.runtime.set_all_config(
        {f"p:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in defaults.items()}
    )
    assert read_settings(pulumi.Config("p")) == Settings()


# The mock itself


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('aws.s3.BucketAcl("x", bucket="y")', "the mock has no type aws:s3/bucketAcl:BucketAcl"),
        ("aws.get_availability_zones()", "the mock has no call aws:index/getAvailabilityZones"),
        ('aws.s3.Bucket("Capitals")', "takes names of 63 characters"),
    ],
)
def test_the_mock_refuses_what_it_does_not_know(tmp_path: Path, line: str, complaint: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"import pulumi_aws as aws\n{line}\n")
    with pytest.raises(ProgramFailed, match=re.escape(complaint)):
        record(program=str(program))


def test_the_recording_hears_of_deprecated_inputs(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text('import pulumi_aws as aws\naws.s3.Bucket("x", aws.s3.BucketArgs(acl="private"))\n')
    assert any("acl is deprecated" in line for line in record(program=str(program)).said)
