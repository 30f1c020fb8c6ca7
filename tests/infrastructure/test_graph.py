"""What the stack is made of, and in which order it is made."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .aws_mock import ACCOUNT, AUTO_NAMING, DIGEST, REGION, TYPES
from .recording import ROOT, SECRET, UNKNOWN, ProgramFailed, Recording, record

FUNCTION = "aws:lambda/function:Function"
IMAGE = "docker:index/image:Image"
PERMISSION = "aws:lambda/permission:Permission"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
BUCKET = "aws:s3/bucket:Bucket"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
QUEUE = "aws:sqs/queue:Queue"


def policy_of(stack: Recording, type_: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(stack.one(type_).inputs["policy"])["Statement"]
    return statements


# Order


def test_the_notification_waits_for_the_permission(stack: Recording) -> None:
    assert stack.one(PERMISSION).label in stack.one(NOTIFICATION).waits_for


def test_the_function_waits_for_its_log_group_and_its_policy_and_the_right_to_pull_its_image(stack: Recording) -> None:
    waits_for = stack.one(FUNCTION).waits_for
    assert stack.one("aws:cloudwatch/logGroup:LogGroup").label in waits_for
    assert stack.one("aws:iam/rolePolicy:RolePolicy").label in waits_for
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
        "bucket": videos,
        "function": f"video-thumbnailer-dev-function{AUTO_NAMING}",
        "logGroup": log_group,
        "failureQueue": queue,
        "imageDigest": deployed.one(FUNCTION).inputs["imageUri"],
        "uploadCommand": f"aws s3 cp video.mp4 s3://{videos}/ --region {REGION}",
        "logsCommand": f"aws logs tail {log_group} --follow --region {REGION}",
        "failuresCommand": f"aws sqs receive-message --queue-url {queue} "
        f"--max-number-of-messages 10 --visibility-timeout 0 --region {REGION}",
    }


def test_the_stack_exports_the_same_names_in_a_preview() -> None:
    assert record(preview=True).outputs.keys() == record().outputs.keys()


def test_another_program_uses_the_component_in_three_lines(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import pulumi\n"
        "from thumbnailer import Settings, VideoThumbnailer\n"
        'one = VideoThumbnailer("thumbnails", Settings(widths=(320,)))\n'
        'VideoThumbnailer("more", context="./elsewhere")\n'
    )
    made = record(program=str(program))
    assert len(made.all(FUNCTION)) == 2
    assert made.one(FUNCTION, "thumbnails-function").inputs["environment"]["variables"]["THUMBNAIL_WIDTHS"] == "[320]"
    assert made.one(IMAGE, "more-image").inputs["build"]["context"] == "./elsewhere"


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
    assert encryption["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]


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
    assert made.one(PERMISSION).inputs["sourceArn"] == "arn:aws:s3:::films"
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


def test_the_build_context_is_a_relative_path_and_the_base_image_is_the_dockerfiles_own(stack: Recording) -> None:
    build = stack.one(IMAGE).inputs["build"]
    assert build["context"] == "./docker-ffmpeg-thumb"
    assert build["dockerfile"] == "./docker-ffmpeg-thumb/Dockerfile"
    assert "args" not in build


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


def test_the_environment_tells_the_image_every_setting_of_the_picture(deployed: Recording) -> None:
    assert deployed.one(FUNCTION).inputs["environment"]["variables"] == {
        "THUMBNAIL_SUFFIXES": '[".mp4", ".mov"]',
        "THUMBNAIL_POSITION": "auto",
        "THUMBNAIL_WIDTHS": "[640, 320]",
        "THUMBNAIL_FORMAT": "jpg",
        "THUMBNAIL_QUALITY": "80",
        "THUMBNAIL_FIT": "cover",
        "THUMBNAIL_HEIGHT": "360",
        "THUMBNAIL_PAD_COLOR": "#000000",
        "THUMBNAIL_STORYBOARD": "true",
        "THUMBNAIL_STORYBOARD_PLAYLIST": "true",
        "THUMBNAIL_STORYBOARD_BUDGET": "64",
        "THUMBNAIL_PREVIEW": "webp",
        "THUMBNAIL_PLACEHOLDER": "true",
        "THUMBNAIL_JOB_SECONDS": "300",
        "THUMBNAIL_MANIFEST": "true",
        "THUMBNAIL_OUTPUT_BUCKET": deployed.outputs["bucket"],
        "THUMBNAIL_OUTPUT_PREFIX": "thumbnails/",
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def test_an_event_that_fails_is_tried_again_and_then_kept_in_an_encrypted_queue(deployed: Recording) -> None:
    config = deployed.one("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig").inputs
    queue = deployed.one(QUEUE)
    assert (config["maximumRetryAttempts"], config["maximumEventAgeInSeconds"]) == (2, 21600)
    destination = config["destinationConfig"]["onFailure"]["destination"]
    assert destination == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.name}{AUTO_NAMING}"
    assert (queue.inputs["sqsManagedSseEnabled"], queue.inputs["messageRetentionSeconds"]) == (True, 14 * 86400)


# The trigger


def test_one_notification_has_one_rule_a_suffix(deployed: Recording) -> None:
    rules = deployed.one(NOTIFICATION).inputs["lambdaFunctions"]
    assert [rule["filterSuffix"] for rule in rules] == [".mp4", ".mov"]
    assert {tuple(rule["events"]) for rule in rules} == {("s3:ObjectCreated:*",)}


def test_only_this_bucket_of_this_account_calls_the_function(deployed: Recording) -> None:
    inputs = deployed.one(PERMISSION).inputs
    assert inputs["principal"] == "s3.amazonaws.com"
    assert inputs["sourceArn"] == f"arn:aws:s3:::{deployed.outputs['bucket']}"
    assert inputs["sourceAccount"] == ACCOUNT


# The role


def test_the_role_may_do_exactly_its_job(deployed: Recording) -> None:
    videos = f"arn:aws:s3:::{deployed.outputs['bucket']}"
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{deployed.outputs['logGroup']}"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:video-thumbnailer-dev-failures{AUTO_NAMING}"
    rights = {
        tuple(statement["Action"]): (statement["Resource"], statement.get("Condition"))
        for statement in policy_of(deployed, "aws:iam/rolePolicy:RolePolicy")
    }
    assert rights == {
        ("s3:GetObject", "s3:GetObjectVersion"): ([f"{videos}/*.mp4", f"{videos}/*.mov"], None),
        ("s3:ListBucket",): ([videos], {"StringLike": {"s3:prefix": ["*.mp4", "*.mov"]}}),
        ("s3:GetObject", "s3:PutObject"): (
            [
                f"{videos}/thumbnails/*{ending}"
                for ending in (".jpg", ".storyboard.vtt", ".storyboard.m3u8", ".preview.webp", ".thumbnails.json")
            ],
            None,
        ),
        ("logs:CreateLogStream", "logs:PutLogEvents"): ([f"{log_group}:*"], None),
        ("sqs:SendMessage",): ([queue], None),
        ("xray:PutTraceSegments", "xray:PutTelemetryRecords"): (["*"], None),
    }


def test_without_a_manifest_the_role_may_not_write_one(plain: Recording) -> None:
    assert "thumbnails.json" not in plain.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]


def test_with_an_output_bucket_the_role_writes_there_and_nowhere_else() -> None:
    made = record({"bucket": "films", "outputBucket": "posters", "format": "webp"})
    written = [
        resource
        for statement in policy_of(made, "aws:iam/rolePolicy:RolePolicy")
        for resource in statement["Resource"]
        if "s3:PutObject" in statement["Action"]
    ]
    assert written == ["arn:aws:s3:::posters/*.webp"]
    variables = made.one(FUNCTION).inputs["environment"]["variables"]
    assert variables["THUMBNAIL_OUTPUT_BUCKET"] == "posters"


def test_the_longest_settings_still_fit_into_the_roles_policy() -> None:
    suffixes = [f"-{number:02}-".ljust(60, "x") + ".mp4" for number in range(20)]
    made = record(
        {
            "suffixes": json.dumps(suffixes),
            "bucket": "b" * 63,
            "outputBucket": "o" * 63,
            "outputPrefix": "p" * 512,
            "manifest": "true",
        }
    )
    # IAM's limit for all inline policies of a role, which counts no white space (IAM User Guide, "IAM quotas").
    assert len(made.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"].replace(" ", "")) <= 10240


# Alarms


def test_four_alarms_watch_the_service(stack: Recording) -> None:
    watched = {
        alarm.inputs["metricName"]: (alarm.inputs["namespace"], alarm.inputs["threshold"]) for alarm in stack.all(ALARM)
    }
    assert watched == {
        "Errors": ("AWS/Lambda", 0),
        "Throttles": ("AWS/Lambda", 0),
        "Duration": ("AWS/Lambda", 720_000),
        "ApproximateNumberOfMessagesVisible": ("AWS/SQS", 0),
    }


def test_the_duration_alarm_follows_the_timeout() -> None:
    assert record({"timeout": "100"}).one(ALARM, "-duration").inputs["threshold"] == 80_000


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
    assert not stack.one("aws:iam/role:Role").inputs.keys() & {"inlinePolicies", "managedPolicyArns"}


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
    from thumbnailer.settings import setting_names

    declared = re.findall(r"^  (\w+):$", (ROOT / "Pulumi.yaml").read_text().split("\nconfig:\n")[1], re.MULTILINE)
    assert declared == setting_names()


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
