"""What the function may do is tried with its own credentials, on the resources that the deployed role names.

Nothing here reads the source of the policy: the resources come from the documents that the emulated IAM holds, and
every row of the tables is a call that it answers.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.emulator import REGION

from .service import Service, verdict
from .videos import Films

# Who answers here is IAM, which knows nothing of how the function runs; all other tests have the containers under it.
pytestmark = pytest.mark.parametrize("runtime", ["processes"], indirect=True, scope="session")

Call = Callable[[], object]
Table = Mapping[str, str]

STRANGER = "somebody-elses"
PLAIN_HTTP = "X-Forwarded-Proto"


@dataclass(frozen=True)
class Place:
    """An object that a resource of the policy speaks of: `arn:aws:s3:::bucket/*.mp4`."""

    bucket: str
    pattern: str

    @property
    def key(self) -> str:
        return self.named("policy/x")

    def named(self, name: str) -> str:
        return self.pattern.replace("*", name)


@dataclass(frozen=True)
class Deployed:
    """A service, and the statements of its role as IAM holds them."""

    service: Service
    statements: tuple[Mapping[str, Any], ...]

    def client(self, name: str) -> Any:
        """Return a client with the function's own credentials."""
        return self.service.stack.client(name, self.service.stack.credentials)

    def places(self, action: str) -> list[Place]:
        """Return the objects on which the policy allows an action."""
        found = []
        for statement in self.statements:
            if action in statement["Action"]:
                for resource in statement["Resource"]:
                    bucket, _, pattern = resource.removeprefix("arn:aws:s3:::").partition("/")
                    found.append(Place(bucket, pattern))
        return found

    @property
    def videos(self) -> list[Place]:
        return self.places("s3:GetObjectVersion")

    @property
    def images(self) -> list[Place]:
        return self.places("s3:PutObject")

    @property
    def allowed_on_images(self) -> set[str]:
        """What may be done with the images, a request to delete several counting as one more."""
        (actions,) = (each["Action"] for each in self.statements if "s3:PutObject" in each["Action"])
        return {*actions, *(["s3:DeleteObject of many"] if "s3:DeleteObject" in actions else [])}

    @property
    def log_group(self) -> str:
        (resource,) = (each["Resource"][0] for each in self.statements if "logs:PutLogEvents" in each["Action"])
        return str(resource).partition(":log-group:")[2].removesuffix(":*")

    @property
    def queue_url(self) -> str:
        (arn,) = (each["Resource"][0] for each in self.statements if "sqs:SendMessage" in each["Action"])
        url = self.service.stack.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        return str(url)


@pytest.fixture(scope="module", params=["beside", "elsewhere"])
def deployed(request: pytest.FixtureRequest, beside: Service, elsewhere: Service, films: Films) -> Iterator[Deployed]:
    """Both stacks: images in the bucket of the videos, and images in another bucket below a prefix."""
    service = beside if request.param == "beside" else elsewhere
    iam, role = service.stack.client("iam"), service.stack.registered.function.role.rpartition("/")[2]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    found = Deployed(service, tuple(statement for document in documents for statement in document["Statement"]))

    # Objects to read, so that "denied" is never said of something that is not there.
    for place in found.videos:
        assert service.outcome(place.key, films.corners(0)).outcome in ("made", "unchanged")
    service.s3.create_bucket(Bucket=STRANGER)
    for place in (*found.videos, *found.images):
        service.s3.put_object(Bucket=STRANGER, Key=place.key, Body=b"")
        for key in _near_misses(place):
            service.s3.put_object(Bucket=place.bucket, Key=key, Body=b"")
    yield found
    for bucket in (service.stack.bucket, service.pictures, STRANGER):
        for key in service.keys(bucket, "" if bucket == STRANGER else "policy/"):
            service.s3.delete_object(Bucket=bucket, Key=key)
    service.s3.delete_bucket(Bucket=STRANGER)


def test_the_role_has_policies_of_its_own_and_no_others(deployed: Deployed) -> None:
    iam, role = deployed.service.stack.client("iam"), deployed.service.stack.registered.function.role.rpartition("/")[2]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert [statement["Principal"] for statement in trust["Statement"]] == [{"Service": "lambda.amazonaws.com"}]
    assert {statement["Effect"] for statement in deployed.statements} == {"Allow"}


def test_the_function_works_with_these_rights(deployed: Deployed, films: Films) -> None:
    service = deployed.service
    assert service.stack.credentials["AWS_ACCESS_KEY_ID"] != "test", "the account itself is denied nothing"
    assert service.outcome("policy/works.mp4", films.corners(2)).outcome == "made"


def test_everything_that_a_statement_allows_can_be_done(deployed: Deployed) -> None:
    tried = {
        f"{action} on {resource}": verdict(_attempt(deployed, action, resource, statement.get("Condition", {})))
        for statement in deployed.statements
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    deployed.service.empty_failures()

    assert tried
    assert _wrong(tried, "allowed") == {}


def test_every_other_action_on_the_videos_and_the_images_is_denied(deployed: Deployed) -> None:
    s3 = deployed.client("s3")
    tried: dict[str, str] = {}
    for kind, places, may in (
        ("video", deployed.videos, {"s3:GetObject", "s3:GetObjectVersion"}),
        ("image", deployed.images, deployed.allowed_on_images),
    ):
        assert places
        for place in places:
            for action, call in _object_calls(s3, place.bucket, place.key).items():
                if action not in may:
                    tried[f"{action} on the {kind} {place.bucket}/{place.key}"] = verdict(call)

    assert _wrong(tried, "denied") == {}


def test_every_action_on_any_other_object_is_denied(deployed: Deployed) -> None:
    s3 = deployed.client("s3")
    tried: dict[str, str] = {}
    for place in (*deployed.videos, *deployed.images):
        for bucket, key in ((STRANGER, place.key), *((place.bucket, key) for key in _near_misses(place))):
            for action, call in _object_calls(s3, bucket, key).items():
                tried[f"{action} on {bucket}/{key}"] = verdict(call)

    assert _wrong(tried, "denied") == {}


def test_no_bucket_can_be_listed_or_changed(deployed: Deployed) -> None:
    s3, videos, images = deployed.client("s3"), deployed.service.stack.bucket, deployed.service.pictures
    calls: dict[str, Call] = {
        "list the account's buckets": s3.list_buckets,
        "create a bucket": lambda: s3.create_bucket(Bucket="one-more"),
        "list another bucket by a video's key": lambda: s3.list_objects_v2(Bucket=STRANGER, Prefix="policy/x.mp4"),
    }
    if images != videos:
        calls["list the images by a video's key"] = lambda: s3.list_objects_v2(Bucket=images, Prefix="policy/x.mp4")
    for bucket in {videos, images, STRANGER}:
        calls |= _bucket_calls(s3, bucket)
    tried = {name: verdict(call) for name, call in calls.items()}

    assert _wrong(tried, "denied") == {}


def _bucket_calls(s3: Any, bucket: str) -> dict[str, Call]:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    calls: dict[str, Call] = {
        f"list all of {bucket}": lambda: s3.list_objects_v2(Bucket=bucket),
        f"list all of {bucket} in the old way": lambda: s3.list_objects(Bucket=bucket),
        f"list the versions in {bucket}": lambda: s3.list_object_versions(Bucket=bucket, Prefix="policy/x.mp4"),
        f"list the uploads in {bucket}": lambda: s3.list_multipart_uploads(Bucket=bucket),
        f"see whether {bucket} is there": lambda: s3.head_bucket(Bucket=bucket),
        f"read the policy of {bucket}": lambda: s3.get_bucket_policy(Bucket=bucket),
        f"change the policy of {bucket}": lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy),
        f"delete the policy of {bucket}": lambda: s3.delete_bucket_policy(Bucket=bucket),
        f"open {bucket} to the public": lambda: s3.delete_public_access_block(Bucket=bucket),
        f"change the notification of {bucket}": lambda: s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={}
        ),
        f"keep versions in {bucket}": lambda: s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        ),
        f"delete {bucket}": lambda: s3.delete_bucket(Bucket=bucket),
    }
    for prefix in ("", "policy/", "policy/x", "policy/x.mp4/", "policy/x.jpg", "policy/x.MP4"):
        calls[f"list {prefix!r} in {bucket}"] = partial(s3.list_objects_v2, Bucket=bucket, Prefix=prefix)
    return calls


def test_no_other_log_and_nothing_but_writing_of_its_own(deployed: Deployed) -> None:
    logs, own, other = deployed.client("logs"), deployed.log_group, "/aws/lambda/somebody-elses"
    account = deployed.service.stack.client("logs")
    account.create_log_group(logGroupName=other)
    line = [{"timestamp": 1_700_000_000_000, "message": "x"}]
    calls: dict[str, Call] = {
        "a stream in another group": lambda: logs.create_log_stream(logGroupName=other, logStreamName="x"),
        "lines in another group": lambda: logs.put_log_events(logGroupName=other, logStreamName="x", logEvents=line),
        "a group that begins with its own name": lambda: logs.create_log_stream(
            logGroupName=f"{own}-2", logStreamName="x"
        ),
        "make a group": lambda: logs.create_log_group(logGroupName=f"{own}-3"),
        "read its lines": lambda: logs.filter_log_events(logGroupName=own),
        "list its streams": lambda: logs.describe_log_streams(logGroupName=own),
        "change how long they are kept": lambda: logs.put_retention_policy(logGroupName=own, retentionInDays=1),
        "delete its group": lambda: logs.delete_log_group(logGroupName=own),
    }
    # What the emulator would deny of its own group too, see `_attempt`, is asked of its simulator as well.
    arn = f"arn:aws:logs:{REGION}:000000000000:log-group"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup", "logs:GetLogEvents"):
        groups = [other, f"{own}-2"] if action in ("logs:CreateLogStream", "logs:PutLogEvents") else [other, own]
        for group in groups:
            calls[f"{action} on {group}"] = partial(_simulate, deployed, action, f"{arn}:{group}:log-stream:x")
    account.create_log_group(logGroupName=f"{own}-2")
    tried = {name: verdict(call) for name, call in calls.items()}
    for group in (other, f"{own}-2"):
        account.delete_log_group(logGroupName=group)

    assert _wrong(tried, "denied") == {}


def test_no_other_queue_and_nothing_but_sending_to_its_own(deployed: Deployed) -> None:
    sqs, own = deployed.client("sqs"), deployed.queue_url
    account = deployed.service.stack.client("sqs")
    other = account.create_queue(QueueName="somebody-elses")["QueueUrl"]
    calls: dict[str, Call] = {
        "send to another queue": lambda: sqs.send_message(QueueUrl=other, MessageBody="x"),
        "receive": lambda: sqs.receive_message(QueueUrl=own),
        "purge": lambda: sqs.purge_queue(QueueUrl=own),
        "delete a message": lambda: sqs.delete_message(QueueUrl=own, ReceiptHandle="x"),
        "read its attributes": lambda: sqs.get_queue_attributes(QueueUrl=own, AttributeNames=["All"]),
        "change its policy": lambda: sqs.set_queue_attributes(QueueUrl=own, Attributes={"Policy": ""}),
        "delete it": lambda: sqs.delete_queue(QueueUrl=own),
        "list queues": sqs.list_queues,
        "make a queue": lambda: sqs.create_queue(QueueName="one-more"),
    }
    tried = {name: verdict(call) for name, call in calls.items()}
    account.delete_queue(QueueUrl=other)

    assert _wrong(tried, "denied") == {}


def test_no_call_of_iam_lambda_or_any_service_besides(deployed: Deployed) -> None:
    stack = deployed.service.stack
    role, function = stack.registered.function.role, stack.function
    name = role.rpartition("/")[2]
    iam, functions, events = (deployed.client(service) for service in ("iam", "lambda", "events"))
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    calls: dict[str, Call] = {
        "give its role more": lambda: iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=document),
        "attach a policy to its role": lambda: iam.attach_role_policy(
            RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        ),
        "let others assume its role": lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=document),
        "read its own policy": lambda: iam.list_role_policies(RoleName=name),
        "make a user": lambda: iam.create_user(UserName="one-more"),
        "make a key": lambda: iam.create_access_key(UserName=deployed.service.user),
        "list roles": iam.list_roles,
        "assume its role itself": lambda: deployed.client("sts").assume_role(RoleArn=role, RoleSessionName="itself"),
        "call itself": lambda: functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}"),
        "read its own configuration": lambda: functions.get_function(FunctionName=function),
        "change its own configuration": lambda: functions.update_function_configuration(
            FunctionName=function, Timeout=1
        ),
        "change its own code": lambda: functions.update_function_code(FunctionName=function, ImageUri="x:latest"),
        "let others call it": lambda: functions.add_permission(
            FunctionName=function, StatementId="x", Action="lambda:InvokeFunction", Principal="*"
        ),
        "delete itself": lambda: functions.delete_function(FunctionName=function),
        "log in to the registry": deployed.client("ecr").get_authorization_token,
        "list secrets": deployed.client("secretsmanager").list_secrets,
        "read a parameter": lambda: deployed.client("ssm").get_parameter(Name="x"),
        "list keys": deployed.client("kms").list_keys,
        "use a key": lambda: _simulate(deployed, "kms:Decrypt", f"arn:aws:kms:{REGION}:000000000000:key/x"),
        "tell another bus": lambda: events.put_events(
            Entries=[{"Source": "video-thumbnailer", "DetailType": "x", "Detail": "{}"}]
        ),
        "make a rule": lambda: events.put_rule(Name="x", ScheduleExpression="rate(1 day)"),
        "list buses": events.list_event_buses,
        "make a network interface": lambda: _simulate(deployed, "ec2:CreateNetworkInterface"),
        "read traces": lambda: _simulate(deployed, "xray:GetTraceSummaries"),
        "list topics": deployed.client("sns").list_topics,
        "silence an alarm": lambda: deployed.client("cloudwatch").disable_alarm_actions(AlarmNames=["x"]),
    }
    tried = {name: verdict(call) for name, call in calls.items()}

    assert _wrong(tried, "denied") == {}


def test_the_policy_of_the_bucket_refuses_everybody_who_comes_without_tls(beside: Service, films: Films) -> None:
    stack, video, image = beside.stack, "policy/tls.mp4", "policy/tls.jpg"
    assert beside.outcome(video, films.corners(1)).outcome in ("made", "unchanged")
    iam, user = stack.client("iam"), "may-do-everything"
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    administrator = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    tried: dict[str, tuple[str, str]] = {}
    for who, credentials in (("function", stack.credentials), ("administrator", administrator)):
        over_tls, plain = _client(beside, "s3", credentials), _client(beside, "s3", credentials, tls=False)
        calls: dict[str, dict[str, Any]] = {
            "get_object": {"Key": video},
            "head_object": {"Key": video},
            "put_object": {"Key": image, "Body": b""},
            "list_objects_v2": {"Prefix": video},
        }
        for action, arguments in calls.items():
            named = {"Bucket": stack.bucket, **arguments}
            tried[f"{who}: {action}"] = (
                verdict(getattr(over_tls, action), **named),
                verdict(getattr(plain, action), **named),
            )
        queue = {"QueueUrl": stack.queue_url, "MessageBody": "x"}
        tried[f"{who}: send_message"] = (
            verdict(_client(beside, "sqs", credentials).send_message, **queue),
            verdict(_client(beside, "sqs", credentials, tls=False).send_message, **queue),
        )
    plain = _client(beside, "s3", administrator, tls=False)
    tried["administrator: delete_bucket_policy"] = (
        "allowed",
        verdict(plain.delete_bucket_policy, Bucket=stack.bucket),
    )
    beside.empty_failures()

    assert {name: found for name, found in tried.items() if found != ("allowed", "denied")} == {}


def _client(service: Service, name: str, credentials: Mapping[str, str], *, tls: bool = True) -> Any:
    """Return a client of its own, which says that its requests came without TLS where that is wanted."""
    emulator = service.stack.emulator
    session: Any = boto3.session.Session(region_name=REGION)
    client = session.client(
        name,
        endpoint_url=emulator.endpoint,
        verify=str(emulator.certificate),
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
    )
    if not tls:
        # The emulator has one port, with TLS; it takes a proxy's word for how a request reached that.
        client.meta.events.register(f"before-send.{name}", _come_plainly)
    return client


def _come_plainly(request: Any, **_: object) -> None:
    request.headers[PLAIN_HTTP] = "http"


def _attempt(deployed: Deployed, action: str, resource: str, conditions: Mapping[str, Any]) -> Call:
    """Return the call that an action of the policy stands for; a new action needs a new line here."""
    service = action.partition(":")[0]
    client = deployed.client("s3" if service in ("xray", "logs") else service)
    bucket, _, pattern = resource.removeprefix("arn:aws:s3:::").partition("/")
    named = {"Bucket": bucket, "Key": pattern.replace("*", "policy/x")}
    stream = resource.replace("*", "log-stream:policy")
    calls: dict[str, Call] = {
        "s3:GetObject": lambda: client.get_object(**named),
        "s3:GetObjectVersion": lambda: client.get_object(**named, VersionId="null"),
        "s3:PutObject": lambda: client.put_object(**named, Body=b""),
        "s3:DeleteObject": lambda: client.delete_object(Bucket=bucket, Key=pattern.replace("*", "policy/gone")),
        "events:PutEvents": lambda: client.put_events(
            Entries=[{"EventBusName": resource, "Source": "video-thumbnailer", "DetailType": "x", "Detail": "{}"}]
        ),
        "s3:ListBucket": lambda: [
            client.list_objects_v2(Bucket=bucket, Prefix=prefix.replace("*", "policy/x"))
            for prefix in conditions["StringLike"]["s3:prefix"]
        ],
        # The emulator asks for these two on the group's ARN without the `:*` that AWS has there (CloudWatch Logs User
        # Guide, "Log group ARN"), and so denies both; its simulator takes the ARN that AWS would ask for.
        "logs:CreateLogStream": lambda: _simulate(deployed, action, stream),
        "logs:PutLogEvents": lambda: _simulate(deployed, action, stream),
        "sqs:SendMessage": lambda: client.send_message(QueueUrl=deployed.queue_url, MessageBody="x"),
        # The emulator has no X-Ray; its IAM says what it would answer.
        "xray:PutTraceSegments": lambda: _simulate(deployed, action),
        "xray:PutTelemetryRecords": lambda: _simulate(deployed, action),
    }
    return calls[action]


def _simulate(deployed: Deployed, action: str, resource: str = "*") -> None:
    """Raise what a service would answer to the function, where the emulated one cannot be asked."""
    iam, role = deployed.service.stack.client("iam"), deployed.service.stack.registered.function.role
    simulated = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource])
    (result,) = simulated["EvaluationResults"]
    if result["EvalDecision"] != "allowed":
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": str(result)}}, action)


def _object_calls(s3: Any, bucket: str, key: str) -> dict[str, Call]:
    """Return what can be done with an object, by the name of the right that it takes."""
    named = {"Bucket": bucket, "Key": key}
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    return {
        "s3:GetObject": lambda: s3.get_object(**named),
        "s3:GetObjectVersion": lambda: s3.get_object(**named, VersionId="null"),
        "s3:PutObject": lambda: s3.put_object(**named, Body=b""),
        "s3:DeleteObject": lambda: s3.delete_object(**named),
        "s3:DeleteObject of many": lambda: _deleted(
            s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
        ),
        "s3:DeleteObjectVersion": lambda: s3.delete_object(**named, VersionId="null"),
        "s3:GetObjectAcl": lambda: s3.get_object_acl(**named),
        "s3:PutObjectAcl": lambda: s3.put_object_acl(**named, ACL="public-read"),
        "s3:GetObjectTagging": lambda: s3.get_object_tagging(**named),
        "s3:PutObjectTagging": lambda: s3.put_object_tagging(**named, Tagging=tags),
        "s3:RestoreObject": lambda: s3.restore_object(**named, RestoreRequest={"Days": 1}),
    }


def _deleted(answer: Mapping[str, Any]) -> None:
    """Raise the error of an object that was not deleted: a request to delete several succeeds as such."""
    if errors := answer.get("Errors"):
        raise ClientError({"Error": errors[0]}, "DeleteObjects")


def _near_misses(place: Place) -> list[str]:
    """Keys that a slightly wider pattern would take in: other endings, and where there is a prefix, outside of it."""
    prefix, _, ending = place.pattern.partition("*")
    keys = [f"{prefix}policy/x{other}" for other in (ending.upper(), f"{ending}.bak", ending[1:], ".html", "")]
    if prefix:
        keys += [f"policy/x{ending}", f"{prefix[:-1]}-policy/x{ending}"]
    return keys


def _wrong(tried: Table, wanted: str) -> Table:
    """Return the rows that came out otherwise, which is what a failing test shows."""
    return {name: found for name, found in tried.items() if found != wanted}
