"""The rights that docs/operations.md names are enough, and no one of them is too many: enforced by the emulated IAM.

The emulated AWS has no S3 Batch Operations, and asks for no right to an account's settings: those are not tried.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulator import ROOT, emulator
from local.processes import free_port
from local.program import register
from tests.operate.service import Service, event, serving

UNTRIED = {
    "s3:CreateJob",
    "s3:ListJobs",
    "s3:DescribeJob",
    "s3:UpdateJobStatus",
    "iam:PassRole",
    "lambda:GetAccountSettings",
}
ASKED_FOR = {
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
    "lambda:GetFunctionConcurrency": "lambda:PutFunctionConcurrency",
}
"""Rights that AWS asks for, and what the emulated AWS asks for instead."""
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/outcomes"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("rights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
        with emulator(free_port(), folder, enforce_iam=True) as aws:
            registered = register(aws, folder, {}, build_image=False)
            with serving(aws, registered, folder) as up:
                aws.client("events").create_event_bus(Name="outcomes")
                up.invoke(event("a.mp4"))
                up.wait_for_depth(1)
                yield up


def documented(service: Service, *commands: str) -> list[dict[str, Any]]:
    """Return the statements of docs/operations.md that are for these subcommands, for this stack; all where none is
    named."""
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    sqs, functions = service.emulator.client("sqs"), service.emulator.client("lambda")
    names = ["QueueArn"]
    queue = sqs.get_queue_attributes(QueueUrl=service.registered.queue_url, AttributeNames=names)["Attributes"]
    function = functions.get_function(FunctionName=service.registered.function.name)["Configuration"]["FunctionArn"]
    bucket = f"arn:aws:s3:::{service.registered.bucket}"
    # The longer name first: it holds the shorter one.
    values = {
        "QUEUE_ARN": queue["QueueArn"],
        "FUNCTION_ARN": function,
        "OUTPUT_BUCKET_ARN": bucket,
        "BUCKET_ARN": bucket,
        "BUS_ARN": BUS,
        "ROLE_ARN": "arn:aws:iam::000000000000:role/backfill",
        "REGION": "us-east-1",
        "ACCOUNT": "000000000000",
    }
    for name, value in values.items():
        block = block.replace(name, value)
    statements: list[dict[str, Any]] = json.loads(block)["Statement"]
    return [each for each in statements if not commands or any(command in each["Sid"] for command in commands)]


def without(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    left = [{**each, "Action": [name for name in actions(each) if name != action]} for each in statements]
    return [each for each in left if each["Action"]]


def actions(statement: dict[str, Any]) -> list[str]:
    named = statement["Action"]
    return named if isinstance(named, list) else [named]


def credentials(service: Service, name: str, statements: list[dict[str, Any]]) -> dict[str, str]:
    """Create a user with these rights and no others; return the credentials."""
    iam = service.emulator.client("iam")
    iam.create_user(UserName=name)
    allowed = {action for statement in statements for action in actions(statement)}
    more = [ASKED_FOR[action] for action in allowed & ASKED_FOR.keys()]
    statements = [*statements, *({"Effect": "Allow", "Action": action, "Resource": "*"} for action in more)]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="operate", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_REGION": "us-east-1",
    }


def test_to_look_takes_the_first_statement_alone(service: Service) -> None:
    look = credentials(service, "looks", documented(service)[:1])
    done = service.redrive(credentials=look)
    assert done.returncode == 0, done.stderr
    assert "a.mp4" in done.stdout
    assert service.depth() == (1, 0)


def test_who_may_only_look_replays_nothing_and_loses_nothing(service: Service) -> None:
    service.function.broken = False
    done = service.redrive("--all", credentials=credentials(service, "only-looks", documented(service)[:1]))
    assert done.returncode == 1
    assert "AccessDenied" in done.stdout
    assert service.function.events == []
    assert service.depth() == (1, 0)


@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("sqs:GetQueueAttributes", ()),
        ("sqs:ReceiveMessage", ()),
        ("lambda:InvokeFunction", ("--all",)),
        ("sqs:DeleteMessage", ("--all",)),
        ("sqs:ChangeMessageVisibility", ()),  # the last: the message stays hidden until its timeout
    ],
)
def test_without_any_one_of_the_rights_the_call_that_is_denied_is_told(
    service: Service, action: str, options: tuple[str, ...]
) -> None:
    statements = without(documented(service, "Redrive"), action)
    lacking = credentials(service, "lacks-" + action.replace(":", "-"), statements)
    done = service.redrive(*options, credentials=lacking)
    assert done.returncode == 1
    assert f"not authorized to perform: {action}" in done.stdout + done.stderr
    assert sum(service.depth()) == 1


def test_all_of_the_rights_replay(service: Service) -> None:
    # Another one, for the first may have been replayed already by who may not delete it.
    service.function.broken = True
    service.invoke(event("b.mp4"))
    deadline = time.monotonic() + 20
    while service.depth()[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    service.function.broken = False
    done = service.redrive("--all", credentials=credentials(service, "replays", documented(service, "Redrive")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert service.depth()[0] == 0
    while event("b.mp4") not in service.function.events:
        assert time.monotonic() < deadline + 20
        time.sleep(0.1)


OTHERS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "Retake": [
        ("lambda:InvokeFunction", ("retake", "a.mp4", "--no-wait")),
        ("s3:ListBucket", ("retake", "--prefix", "a", "--no-wait", "--yes")),
        ("events:PutEvents", ("retake", "a.mp4", "--bus", "outcomes")),
    ],
    "Backfill": [
        ("lambda:GetFunctionConfiguration", ("backfill", "--dry-run")),
        ("lambda:GetFunctionConcurrency", ("backfill", "--dry-run")),
        ("s3:ListBucket", ("backfill", "--dry-run")),
    ],
    "Notifications": [
        ("s3:GetBucketNotification", ("notifications", "show")),
        ("s3:PutBucketNotification", ("notifications", "enable", "--yes")),
        ("events:ListRules", ("notifications", "disable", "--yes")),
    ],
}


@pytest.mark.parametrize("command", OTHERS)
def test_each_right_is_needed_and_all_of_them_are_enough(service: Service, command: str) -> None:
    s3 = service.emulator.client("s3")
    bucket = service.registered.bucket
    s3.put_object(Bucket=bucket, Key="a.mp4", Body=b"video")
    statements = documented(service, command)

    def run(options: tuple[str, ...], allowed: list[dict[str, Any]]) -> Any:
        number = len(service.emulator.client("iam").list_users()["Users"])
        user = credentials(service, f"{command}-{number}", allowed)
        return service.operate(options[0], "--outputs", str(service.outputs), *options[1:], credentials=user)

    for action, options in OTHERS[command]:
        if options[1] == "disable":
            switched = s3.get_bucket_notification_configuration(Bucket=bucket)
            assert "EventBridgeConfiguration" in switched
        denied = run(options, without(statements, action))
        assert denied.returncode == 1, f"{options} needs no {action}"
        assert re.search(r"(AccessDenied|not authorized).*", denied.stdout + denied.stderr), action
        done = run(options, statements)
        assert done.returncode == 0, done.stdout + done.stderr
    s3.delete_object(Bucket=bucket, Key="a.mp4")


def test_every_right_of_the_page_is_tried_here_or_named_as_untried(service: Service) -> None:
    redrive = {action for statement in documented(service, "Redrive") for action in actions(statement)}
    tried = redrive | {action for rights in OTHERS.values() for action, _ in rights}
    objects = {"s3:GetObject", "s3:PutObject"}  # of the reports, which come from jobs
    every = {action for statement in documented(service) for action in actions(statement)}
    assert every == tried | UNTRIED | objects
