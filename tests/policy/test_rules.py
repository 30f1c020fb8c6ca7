"""The rules hold for the real program, and each of them catches the fault that it is there for."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from policy import rules
from policy.rules import RULES, TAGGED, UNKNOWN, Resource, judge, secrets_in
from tests.infrastructure.aws_mock import ACCOUNT, TYPES
from tests.infrastructure.conftest import EVERYTHING
from tests.infrastructure.recording import record
from tests.policy.recorded import STACKS, as_resources, change_policy, one, recorded

Stack = list[Resource]
BUCKET = rules.BUCKETS[0]
BUCKET_ENCRYPTION = rules.ENCRYPTION[0]
ROLE_POLICY = rules.IDENTITY_POLICIES[0]
STRANGER = "arn:aws:iam::999999999999:root"


@dataclass(frozen=True)
class Fault:
    """A change of the recorded stack that one rule must catch, naming the resource and what to do."""

    rule: str
    what: str
    make: Callable[[Stack], None]
    says: str


def without(type_: str) -> Callable[[Stack], None]:
    def make(stack: Stack) -> None:
        stack[:] = [each for each in stack if each.type != type_]

    return make


def put(type_: str, *path: Any, value: Any) -> Callable[[Stack], None]:
    def make(stack: Stack) -> None:
        held: Any = one(stack, type_)
        for step in path[:-1]:
            held = held[step]
        held[path[-1]] = value

    return make


def remove(type_: str, *path: Any) -> Callable[[Stack], None]:
    def make(stack: Stack) -> None:
        held: Any = one(stack, type_)
        for step in path[:-1]:
            held = held[step]
        del held[path[-1]]

    return make


def statement(type_: str, number: int, key: str = "policy", **parts: Any) -> Callable[[Stack], None]:
    """Change parts of one statement of a policy; a part that is None is taken away."""

    def make(stack: Stack) -> None:
        def change(document: dict[str, Any]) -> None:
            for name, value in parts.items():
                document["Statement"][number].pop(name, None)
                if value is not None:
                    document["Statement"][number][name] = value

        change_policy(one(stack, type_), key, change)

    return make


def further(type_: str, key: str = "policy", **parts: Any) -> Callable[[Stack], None]:
    """Add a statement that allows."""

    def make(stack: Stack) -> None:
        change_policy(
            one(stack, type_), key, lambda document: document["Statement"].append({"Effect": "Allow", **parts})
        )

    return make


def add(type_: str, **inputs: Any) -> Callable[[Stack], None]:
    return lambda stack: stack.append(Resource("added", type_, "added", inputs))


def by_age(document: dict[str, Any]) -> None:
    document["rules"][0]["selection"]["countType"] = "sinceImagePushed"


FAULTS = [
    Fault("bucket-private", "no block", without(rules.BLOCK), "declare a BucketPublicAccessBlock"),
    Fault(
        "bucket-private", "half a block", put(rules.BLOCK, "blockPublicPolicy", value=False), "set blockPublicPolicy"
    ),
    Fault("bucket-private", "owner unsaid", without(rules.OWNERSHIP), "declare BucketOwnershipControls"),
    Fault(
        "bucket-private",
        "uploaders own",
        put(rules.OWNERSHIP, "rule", "objectOwnership", value="ObjectWriter"),
        "BucketOwnerEnforced",
    ),
    Fault("bucket-private", "an access list", put(BUCKET, "acl", value="public-read"), "remove acl"),
    Fault(
        "bucket-without-access-list",
        "a list apart",
        add(rules.BUCKET_ACLS[0], acl="public-read"),
        "in the bucket's policy",
    ),
    Fault("bucket-tls", "no policy", without(rules.BUCKET_POLICY), "declare a BucketPolicy"),
    Fault("bucket-tls", "allowed", statement(rules.BUCKET_POLICY, 0, Effect="Allow"), "denies everybody s3:*"),
    Fault("bucket-tls", "some may", statement(rules.BUCKET_POLICY, 0, Principal={"AWS": STRANGER}), "denies everybody"),
    Fault("bucket-tls", "one action", statement(rules.BUCKET_POLICY, 0, Action="s3:GetObject"), "s3:*"),
    Fault(
        "bucket-tls",
        "not its objects",
        statement(rules.BUCKET_POLICY, 0, Resource=["arn:aws:s3:::video-thumbnailer-dev-videos-1a2b3c4"]),
        "all its objects",
    ),
    Fault(
        "bucket-tls",
        "under a further condition",
        statement(
            rules.BUCKET_POLICY,
            0,
            Condition={"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}},
        ),
        "aws:SecureTransport is false",
    ),
    Fault("bucket-encrypted", "unsaid", without(BUCKET_ENCRYPTION), "ServerSideEncryptionConfiguration"),
    Fault(
        "bucket-encrypted", "no rule", put(BUCKET_ENCRYPTION, "rules", value=[]), "ServerSideEncryptionConfiguration"
    ),
    Fault("queue-encrypted", "off", put(rules.QUEUE, "sqsManagedSseEnabled", value=False), "set sqsManagedSseEnabled"),
    Fault("queue-tls", "no policy", without(rules.QUEUE_POLICY), "declare a QueuePolicy"),
    Fault(
        "queue-tls", "sending only", statement(rules.QUEUE_POLICY, 1, Action="sqs:SendMessage"), "sqs:ReceiveMessage"
    ),
    Fault("topic-encrypted", "no key", remove(rules.TOPIC, "kmsMasterKeyId"), "set kmsMasterKeyId"),
    Fault("topic-tls", "not denied", statement(rules.TOPIC_POLICY, 1, Condition=None), "declare a TopicPolicy"),
    Fault(
        "closed",
        "a public bucket",
        further(rules.BUCKET_POLICY, Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::x/*"),
        "lets in everybody",
    ),
    Fault(
        "closed",
        "a public queue",
        further(rules.QUEUE_POLICY, Principal={"AWS": ["*"]}, Action="sqs:SendMessage"),
        "name the principal",
    ),
    Fault(
        "closed",
        "all but one",
        further(rules.QUEUE_POLICY, NotPrincipal={"AWS": STRANGER}, Action="sqs:SendMessage"),
        "all but a few",
    ),
    Fault("closed", "any account's alarms", statement(rules.TOPIC_POLICY, 0, Condition=None), "aws:SourceAccount"),
    Fault("closed", "a key for any account's alarms", statement(rules.KEY, 1, Condition=None), "aws:SourceAccount"),
    Fault(
        "closed",
        "a condition that passes where nothing is told",
        statement(rules.TOPIC_POLICY, 0, Condition={"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}),
        "aws:SourceAccount",
    ),
    Fault(
        "closed",
        "any account's functions",
        statement(
            rules.REPOSITORY_POLICY, 0, Condition={"StringLike": {"aws:sourceArn": "arn:aws:lambda:*:*:function:*"}}
        ),
        "on behalf of any account",
    ),
    Fault(
        "closed",
        "a foreign identity",
        statement(rules.ROLE, 0, "assumeRolePolicy", Principal={"Federated": "accounts.google.com"}),
        "accounts.google.com",
    ),
    Fault("own-account", "a key for others", statement(rules.KEY, 0, Principal={"AWS": STRANGER}), STRANGER),
    Fault(
        "own-account",
        "a role for others",
        statement(rules.ROLE, 0, "assumeRolePolicy", Principal={"AWS": "999999999999"}),
        "999999999999",
    ),
    Fault("no-open-url", "open", add(rules.FUNCTION_URL, authorizationType="NONE"), "set authorizationType"),
    Fault("no-managed-policy", "attached", add(rules.ATTACHMENTS[0], policyArn="arn:x"), "RolePolicy"),
    Fault(
        "no-managed-policy",
        "in the role",
        put(rules.ROLE, "managedPolicyArns", value=["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
        "managed policy",
    ),
    Fault("named-actions", "s3:*", statement(ROLE_POLICY, 0, Action=["s3:*"]), "allows s3:* in statement Read"),
    Fault("named-actions", "s3:Get*", statement(ROLE_POLICY, 0, Action="s3:Get*"), "name each action"),
    Fault("named-actions", "NotAction", statement(ROLE_POLICY, 0, Action=None, NotAction="iam:*"), "NotAction"),
    Fault(
        "named-actions",
        "in the role",
        put(
            rules.ROLE,
            "inlinePolicies",
            value=[{"policy": json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:x"}})}],
        ),
        "name each action",
    ),
    Fault("named-resources", "*", statement(ROLE_POLICY, 0, Resource="*"), "name the resource"),
    Fault("named-resources", "all buckets", statement(ROLE_POLICY, 0, Resource="arn:aws:s3:::*/*.mp4"), "ARN"),
    Fault("named-resources", "all queues", statement(ROLE_POLICY, 4, Resource="arn:aws:sqs:eu-north-1:1:*"), "ARN"),
    Fault("named-resources", "all groups", statement(ROLE_POLICY, 3, Resource="arn:aws:logs:a:1:log-group:*"), "ARN"),
    Fault("named-resources", "any account", statement(ROLE_POLICY, 4, Resource="arn:aws:sqs:*:*:failures"), "ARN"),
    Fault("named-resources", "NotResource", statement(ROLE_POLICY, 0, Resource=None, NotResource="arn:x"), "ARN"),
    Fault(
        "named-resources",
        "a third action with X-Ray's",
        statement(ROLE_POLICY, 5, Action=["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetGroups"]),
        "xray:GetGroups",
    ),
    Fault(
        "image-by-digest",
        "a tag",
        put(rules.FUNCTION, "imageUri", value="1.dkr.ecr.x.amazonaws.com/a:latest"),
        "digest",
    ),
    Fault("image-by-digest", "a zip", put(rules.FUNCTION, "packageType", value="Zip"), "set packageType"),
    Fault("traced", "off", put(rules.FUNCTION, "tracingConfig", "mode", value="PassThrough"), "set tracingConfig.mode"),
    Fault("no-event-lost", "no config", without(rules.INVOKE_CONFIG), "declare a FunctionEventInvokeConfig"),
    Fault(
        "no-event-lost",
        "no destination",
        remove(rules.INVOKE_CONFIG, "destinationConfig", "onFailure"),
        "destinationConfig.onFailure",
    ),
    Fault("own-log-group", "none named", remove(rules.FUNCTION, "loggingConfig"), "loggingConfig.logGroup"),
    Fault("own-log-group", "none declared", without(rules.LOG_GROUP), "declare a LogGroup"),
    Fault("log-retention", "for ever", remove(rules.LOG_GROUP, "retentionInDays"), "set retentionInDays"),
    Fault(
        "no-secret",
        "an access key",
        put(rules.FUNCTION, "environment", "variables", "KEY", value="AKIA" + "ABCDEFGHIJ234567"),
        "an AWS access key in its variable KEY",
    ),
    Fault(
        "no-secret",
        "a private key",
        put(rules.FUNCTION, "environment", "variables", "PEM", value="-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
        "a private key in its variable PEM",
    ),
    Fault(
        "no-secret",
        "what a name gives away",
        put(rules.FUNCTION, "environment", "variables", "DB_PASSWORD", value="hunter2"),
        "variable DB_PASSWORD",
    ),
    Fault(
        "image-scan",
        "off",
        put(rules.REPOSITORY, "imageScanningConfiguration", value={"scanOnPush": False}),
        "scanOnPush",
    ),
    Fault(
        "image-expiry",
        "by age",
        lambda stack: change_policy(one(stack, rules.LIFECYCLE_POLICY), "policy", by_age),
        "sinceImagePushed",
    ),
    Fault("named-caller", "everybody", put(rules.PERMISSION, "principal", value="*"), "lets everybody call"),
    Fault("named-caller", "an account", put(rules.PERMISSION, "principal", value="999999999999"), "only services do"),
    Fault("named-caller", "any account", remove(rules.PERMISSION, "sourceAccount"), "set sourceAccount"),
    Fault("named-caller", "any bucket", remove(rules.PERMISSION, "sourceArn"), "set sourceArn"),
    Fault("named-caller", "all buckets", put(rules.PERMISSION, "sourceArn", value="arn:aws:s3:::*"), "by its ARN"),
    Fault("expected-notification", "no permission", without(rules.PERMISSION), "declare a Permission"),
    Fault(
        "expected-notification",
        "another bucket's permission",
        put(rules.PERMISSION, "sourceArn", value="arn:aws:s3:::another"),
        "for this bucket",
    ),
    Fault("expected-notification", "a foreign function", without(rules.FUNCTION), "not of this stack"),
    Fault("expected-notification", "a queue", put(rules.NOTIFICATION, "queues", value=[{"queueArn": "x"}]), "queues"),
    Fault(
        "named-caller",
        "any rule",
        lambda stack: one(stack, rules.PERMISSION, "-retakes").pop("sourceArn"),
        "set sourceArn",
    ),
    Fault("events-arrive", "no dead-letter queue", remove(rules.EVENT_TARGET, "deadLetterConfig"), "deadLetterConfig"),
    Fault(
        "events-arrive",
        "a dead-letter queue that is shut",
        statement(rules.QUEUE_POLICY, 0, Principal={"Service": "sns.amazonaws.com"}),
        "let events.amazonaws.com send to",
    ),
    Fault("events-arrive", "a function that is shut", without(rules.PERMISSION), "declare a Permission for events"),
    Fault(
        "closed",
        "a public bus",
        add(
            rules.EVENT_BUS_POLICY,
            policy=json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents"}}),
        ),
        "lets in everybody",
    ),
    Fault(
        "bucket-encrypted",
        "uploaders' keys",
        remove(BUCKET_ENCRYPTION, "rules", 0, "blockedEncryptionTypes"),
        "set blockedEncryptionTypes",
    ),
    Fault(
        "named-resources",
        "interfaces of any account",
        statement(ROLE_POLICY, 0, Action="ec2:DeleteNetworkInterface", Resource="arn:aws:ec2:*:*:network-interface/*"),
        "name the resource",
    ),
    Fault("tagged", "no tags", remove(BUCKET, "tags"), "set Project and Stack"),
    Fault("tagged", "half the tags", remove(rules.FUNCTION, "tags", "Stack"), "no tag Stack"),
]


@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
@pytest.mark.parametrize("config", STACKS.values(), ids=STACKS)
def test_the_program_keeps_every_rule(config: dict[str, str], preview: bool) -> None:
    assert [each.says for each in judge(RULES, recorded(config, preview)).violations] == []


@pytest.mark.parametrize("config", STACKS.values(), ids=STACKS)
def test_an_update_leaves_no_rule_undecided(config: dict[str, str]) -> None:
    assert judge(RULES, recorded(config)).undecided == ()


def test_a_preview_of_a_new_stack_says_what_it_cannot_judge() -> None:
    undecided = judge(RULES, recorded(EVERYTHING, preview=True)).undecided
    assert {"bucket-tls", "closed", "named-resources", "image-by-digest"} <= {each.rule for each in undecided}
    assert all("known after the update" in each.says for each in undecided)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}: {fault.what}")
def test_a_rule_catches_its_fault_and_says_what_to_do(fault: Fault) -> None:
    stack = recorded(EVERYTHING)
    fault.make(stack)
    found = [each for each in judge(RULES, stack).violations if each.rule == fault.rule]
    assert found, f"{fault.rule} did not catch {fault.what}"
    assert any(fault.says in each.says and each.says.startswith(each.resource.label) for each in found), found
    # Cause, then what to do.
    assert all("; " in each.says for each in found)


def test_every_rule_has_a_fault_that_it_catches() -> None:
    assert {rule.name for rule in RULES} == {fault.rule for fault in FAULTS}


def test_every_rule_but_those_for_what_the_program_lacks_is_asked_of_the_program() -> None:
    declared = {each.type for each in recorded(EVERYTHING)}
    idle = {rule.name for rule in RULES if not declared & set(rule.types)}
    assert idle == {"bucket-without-access-list", "no-open-url"}


def test_everything_of_the_program_that_takes_tags_must_have_them() -> None:
    assert {type_ for type_, mocked in TYPES.items() if mocked.tagged} <= TAGGED


def test_the_rules_cover_any_program_that_uses_the_component(tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import pulumi_aws as aws\n"
        "from thumbnailer import VideoThumbnailer\n"
        'VideoThumbnailer("one")\n'
        'VideoThumbnailer("two")\n'
        'aws.s3.Bucket("drop")\n'
    )
    found = judge(RULES, as_resources(record(program=str(program)))).violations
    assert {each.resource.label for each in found} == {f"{BUCKET} drop"}
    assert {each.rule for each in found} == {"bucket-private", "bucket-tls", "bucket-encrypted", "tagged"}


def test_two_buckets_do_not_share_one_block() -> None:
    stack = recorded(EVERYTHING)
    stack.append(Resource("second", BUCKET, "second", {"bucket": "second", "tags": {"Project": "p", "Stack": "s"}}))
    says = [each.says for each in judge(RULES, stack).violations]
    assert [re.search("BucketPublicAccessBlock|ServerSide|BucketPolicy|Ownership", each) for each in says]
    assert len(says) == 4


def test_a_secret_that_is_not_known_yet_is_no_violation_and_no_gap() -> None:
    stack = recorded(EVERYTHING)
    one(stack, rules.FUNCTION)["environment"]["variables"]["THUMBNAILER"] = UNKNOWN
    verdict = judge(RULES, stack)
    assert (verdict.violations, verdict.undecided) == ((), ())


def test_a_secret_is_never_repeated_in_the_message() -> None:
    stack = recorded(EVERYTHING)
    secret = "AKIA" + "ABCDEFGHIJ234567"
    one(stack, rules.FUNCTION)["environment"]["variables"]["KEY"] = secret
    [violation] = judge(RULES, stack).violations
    assert secret not in violation.says


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ASIA" + "ABCDEFGHIJ234567", "an AWS access key"),
        ("aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY", "an AWS secret key"),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "a private key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
        ("ghp_" + "a1" * 18, "a GitHub token"),
        ("glpat-" + "a1" * 10, "a GitLab token"),
        ("xoxb-" + "1234567890-abc", "a Slack token"),
        ("pul-" + "0f" * 20, "a Pulumi token"),
        ("pypi-AgEI" + "cHlwaS5vcmcCJGY0LTk5", "a PyPI token"),
        ("eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.abc", "a JSON web token"),
        ("postgres://user:" + "hunter2@db/x", "a password in a URL"),
        ("https://b.s3.amazonaws.com/k?X-Amz-" + "Signature=0f", "a presigned URL"),
    ],
)
def test_each_kind_of_secret_is_known(text: str, kind: str) -> None:
    assert kind in secrets_in(f"THING={text} and more")


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::AKIAvideos/cat.mp4",
        "sha256:" + "ab" * 32,
        "https://sqs.eu-north-1.amazonaws.com/123456789012/failures",
        "s3://videos/cat.mp4",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ],
)
def test_names_and_digests_are_no_secrets(text: str) -> None:
    assert secrets_in(text) == []
