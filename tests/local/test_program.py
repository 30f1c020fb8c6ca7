"""The Pulumi program against the emulated AWS: what is made, and what a program that fails is answered with."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.emulator import ROOT, Emulator, emulator
from local.failure import LocalFailure
from local.processes import free_port
from local.program import Registered, register

HEAD = "import pulumi, pulumi_aws as aws\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(free_port(), tmp_path_factory.mktemp("emulator")) as up:
        yield up


@pytest.fixture(scope="module")
def registered(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    settings = {"suffixes": [".mp4", ".mov"], "alarmEmail": "a@example.com", "reservedConcurrency": 3}
    return register(aws, tmp_path_factory.mktemp("program"), settings, build_image=False)


def test_the_bucket_is_private_encrypted_and_calls_the_function_for_each_suffix(
    aws: Emulator, registered: Registered
) -> None:
    s3, bucket = aws.client("s3"), registered.bucket
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    rows = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    assert [row["Filter"]["Key"]["FilterRules"][0]["Value"] for row in rows] == [".mp4", ".mov"]
    assert {row["LambdaFunctionArn"].rpartition(":")[2] for row in rows} == {registered.function.name}


def test_the_function_has_its_environment_log_group_and_reservation(aws: Emulator, registered: Registered) -> None:
    found = aws.client("lambda").get_function(FunctionName=registered.function.name)
    assert found["Configuration"]["PackageType"] == "Image"
    assert found["Configuration"]["Environment"]["Variables"] == registered.function.environment
    assert json.loads(registered.function.environment["THUMBNAILER"])["position"] == "auto"
    assert found["Concurrency"]["ReservedConcurrentExecutions"] == 3
    assert found["Code"]["ImageUri"] == registered.function.image
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=registered.log_group)["logGroups"]
    assert groups[0]["retentionInDays"] == 30


def test_alarms_queue_and_topic_are_made(aws: Emulator, registered: Registered) -> None:
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    topics = [topic["TopicArn"] for topic in aws.client("sns").list_topics()["Topics"]]
    assert len(alarms) >= 4
    assert all(set(alarm["AlarmActions"]) <= set(topics) and alarm["AlarmActions"] for alarm in alarms)
    aws.client("sqs").get_queue_attributes(QueueUrl=registered.queue_url, AttributeNames=["All"])


def test_outputs_come_back_as_the_program_exports_them(registered: Registered) -> None:
    assert registered.outputs["bucket"] == registered.bucket
    assert registered.outputs["function"] == registered.function.name
    assert registered.outputs["imageDigest"] == registered.function.image


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("aws.dynamodb.Table('t', hash_key='k')", "resource type aws:dynamodb/table:Table is not known here"),
        ("aws.get_availability_zones()", "call aws:index/getAvailabilityZones:getAvailabilityZones: is not known"),
        (
            "aws.s3.Bucket('b', object_lock_enabled=True)",
            "input objectLockEnabled of aws:s3/bucket:Bucket is not carried",
        ),
        ("raise KeyError('what')", "KeyError: 'what'"),
        ("import sys; sys.exit('early')", "early"),
        ("aws.sqs.Queue('q')", "the program made 0 resources of type"),
    ],
)
def test_a_program_that_fails_ends_in_one_line(program: str, words: str, aws: Emulator, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(f"{HEAD}{program}\n")
    with pytest.raises(LocalFailure) as failure:
        register(aws, tmp_path, {}, build_image=False, program=tmp_path)
    assert words in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_busy_port_ends_in_one_line_and_status_1(aws: Emulator) -> None:
    command = [sys.executable, "-m", "local", "--once", "--runtime", "processes", "--port", str(aws.port)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"make local: port {aws.port} is in use: ")
    assert done.stderr.count("\n") == 1
