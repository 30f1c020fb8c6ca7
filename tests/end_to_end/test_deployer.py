"""The policies of docs/policies are enough to deploy and to preview, and allow nothing beside: the emulated IAM judges.

The emulated stack is made with the deployer's own credentials. What Pulumi's provider calls besides, to read, change
and delete, is asked of the emulated IAM's simulator, for every type of resource that the program declares. The
simulator knows no conditions: those are tried by calls. Nobody asks for iam:PassRole there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local.emulator import REGION, ROOT, Emulator, emulator
from local.processes import free_port
from local.program import Registered, register
from tests.infrastructure.conftest import EVERYTHING
from tests.infrastructure.recording import record
from thumbnailer.names import base_name

from .service import verdict

ACCOUNT = "000000000000"
BUCKET = "films"
STACK = "video-thumbnailer-local"
BIG: dict[str, Any] = {
    "bucket": BUCKET,
    "trigger": "s3",
    "backfill": True,
    "notify": True,
    "deleteOutputs": True,
    "alarmEmail": "team@example.com",
    "reservedConcurrency": 5,
}
"""Settings that make every type of resource; the function is in no VPC, because the emulated AWS has none."""

S3 = f"arn:aws:s3:::{STACK}-videos-1234567"
# By type: its ARN, and what terraform-provider-aws, which pulumi-aws is made of, calls to create, read, update, tag and
# delete it (its sources, internal/service).
CALLS: Mapping[str, tuple[str, str]] = {
    "aws:s3/bucket:Bucket": (
        S3,
        "s3:CreateBucket s3:DeleteBucket s3:ListBucket s3:ListBucketVersions s3:GetBucketPolicy s3:GetBucketAcl "
        "s3:GetBucketCORS s3:GetBucketWebsite s3:GetBucketVersioning s3:GetAccelerateConfiguration "
        "s3:GetBucketRequestPayment s3:GetBucketLogging s3:GetLifecycleConfiguration s3:GetReplicationConfiguration "
        "s3:GetEncryptionConfiguration s3:GetBucketObjectLockConfiguration s3:GetBucketTagging s3:PutBucketTagging "
        "s3:ListTagsForResource s3:TagResource s3:UntagResource",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        S3,
        "s3:GetBucketPublicAccessBlock s3:PutBucketPublicAccessBlock",
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        S3,
        "s3:GetBucketOwnershipControls s3:PutBucketOwnershipControls",
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        S3,
        "s3:GetEncryptionConfiguration s3:PutEncryptionConfiguration",
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        S3,
        "s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration",
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (S3, "s3:GetBucketPolicy s3:PutBucketPolicy s3:DeleteBucketPolicy"),
    "aws:s3/bucketNotification:BucketNotification": (S3, "s3:GetBucketNotification s3:PutBucketNotification"),
    "aws:ecr/repository:Repository": (
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{STACK}-image-1234567",
        "ecr:CreateRepository ecr:DescribeRepositories ecr:DeleteRepository ecr:PutImageScanningConfiguration "
        "ecr:PutImageTagMutability ecr:ListTagsForResource ecr:TagResource ecr:UntagResource",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{STACK}-image-1234567",
        "ecr:PutLifecyclePolicy ecr:GetLifecyclePolicy ecr:DeleteLifecyclePolicy",
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{STACK}-image-1234567",
        "ecr:SetRepositoryPolicy ecr:GetRepositoryPolicy ecr:DeleteRepositoryPolicy",
    ),
    # What Docker's push asks for, and Lambda on behalf of who creates a function of an image (Lambda Developer Guide,
    # "Amazon ECR permissions").
    "docker:index/image:Image": (
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{STACK}-image-1234567",
        "ecr:BatchCheckLayerAvailability ecr:InitiateLayerUpload ecr:UploadLayerPart ecr:CompleteLayerUpload "
        "ecr:PutImage ecr:BatchGetImage ecr:GetDownloadUrlForLayer",
    ),
    "aws:iam/role:Role": (
        f"arn:aws:iam::{ACCOUNT}:role/{STACK}-role-1234567",
        "iam:CreateRole iam:GetRole iam:DeleteRole iam:UpdateRole iam:UpdateRoleDescription iam:UpdateAssumeRolePolicy "
        "iam:TagRole iam:UntagRole iam:ListRolePolicies iam:ListAttachedRolePolicies iam:ListInstanceProfilesForRole",
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        f"arn:aws:iam::{ACCOUNT}:role/{STACK}-role-1234567",
        "iam:PutRolePolicy iam:GetRolePolicy iam:DeleteRolePolicy",
    ),
    "aws:lambda/function:Function": (
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-function-1234567",
        "lambda:CreateFunction lambda:GetFunction lambda:GetFunctionConfiguration lambda:DeleteFunction "
        "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:ListVersionsByFunction "
        "lambda:PutFunctionConcurrency lambda:DeleteFunctionConcurrency lambda:ListTags lambda:TagResource "
        "lambda:UntagResource",
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-function-1234567",
        "lambda:PutFunctionEventInvokeConfig lambda:GetFunctionEventInvokeConfig "
        "lambda:DeleteFunctionEventInvokeConfig",
    ),
    "aws:lambda/permission:Permission": (
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-function-1234567",
        "lambda:AddPermission lambda:GetPolicy lambda:RemovePermission",
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{STACK}-1234567",
        "logs:CreateLogGroup logs:DeleteLogGroup logs:PutRetentionPolicy logs:DeleteRetentionPolicy "
        "logs:ListTagsForResource logs:TagResource logs:UntagResource",
    ),
    "aws:sqs/queue:Queue": (
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-failures-1234567",
        "sqs:CreateQueue sqs:GetQueueAttributes sqs:SetQueueAttributes sqs:DeleteQueue sqs:ListQueueTags sqs:TagQueue "
        "sqs:UntagQueue",
    ),
    "aws:sqs/queuePolicy:QueuePolicy": (
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-failures-1234567",
        "sqs:GetQueueAttributes sqs:SetQueueAttributes",
    ),
    "aws:cloudwatch/eventBus:EventBus": (
        f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{STACK}-outcomes-1234567",
        "events:CreateEventBus events:DescribeEventBus events:UpdateEventBus events:DeleteEventBus "
        "events:ListTagsForResource events:TagResource events:UntagResource",
    ),
    "aws:cloudwatch/eventRule:EventRule": (
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/somebodys-bus/{STACK}-retakes-1234567",
        "events:PutRule events:DescribeRule events:DeleteRule events:ListTagsForResource events:TagResource "
        "events:UntagResource",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": (
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{STACK}-uploads-1234567",
        "events:PutTargets events:ListTargetsByRule events:RemoveTargets",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{STACK}-errors-1234567",
        "cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:DeleteAlarms cloudwatch:ListTagsForResource "
        "cloudwatch:TagResource cloudwatch:UntagResource",
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{STACK}-function-1234567",
        "cloudwatch:PutDashboard cloudwatch:GetDashboard cloudwatch:DeleteDashboards",
    ),
    "aws:sns/topic:Topic": (
        f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-alarms-1234567",
        "sns:CreateTopic sns:GetTopicAttributes sns:SetTopicAttributes sns:DeleteTopic sns:ListTagsForResource "
        "sns:TagResource sns:UntagResource",
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-alarms-1234567",
        "sns:GetTopicAttributes sns:SetTopicAttributes",
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-alarms-1234567",
        "sns:Subscribe",
    ),
    "aws:kms/key:Key": (
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd",
        "kms:DescribeKey kms:GetKeyPolicy kms:PutKeyPolicy kms:EnableKeyRotation kms:GetKeyRotationStatus "
        "kms:UpdateKeyDescription kms:ListResourceTags kms:TagResource kms:UntagResource kms:ScheduleKeyDeletion",
    ),
}
NO_RESOURCE = [
    "kms:CreateKey",
    "ecr:GetAuthorizationToken",
    "logs:DescribeLogGroups",
    "sns:GetSubscriptionAttributes",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]
WITHOUT_RESOURCE = ("lambda:CreateFunction", "cloudwatch:PutDashboard")
"""Calls whose resource the emulated IAM does not find, because it stands in their body: it asks for `*`."""


@dataclass(frozen=True)
class Account:
    """An emulated account with a stack that the deployer made; both users have a policy of docs/policies."""

    emulator: Emulator
    deployer: Emulator
    previewer: Emulator
    stack: Registered

    def allows(self, user: str, action: str, arn: str) -> bool:
        """Return what IAM would answer to a user for whom all conditions hold."""
        document = json.loads(_policy(user))
        for statement in document["Statement"]:
            statement.pop("Condition", None)
        answer = self.emulator.client("iam").simulate_custom_policy(
            PolicyInputList=[json.dumps(document)], ActionNames=[action], ResourceArns=[arn]
        )
        (result,) = answer["EvaluationResults"]
        return bool(result["EvalDecision"] == "allowed")


@pytest.fixture(scope="module", params=[{}, BIG], ids=["nothing set", "everything on"])
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("deployer")
    with emulator(free_port(), folder, enforce_iam=True) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        deployer = _user(aws, "deploy")
        stack = register(deployer, folder, request.param, build_image=False)
        yield Account(aws, deployer, _user(aws, "preview"), stack)


def _policy(name: str) -> str:
    policy = (ROOT / f"docs/policies/{name}.json").read_text()
    for placeholder, value in (("ACCOUNT", ACCOUNT), ("REGION", REGION), ("BUCKET", BUCKET)):
        policy = policy.replace(placeholder, value)
    return policy


def _user(aws: Emulator, name: str) -> Emulator:
    """Return the account as a user sees it that has a policy of docs/policies."""
    policy = _policy(name)
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
    if more := [action for action in WITHOUT_RESOURCE if f'"{action}"' in policy]:
        statement = {"Effect": "Allow", "Action": more, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="emulator", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    given = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return replace(aws, credentials={**given, "AWS_REGION": REGION})


def test_the_deployer_makes_the_stack(account: Account) -> None:
    assert account.stack.function.name.startswith(STACK)
    who = account.deployer.client("sts").get_caller_identity()["Arn"]
    assert who.endswith("user/deploy"), "the account itself is denied nothing"


def test_the_deployer_may_do_what_the_provider_calls_for_each_type_of_resource(account: Account) -> None:
    declared = {resource.type for resource in record(EVERYTHING).resources if ":" in resource.type}
    types = {each for each in declared if each.startswith(("aws:", "docker:"))}
    assert types <= CALLS.keys(), (
        "a new type of resource needs its row here, and its rights in docs/policies/deploy.json"
    )
    tried = {
        f"{action} on {arn}": account.allows("deploy", action, arn)
        for arn, actions in CALLS.values()
        for action in actions.split()
    } | {action: account.allows("deploy", action, "*") for action in NO_RESOURCE}
    assert [call for call, allowed in tried.items() if not allowed] == []


def test_nothing_stands_in_the_policy_that_no_call_needs() -> None:
    needed = {action for _, actions in CALLS.values() for action in actions.split()} | set(NO_RESOURCE)
    needed |= {"iam:PassRole", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetBucket*"}
    document = json.loads((ROOT / "docs/policies/deploy.json").read_text())
    written = [each["Action"] for each in document["Statement"]]
    assert {action for one in written for action in ([one] if isinstance(one, str) else one)} - needed == set()


def test_the_deployer_touches_nothing_of_others(account: Account) -> None:
    others = {arn.replace(STACK, "somebody-elses"): actions for arn, actions in CALLS.values() if STACK in arn}
    assert others
    tried = {
        f"{action} on {arn}": account.allows("deploy", action, arn)
        for arn, actions in others.items()
        for action in actions.split()
        if action not in ("cloudwatch:DescribeAlarms", *WITHOUT_RESOURCE)
    }
    assert [call for call, allowed in tried.items() if allowed] == []
    s3 = account.deployer.client("s3")
    assert verdict(s3.create_bucket, Bucket="one-more") == "denied"
    assert verdict(s3.put_bucket_policy, Bucket=BUCKET, Policy="{}") == "denied"
    assert verdict(s3.delete_bucket, Bucket=BUCKET) == "denied"
    assert verdict(s3.get_object, Bucket=BUCKET, Key="a.mp4") == "denied"


def test_the_deployer_knows_the_key_of_the_stack_by_its_tag_and_no_other(account: Account) -> None:
    everything, kms = account.emulator.client("kms"), account.deployer.client("kms")
    theirs = everything.create_key()["KeyMetadata"]["KeyId"]
    assert verdict(kms.describe_key, KeyId=theirs) == "denied"
    assert verdict(kms.schedule_key_deletion, KeyId=theirs) == "denied"
    assert verdict(kms.create_key) == "denied"
    own = kms.create_key(Tags=[{"TagKey": "Project", "TagValue": "video-thumbnailer"}])["KeyMetadata"]["KeyId"]
    assert verdict(kms.describe_key, KeyId=own) == "allowed"


def test_every_name_of_the_project_begins_as_the_policies_have_it() -> None:
    stacks = ("dev", "local", "A.Long_Name." + "x" * 80)
    bases = [base_name(f"video-thumbnailer-{stack}") for stack in stacks]
    assert [base for base in bases if not base.startswith("video-thumbnailer-")] == []


def test_the_previewer_may_look_as_a_preview_does(account: Account) -> None:
    s3, ecr = account.previewer.client("s3"), account.previewer.client("ecr")
    for bucket in {BUCKET, account.stack.bucket}:
        assert verdict(s3.head_bucket, Bucket=bucket) == "allowed"
        assert verdict(s3.get_bucket_notification_configuration, Bucket=bucket) == "allowed"
    assert verdict(ecr.get_authorization_token) == "allowed"


def test_the_previewer_may_do_nothing_else(account: Account) -> None:
    looks = {"s3:ListBucket", "s3:GetBucketNotification"}
    tried = {
        f"{action} on {arn}": account.allows("preview", action, arn)
        for arn, actions in CALLS.values()
        for action in actions.split()
        if action not in looks
    } | {action: account.allows("preview", action, "*") for action in NO_RESOURCE if not action.startswith("ecr:")}
    assert [call for call, allowed in tried.items() if allowed] == []
    s3 = account.previewer.client("s3")
    assert verdict(s3.get_object, Bucket=account.stack.bucket, Key="a.mp4") == "denied"
    assert verdict(s3.put_object, Bucket=account.stack.bucket, Key="a.mp4", Body=b"") == "denied"


def test_what_the_program_asks_for_is_what_the_preview_s_policy_allows() -> None:
    """The invokes of the program, each with the right that the provider's data source needs."""
    sources = "\n".join(path.read_text() for path in (ROOT / "thumbnailer").glob("*.py"))
    invokes = {
        "aws.get_partition": None,
        "aws.get_region": None,
        "aws.get_caller_identity": None,  # AWS denies it to nobody
        "aws.s3.get_bucket": "s3:ListBucket",
        "aws.s3.get_bucket_notification": "s3:GetBucketNotification",
        "aws.ecr.get_authorization_token": "ecr:GetAuthorizationToken",
    }
    found = {name.removesuffix("_output") for name in _invokes(sources)}
    assert found == invokes.keys()
    document = json.loads((ROOT / "docs/policies/preview.json").read_text())
    assert {action for each in document["Statement"] for action in each["Action"]} == set(
        filter(None, invokes.values())
    )


def _invokes(sources: str) -> set[str]:
    return set(re.findall(r"\baws\.(?:[a-z0-9]+\.)?get_[a-z_]+(?=\()", sources))
