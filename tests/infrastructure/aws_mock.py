"""What AWS and Docker answer: every type and call that the program may use, and what each adds to its inputs.

Under mocks an output that nobody gives becomes None and drops an input without a word, so a type or call that is not
listed here is an error, and a type lists every output that the program reads.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

ACCOUNT = "123456789012"
REGION = "eu-north-1"
DIGEST = "sha256:" + "ab" * 32
AUTO_NAMING = "-1a2b3c4"
"""What the engine adds to a resource's name to make AWS's name: 8 characters."""


@dataclass(frozen=True)
class MockedType:
    """`name_input` is what auto-naming fills, with names of at most `limit` characters that `legal` describes."""

    name_input: str | None = None
    limit: int = 0
    legal: str = ""
    outputs: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    tagged: bool = False


def _arn(service: str, resource: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda state: f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource.format(**state)}"


TYPES: Mapping[str, MockedType] = {
    "aws:s3/bucket:Bucket": MockedType(
        "bucket", 63, r"[a-z0-9][a-z0-9-]+[a-z0-9]", {"arn": lambda state: f"arn:aws:s3:::{state['bucket']}"}, True
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": MockedType(),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": MockedType(),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": MockedType(),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": MockedType(),
    "aws:s3/bucketPolicy:BucketPolicy": MockedType(),
    "aws:s3/bucketNotification:BucketNotification": MockedType(),
    "aws:ecr/repository:Repository": MockedType(
        "name",
        256,
        r"[a-z0-9]+(-[a-z0-9]+)*",
        {
            "arn": _arn("ecr", "repository/{name}"),
            "registryId": lambda state: ACCOUNT,
            "repositoryUrl": lambda state: f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{state['name']}",
        },
        True,
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": MockedType(),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": MockedType(),
    "docker:index/image:Image": MockedType(
        outputs={"repoDigest": lambda state: f"{state['imageName'].removesuffix(':latest')}@{DIGEST}"}
    ),
    "aws:iam/role:Role": MockedType(
        "name", 64, r"[\w+=,.@-]+", {"arn": lambda state: f"arn:aws:iam::{ACCOUNT}:role/{state['name']}"}, True
    ),
    "aws:iam/rolePolicy:RolePolicy": MockedType("name", 128, r"[\w+=,.@-]+"),
    "aws:cloudwatch/logGroup:LogGroup": MockedType(
        "name", 512, r"[\w./#-]+", {"arn": _arn("logs", "log-group:{name}")}, True
    ),
    "aws:sqs/queue:Queue": MockedType(
        "name",
        80,
        r"[\w-]+",
        {
            "arn": _arn("sqs", "{name}"),
            "url": lambda state: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{state['name']}",
        },
        True,
    ),
    "aws:sqs/queuePolicy:QueuePolicy": MockedType(),
    "aws:lambda/function:Function": MockedType("name", 64, r"[\w-]+", {"arn": _arn("lambda", "function:{name}")}, True),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": MockedType(),
    "aws:lambda/permission:Permission": MockedType("statementId", 100, r"[\w-]+"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": MockedType("name", 255, r"[\w-]+", tagged=True),
    "aws:kms/key:Key": MockedType(outputs={"arn": _arn("kms", "key/1234abcd")}, tagged=True),
    "aws:sns/topic:Topic": MockedType("name", 256, r"[\w-]+", {"arn": _arn("sns", "{name}")}, True),
    "aws:sns/topicPolicy:TopicPolicy": MockedType(),
    "aws:sns/topicSubscription:TopicSubscription": MockedType(),
    "aws:cloudwatch/dashboard:Dashboard": MockedType(),
    "aws:cloudwatch/eventBus:EventBus": MockedType(
        "name", 256, r"[\w.-]+", {"arn": _arn("events", "event-bus/{name}")}, True
    ),
    "aws:cloudwatch/eventRule:EventRule": MockedType(
        "name", 64, r"[\w.-]+", {"arn": _arn("events", "rule/{name}")}, True
    ),
    "aws:cloudwatch/eventTarget:EventTarget": MockedType(),
    "thumbnailer:index:OnNewThumbnail": MockedType(),
    "thumbnailer:index:VideoThumbnailer": MockedType(),
}

CALLS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": lambda args: {"accountId": ACCOUNT},
    "aws:index/getPartition:getPartition": lambda args: {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:index/getRegion:getRegion": lambda args: {"region": REGION},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": lambda args: {
        **args,
        "userName": "AWS",
        "password": "password-of-the-registry",
    },
}


class AwsMock(pulumi.runtime.Mocks):
    """Answers as the engine with its providers would; in a preview what AWS decides is unknown.

    `buckets` are those that are there already, by name, with what differs from a bucket of this account and region
    without notifications; `foreign` ones may be found, and not read.
    """

    def __init__(self, preview: bool, buckets: Mapping[str, Mapping[str, Any]]) -> None:
        self.preview = preview
        self.buckets = buckets

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        mocked = TYPES.get(args.typ)
        if mocked is None:
            raise LookupError(f"{args.name}: the mock has no type {args.typ}; add a row to TYPES in {__file__}")
        if any("_" in key for key in args.inputs):
            raise ValueError(f"{args.name} of {args.typ}: inputs are not camelCase: {sorted(args.inputs)}")
        state = dict(args.inputs)
        if mocked.name_input and mocked.name_input not in state:
            state[mocked.name_input] = args.name + AUTO_NAMING
        if mocked.name_input and not (
            len(state[mocked.name_input]) <= mocked.limit and re.fullmatch(mocked.legal, state[mocked.name_input])
        ):
            raise ValueError(
                f"{args.typ} takes names of {mocked.limit} characters {mocked.legal}, not {state[mocked.name_input]!r}"
            )
        for output, made_of in mocked.outputs.items():
            state[output] = rpc.UNKNOWN if self.preview else made_of(state)
        return f"{args.name}-id", state

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        name = str(args.args.get("bucket"))
        has = self.buckets.get(name, {})
        if args.token == "aws:s3/getBucket:getBucket":
            return {"bucket": name, "arn": f"arn:aws:s3:::{name}", "bucketRegion": has.get("region", REGION)}, []
        if args.token == "aws:s3/getBucketNotification:getBucketNotification":
            if has.get("foreign"):
                return {}, [("bucket", "operation error S3: GetBucketNotificationConfiguration, StatusCode: 403")]
            lists = {kind: has.get(kind, []) for kind in ("lambdaFunctions", "queues", "topics")}
            return {"bucket": name, "region": REGION, "eventbridge": has.get("eventbridge", False), **lists}, []
        answer = CALLS.get(args.token)
        if answer is None:
            raise LookupError(f"the mock has no call {args.token}; add a row to CALLS in {__file__}")
        return answer(args.args), []
