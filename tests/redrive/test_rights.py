"""The rights that docs/operations.md names are enough, and no one of them is too many: enforced by the emulated IAM."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulator import ROOT, emulator
from local.processes import free_port
from local.program import register
from tests.redrive.service import Service, event, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("rights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
        with emulator(free_port(), folder, enforce_iam=True) as aws:
            registered = register(aws, folder, {}, build_image=False)
            with serving(aws, registered, folder) as up:
                up.invoke(event("a.mp4"))
                up.wait_for_depth(1)
                yield up


def documented(service: Service) -> list[dict[str, Any]]:
    """The statements of docs/operations.md, for this stack."""
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    sqs, functions = service.emulator.client("sqs"), service.emulator.client("lambda")
    names = ["QueueArn"]
    queue = sqs.get_queue_attributes(QueueUrl=service.registered.queue_url, AttributeNames=names)["Attributes"]
    function = functions.get_function(FunctionName=service.registered.function.name)["Configuration"]["FunctionArn"]
    policy = json.loads(block.replace("QUEUE_ARN", queue["QueueArn"]).replace("FUNCTION_ARN", function))
    statements: list[dict[str, Any]] = policy["Statement"]
    return statements


def credentials(service: Service, name: str, statements: list[dict[str, Any]]) -> dict[str, str]:
    """A user with these rights and no others."""
    iam = service.emulator.client("iam")
    iam.create_user(UserName=name)
    # The emulated SQS asks for a right to each batch; AWS knows none, and asks for that of the single action.
    batch = {"Effect": "Allow", "Action": "sqs:ChangeMessageVisibilityBatch", "Resource": "*"}
    if any("sqs:ChangeMessageVisibility" in statement["Action"] for statement in statements):
        statements = [*statements, batch]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="redrive", PolicyDocument=policy)
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
    statements = documented(service)
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [each for each in actions if each != action] or ["sqs:ListQueues"]
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
    done = service.redrive("--all", credentials=credentials(service, "replays", documented(service)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert service.depth()[0] == 0
    while event("b.mp4") not in service.function.events:
        assert time.monotonic() < deadline + 20
        time.sleep(0.1)
