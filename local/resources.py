"""Each resource type of the program, made in the emulated AWS; one small function a type.

Inputs and results are in Pulumi's words (camelCase). A function returns the resource's id and what the provider adds to
the inputs. `Inputs` knows what was read of it, so that an input which no function carries over is an error, not a loss.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws import Aws
from local.image import build_image

Made = tuple[str, dict[str, Any]]

AUTONAME_CHARACTERS = 7
"""What pulumi-aws adds to a name, after a hyphen."""


class Inputs(Mapping[str, Any]):
    """A resource's inputs, which remembers what was read."""

    def __init__(self, logical_name: str, values: Mapping[str, Any]) -> None:
        self.logical_name = logical_name
        self._values = values
        self._read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._values[key]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def unread(self) -> list[str]:
        """Return the inputs that nothing has looked at."""
        return sorted(set(self._values) - self._read)

    def name(self, key: str, *, most: int) -> str:
        """Return the physical name: given as `key`, or the logical name with a suffix, as the provider would make it.

        The suffix follows from the name instead of chance, so that every local run has the same names.
        """
        given = self.get(key)
        suffix = hashlib.sha256(self.logical_name.encode()).hexdigest()[:AUTONAME_CHARACTERS]
        name = str(given) if given else f"{self.logical_name}-{suffix}"
        if len(name) > most:
            raise ValueError(f"name {name!r} has {len(name)} characters, of which AWS takes {most}")
        return name


def _words(value: Any, names: Mapping[str, str] = {}) -> Any:
    """camelCase keys as AWS writes them, recursively; `names` for those that differ in more than the first letter."""
    if isinstance(value, Mapping):
        return {names.get(key, key[:1].upper() + key[1:]): _words(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_words(item, names) for item in value]
    return value


def _tags(inputs: Inputs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]


def _some(**arguments: Any) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}


def _bucket(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("bucket", most=63)
    inputs.get("forceDestroy")  # the whole emulated account ends with this run
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    if tags := _tags(inputs):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    return name, {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "region": aws.region,
        "bucketRegion": aws.region,
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{aws.region}.amazonaws.com",
        "hostedZoneId": "Z3AQBSTGFYJSTF",
    }


def _public_access_block(aws: Aws, inputs: Inputs) -> Made:
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    given = {flag: bool(inputs.get(flag)) for flag in flags}
    aws.client("s3").put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=_words(given))
    return inputs["bucket"], {}


def _ownership_controls(aws: Aws, inputs: Inputs) -> Made:
    aws.client("s3").put_bucket_ownership_controls(
        Bucket=inputs["bucket"], OwnershipControls={"Rules": [_words(inputs["rule"])]}
    )
    return inputs["bucket"], {}


def _bucket_encryption(aws: Aws, inputs: Inputs) -> Made:
    rules = _words(inputs["rules"], {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"})
    for rule in rules:
        if blocked := rule.get("BlockedEncryptionTypes"):
            rule["BlockedEncryptionTypes"] = {"EncryptionType": blocked}
    aws.client("s3").put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})
    return inputs["bucket"], {}


def _bucket_lifecycle(aws: Aws, inputs: Inputs) -> Made:
    rules = _words(inputs["rules"], {"id": "ID"})
    for rule in rules:
        # An empty filter is a whole bucket; MiniStack and older APIs want that written as the empty prefix.
        rule["Filter"] = rule.get("Filter") or {"Prefix": ""}
    aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules}
    )
    return inputs["bucket"], {}


def _bucket_policy(aws: Aws, inputs: Inputs) -> Made:
    aws.client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=_document(inputs["policy"]))
    return inputs["bucket"], {}


def _bucket_notification(aws: Aws, inputs: Inputs) -> Made:
    bucket = inputs["bucket"]
    rows = []
    for given in inputs.get("lambdaFunctions") or []:
        _check_permission(aws, bucket, given["lambdaFunctionArn"])
        rules = [
            {"Name": name, "Value": given[key]}
            for name, key in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
            if given.get(key)
        ]
        rows.append(
            _some(
                Id=given.get("id"),
                LambdaFunctionArn=given["lambdaFunctionArn"],
                Events=given["events"],
                Filter={"Key": {"FilterRules": rules}} if rules else None,
            )
        )
    switch: dict[str, Any] = {"EventBridgeConfiguration": {}} if inputs.get("eventbridge") else {}
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": rows, **switch}
    )
    return bucket, {}


def _check_permission(aws: Aws, bucket: str, function_arn: str) -> None:
    """S3 tries the permission when it takes a notification; MiniStack does not, so it is checked here."""
    policy = json.loads(aws.client("lambda").get_policy(FunctionName=function_arn)["Policy"])
    for statement in policy["Statement"]:
        if "s3.amazonaws.com" in json.dumps(statement["Principal"]) and (
            "Condition" not in statement or f'"arn:aws:s3:::{bucket}"' in json.dumps(statement["Condition"])
        ):
            return
    raise ValueError(f"S3 may not call {function_arn} for bucket {bucket}: its permission must be made before this")


def _repository(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=256)
    inputs.get("forceDelete")
    made = aws.client("ecr").create_repository(
        repositoryName=name,
        tags=_tags(inputs),
        **_some(
            imageTagMutability=inputs.get("imageTagMutability"),
            imageScanningConfiguration=inputs.get("imageScanningConfiguration"),
        ),
    )["repository"]
    return name, {
        "name": name,
        "arn": made["repositoryArn"],
        "registryId": made["registryId"],
        "repositoryUrl": f"{aws.registry}/{name}",
    }


def _repository_lifecycle(aws: Aws, inputs: Inputs) -> Made:
    aws.client("ecr").put_lifecycle_policy(
        repositoryName=inputs["repository"], lifecyclePolicyText=_document(inputs["policy"])
    )
    return inputs["repository"], {"registryId": aws.account}


def _repository_policy(aws: Aws, inputs: Inputs) -> Made:
    aws.client("ecr").set_repository_policy(repositoryName=inputs["repository"], policyText=_document(inputs["policy"]))
    return inputs["repository"], {"registryId": aws.account}


def _role(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=64)
    made = aws.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=_document(inputs["assumeRolePolicy"]),
        Tags=_tags(inputs),
        **_some(Description=inputs.get("description")),
    )["Role"]
    return name, {"name": name, "arn": made["Arn"], "uniqueId": made["RoleId"]}


def _role_policy(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=128)
    aws.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=name, PolicyDocument=_document(inputs["policy"])
    )
    return f"{inputs['role']}:{name}", {"name": name}


def _function(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=64)
    if inputs["packageType"] != "Image" or "@sha256:" not in inputs["imageUri"]:
        raise ValueError("a function of package type Image whose imageUri is a digest is expected")
    client = aws.client("lambda")
    made = client.create_function(
        FunctionName=name,
        PackageType="Image",
        Code={"ImageUri": inputs["imageUri"]},
        Role=inputs["role"],
        Tags=inputs.get("tags") or {},
        **_some(
            Description=inputs.get("description"),
            Architectures=inputs.get("architectures"),
            MemorySize=inputs.get("memorySize"),
            Timeout=inputs.get("timeout"),
            Environment=_words(inputs.get("environment")) if inputs.get("environment") else None,
            EphemeralStorage=_words(inputs.get("ephemeralStorage")),
            LoggingConfig=_words(inputs.get("loggingConfig")),
            TracingConfig=_words(inputs.get("tracingConfig")),
            VpcConfig=_words(inputs.get("vpcConfig")),
        ),
    )
    reserved = inputs.get("reservedConcurrentExecutions")
    if reserved is not None and reserved >= 0:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    arn = made["FunctionArn"]
    return name, {
        "name": name,
        "arn": arn,
        "qualifiedArn": f"{arn}:$LATEST",
        "version": "$LATEST",
        "invokeArn": f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }


def _permission(aws: Aws, inputs: Inputs) -> Made:
    statement = inputs.name("statementId", most=100)
    aws.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=statement,
        Action=inputs["action"],
        Principal=inputs["principal"],
        **_some(SourceArn=inputs.get("sourceArn"), SourceAccount=inputs.get("sourceAccount")),
    )
    return statement, {"statementId": statement}


def _event_invoke_config(aws: Aws, inputs: Inputs) -> Made:
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=inputs["functionName"],
        **_some(
            MaximumRetryAttempts=inputs.get("maximumRetryAttempts"),
            MaximumEventAgeInSeconds=inputs.get("maximumEventAgeInSeconds"),
            DestinationConfig=_words(inputs.get("destinationConfig")),
        ),
    )
    return inputs["functionName"], {}


def _log_group(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=512)
    client = aws.client("logs")
    client.create_log_group(logGroupName=name, tags=inputs.get("tags") or {})
    if days := inputs.get("retentionInDays"):
        client.put_retention_policy(logGroupName=name, retentionInDays=days)
    return name, {"name": name, "arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"}


def _metric_alarm(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=255)
    dimensions = [{"Name": key, "Value": value} for key, value in (inputs.get("dimensions") or {}).items()]
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Dimensions=dimensions,
        Tags=_tags(inputs),
        **_some(
            AlarmDescription=inputs.get("alarmDescription"),
            Namespace=inputs.get("namespace"),
            MetricName=inputs.get("metricName"),
            Statistic=inputs.get("statistic"),
            ExtendedStatistic=inputs.get("extendedStatistic"),
            Period=inputs.get("period"),
            EvaluationPeriods=inputs["evaluationPeriods"],
            DatapointsToAlarm=inputs.get("datapointsToAlarm"),
            Threshold=inputs.get("threshold"),
            ComparisonOperator=inputs["comparisonOperator"],
            TreatMissingData=inputs.get("treatMissingData"),
            AlarmActions=inputs.get("alarmActions"),
            OKActions=inputs.get("okActions"),
        ),
    )
    return name, {"name": name, "arn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{name}"}


def _dashboard(aws: Aws, inputs: Inputs) -> Made:
    name = inputs["dashboardName"]
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])
    return name, {"dashboardArn": f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}"}


def _event_bus(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=256)
    made = aws.client("events").create_event_bus(
        Name=name, Tags=_tags(inputs), **_some(Description=inputs.get("description"))
    )
    return name, {"name": name, "arn": made["EventBusArn"]}


def _event_rule(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=64)
    made = aws.client("events").put_rule(
        Name=name,
        EventPattern=inputs["eventPattern"],
        Tags=_tags(inputs),
        **_some(Description=inputs.get("description"), EventBusName=inputs.get("eventBusName")),
    )
    return name, {"name": name, "arn": made["RuleArn"]}


def _event_target(aws: Aws, inputs: Inputs) -> Made:
    target = {
        "Id": inputs.name("targetId", most=64),
        "Arn": inputs["arn"],
        **_some(
            RoleArn=inputs.get("roleArn"),
            RetryPolicy=_words(inputs.get("retryPolicy")),
            DeadLetterConfig=_words(inputs.get("deadLetterConfig")),
        ),
    }
    bus = _some(EventBusName=inputs.get("eventBusName"))
    answer = aws.client("events").put_targets(Rule=inputs["rule"], Targets=[target], **bus)
    if answer["FailedEntryCount"]:
        raise ValueError(f"rule {inputs['rule']} takes no target {target}: {answer['FailedEntries']}")
    return f"{inputs['rule']}-{target['Id']}", {"targetId": target["Id"]}


QUEUE_ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
}


def _queue(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=80)
    attributes = {theirs: inputs[ours] for ours, theirs in QUEUE_ATTRIBUTES.items() if inputs.get(ours) is not None}
    url = aws.client("sqs").create_queue(
        QueueName=name,
        Attributes={key: str(value).lower() for key, value in attributes.items()},
        tags=inputs.get("tags") or {},
    )["QueueUrl"]
    return url, {"name": name, "url": url, "arn": f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"}


def _queue_policy(aws: Aws, inputs: Inputs) -> Made:
    aws.client("sqs").set_queue_attributes(
        QueueUrl=inputs["queueUrl"], Attributes={"Policy": _document(inputs["policy"])}
    )
    return inputs["queueUrl"], {}


def _topic(aws: Aws, inputs: Inputs) -> Made:
    name = inputs.name("name", most=256)
    arn = aws.client("sns").create_topic(
        Name=name, Attributes=_some(KmsMasterKeyId=inputs.get("kmsMasterKeyId")), Tags=_tags(inputs)
    )["TopicArn"]
    return arn, {"name": name, "arn": arn}


def _topic_policy(aws: Aws, inputs: Inputs) -> Made:
    aws.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=_document(inputs["policy"])
    )
    return inputs["arn"], {"owner": aws.account}


def _topic_subscription(aws: Aws, inputs: Inputs) -> Made:
    arn = aws.client("sns").subscribe(
        TopicArn=inputs["topic"], Protocol=inputs["protocol"], Endpoint=inputs["endpoint"], ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    return arn, {"arn": arn}


def _key(aws: Aws, inputs: Inputs) -> Made:
    inputs.get("deletionWindowInDays")
    client = aws.client("kms")
    made = client.create_key(
        Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in _tags(inputs)],
        **_some(Description=inputs.get("description"), Policy=inputs.get("policy")),
    )["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        client.enable_key_rotation(KeyId=made["KeyId"])
    return made["KeyId"], {"keyId": made["KeyId"], "arn": made["Arn"]}


def _image(aws: Aws, inputs: Inputs) -> Made:
    inputs.get("registry")  # MiniStack's registry asks for no password
    inputs.get("buildOnPreview")  # there is no preview here
    if inputs.get("skipPush"):
        raise ValueError("skipPush leaves Lambda without an image")
    name = inputs["imageName"]
    return name, {"baseImageName": name, "repoDigest": build_image(aws, name, inputs["build"])}


def _document(policy: Any) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


@dataclass(frozen=True)
class Resource:
    """A resource that was made."""

    type: str
    id: str
    properties: dict[str, Any]


RESOURCES: Mapping[str, Callable[[Aws, Inputs], Made]] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _public_access_block,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _ownership_controls,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket_encryption,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_lifecycle,
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
    "aws:s3/bucketNotification:BucketNotification": _bucket_notification,
    "aws:ecr/repository:Repository": _repository,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _repository_lifecycle,
    "aws:ecr/repositoryPolicy:RepositoryPolicy": _repository_policy,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:lambda/function:Function": _function,
    "aws:lambda/permission:Permission": _permission,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _event_invoke_config,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _metric_alarm,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/eventBus:EventBus": _event_bus,
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": _event_target,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _queue_policy,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": _topic_subscription,
    "aws:kms/key:Key": _key,
    "docker:index/image:Image": _image,
}


def make(aws: Aws, type_: str, logical_name: str, values: Mapping[str, Any]) -> Resource:
    """Make one resource; raises when its type, or an input of it, is unknown here."""
    if type_ not in RESOURCES:
        raise ValueError(f"resource type {type_} is not known here: add a function for it to local/resources.py")
    inputs = Inputs(logical_name, values)
    id_, added = RESOURCES[type_](aws, inputs)
    if unread := inputs.unread():
        raise ValueError(
            f"input {', '.join(unread)} of {type_} is not carried over: see its function in local/resources.py"
        )
    return Resource(type_, id_, {**values, **added})
