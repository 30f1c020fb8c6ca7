"""The rules that a stack keeps to, as plain functions over what it declares: they need neither the engine nor AWS.

    judge(RULES, resources).violations

Each violation says which resource, what is wrong with it and what to do. What an input holds that is known only after
the update (`UNKNOWN`) no rule can judge: it is told as undecided, and judged by the update itself.
"""

import enum
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final


class _Unknown(enum.Enum):
    UNKNOWN = "known after the update"


UNKNOWN: Final = _Unknown.UNKNOWN

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
BUCKET_ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
KEY = "aws:kms/key:Key"
REPOSITORY = "aws:ecr/repository:Repository"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
LIFECYCLE_POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
ROLE = "aws:iam/role:Role"
FUNCTION = "aws:lambda/function:Function"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"
INVOKE_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
PERMISSION = "aws:lambda/permission:Permission"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
EVENT_BUS = "aws:cloudwatch/eventBus:EventBus"
EVENT_BUS_POLICY = "aws:cloudwatch/eventBusPolicy:EventBusPolicy"
EVENT_RULE = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET = "aws:cloudwatch/eventTarget:EventTarget"

IDENTITY_POLICIES = (
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
"""What says what somebody may do, where a resource's policy says who may do something with it."""
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:iam/policyAttachment:PolicyAttachment",
)
RESOURCE_POLICIES = {
    BUCKET_POLICY: "policy",
    QUEUE_POLICY: "policy",
    TOPIC_POLICY: "policy",
    REPOSITORY_POLICY: "policy",
    EVENT_BUS_POLICY: "policy",
    KEY: "policy",
    ROLE: "assumeRolePolicy",
}
"""The types with a policy of their own, and the input that holds it."""

TAGGED = frozenset(
    {*BUCKETS, QUEUE, TOPIC, KEY, REPOSITORY, ROLE, FUNCTION, LOG_GROUP, ALARM, EVENT_BUS, EVENT_RULE},
)
"""The types of the component that take tags."""
TAGS = ("Project", "Stack")

WITHOUT_RESOURCE = frozenset(
    {
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    }
)
"""Actions that know no resource (Service Authorization Reference, "AWS X-Ray" and "Amazon EC2")."""

INTERFACES = frozenset(
    {
        *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
        *("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
    }
)
"""What Lambda does to place a function in a VPC, with network interfaces that nobody can name before."""

NAMING_NOBODY = frozenset({"events.amazonaws.com"})
"""Services that do not tell a key on whose behalf they come, so that a condition would shut them out (Amazon SNS
Developer Guide, "Enable compatibility between event sources and encrypted topics")."""

_SECRETS = {
    # IAM User Guide, "IAM identifiers": the prefixes of access keys, of users and of temporary credentials.
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    # 40 characters of base64, told from a SHA-1 by what names it.
    "an AWS secret key": r"(?i)aws.{0,20}secret.{0,20}['\"=:\s][A-Za-z0-9/+]{40}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    # GitHub Docs, "About authentication to GitHub": token formats.
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Pulumi token": r"\bpul-[0-9a-f]{40}\b",
    "a PyPI token": r"\bpypi-AgEI[A-Za-z0-9_-]{20,}",
    # RFC 7519: header and claims are JSON objects in base64url, which begin so.
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@",
    # Amazon S3 API Reference, "Authenticating requests: using query parameters".
    "a presigned URL": r"(?i)[?&]X-Amz-(?:Signature|Credential|Security-Token)=",
}
_SECRET_NAME = re.compile(r"(?i)(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY)(?:_|$)")

_BINDING_OPERATORS = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})
"""Of IAM's condition operators those that fail where the key is absent, which `…IfExists` and `ForAllValues:…` pass
(IAM User Guide, "IAM JSON policy elements: Condition operators")."""


@dataclass(frozen=True)
class Resource:
    """One resource of a stack, with its inputs in the provider's notation (camelCase).

    `needs` holds, by input, the `id` of each resource that the input is made of; "" stands for any input.
    """

    id: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True)
class Violation:
    """What is wrong with one resource, and what to do."""

    rule: str
    resource: Resource
    says: str


@dataclass(frozen=True)
class Verdict:
    """`undecided` names what rests on values that are known only after the update."""

    violations: tuple[Violation, ...]
    undecided: tuple[Violation, ...]


Stack = Sequence[Resource]
Check = Callable[[Resource, Stack], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """`check` is asked of each resource of `types` (of all where there are none), and yields what is wrong with it.

    With `whole_stack` it looks at other resources too, and can be asked only when all of them are declared.
    """

    name: str
    description: str
    check: Check
    types: tuple[str, ...] = ()
    whole_stack: bool = False


class Undecided(Exception):
    """A rule met a value that is known only after the update."""


def judge(rules: Iterable[Rule], stack: Stack) -> Verdict:
    """Ask every rule of every resource."""
    violations: list[Violation] = []
    undecided: list[Violation] = []
    for rule in rules:
        for resource in stack:
            if rule.types and resource.type not in rule.types:
                continue
            try:
                for fault in rule.check(resource, stack):
                    violations.append(Violation(rule.name, resource, f"{resource.label} {fault}"))
            except Undecided as gap:
                undecided.append(Violation(rule.name, resource, f"{resource.label}: {gap}"))
    return Verdict(tuple(violations), tuple(undecided))


def secrets_in(text: str) -> list[str]:
    """Return what kinds of secret a text holds."""
    return [kind for kind, pattern in _SECRETS.items() if re.search(pattern, text)]


# Values


def _at(inputs: Mapping[str, Any], *path: str) -> Any:
    """Return what lies at a path of inputs; None where there is nothing. Raises Undecided where it is not known yet."""
    value: Any = inputs
    for step in path:
        if isinstance(value, Sequence) and not isinstance(value, str):
            # The provider shows a block that may come once as an object in inputs, and some as a list in outputs.
            value = value[0] if value else None
        value = value.get(step) if isinstance(value, Mapping) else None
        if value is UNKNOWN:
            raise Undecided(f"{'.'.join(path)} is {UNKNOWN.value}")
    return value


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _refers(one: Resource, key: str, other: Resource) -> bool:
    """Whether an input of `one` means `other`: it holds one of its names, or is made of its outputs."""
    names = {other.inputs.get(name) for name in ("arn", "bucket", "id", "name", "url")} - {None, UNKNOWN}
    value = one.inputs.get(key)
    return (isinstance(value, str) and value in names) or other.id in one.needs.get(key, one.needs.get("", ()))


def _of(stack: Stack, *types: str) -> list[Resource]:
    return [resource for resource in stack if resource.type in types]


# Policies of IAM's language


def _statements(resource: Resource, key: str) -> list[Mapping[str, Any]]:
    """Return the statements of a policy, which is JSON; raises Undecided where it is not known yet."""
    held = _at(resource.inputs, key)
    try:
        document = json.loads(held) if isinstance(held, str) else held or {}
        return [statement for statement in _listed(document.get("Statement")) if isinstance(statement, Mapping)]
    except (ValueError, AttributeError):
        # A policy that nobody can read grants nothing, and AWS refuses it.
        return []


def _allowed(resource: Resource, key: str) -> list[Mapping[str, Any]]:
    return [statement for statement in _statements(resource, key) if statement.get("Effect") == "Allow"]


def _called(statement: Mapping[str, Any]) -> str:
    return f"statement {statement.get('Sid') or json.dumps(statement)[:80]}"


def _identity_policies(resource: Resource) -> Iterator[Resource]:
    """Yield the policies that an identity's resource holds, each as a resource with `policy`."""
    if resource.type in IDENTITY_POLICIES:
        yield resource
    for inline in _listed(_at(resource.inputs, "inlinePolicies")):
        yield Resource(resource.id, resource.type, resource.name, inline)


def _names_nothing(arn: str) -> bool:
    """Whether an ARN's wildcards leave open which bucket, queue and so on is meant, or whose."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or any(mark in part for part in parts[:5] for mark in "*?"):
        return True
    service, resource = parts[2], parts[5]
    if service == "s3":
        return any(mark in resource.split("/")[0] for mark in "*?")
    name = re.sub(r"^[a-z-]+[:/]", "", resource)
    return name.startswith(("*", "?"))


def _denies_without_tls(statement: Mapping[str, Any], actions: Sequence[str]) -> bool:
    """Whether everybody is denied these actions without TLS, under no further condition."""
    denied = {action.lower() for action in _listed(statement.get("Action"))}
    service = actions[0].split(":")[0].lower()
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and (bool(denied & {"*", f"{service}:*"}) or {action.lower() for action in actions} <= denied)
        and any(
            statement.get("Condition") == {"Bool": {"aws:SecureTransport": value}}
            for value in ("false", False, ["false"])
        )
    )


# Buckets


def bucket_is_private(bucket: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub S3.8 (public access blocked) and S3.12 (no access lists)."""
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    blocks = [each for each in _of(stack, BLOCK) if _refers(each, "bucket", bucket)]
    if not blocks:
        yield "does not block public access; declare a BucketPublicAccessBlock with all four switches on"
    for block in blocks:
        off = [switch for switch in switches if _at(block.inputs, switch) is not True]
        if off:
            yield f"blocks public access by halves; set {', '.join(off)} of {block.label} to true"
    owned = [
        _at(each.inputs, "rule", "objectOwnership") for each in _of(stack, OWNERSHIP) if _refers(each, "bucket", bucket)
    ]
    if owned != ["BucketOwnerEnforced"]:
        yield (
            "leaves objects to whoever uploads them; declare BucketOwnershipControls with objectOwnership "
            "BucketOwnerEnforced"
        )
    if _at(bucket.inputs, "acl") not in (None, "private") or _listed(_at(bucket.inputs, "grants")):
        yield "has an access list; remove acl and grants, and say who may in the bucket's policy"


def bucket_acl_is_private(acl: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub S3.12."""
    if _at(acl.inputs, "acl") != "private":
        yield "gives a bucket an access list; remove it, and say who may in the bucket's policy"


def bucket_takes_tls_only(bucket: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub S3.5."""
    policies = [each for each in _of(stack, BUCKET_POLICY) if _refers(each, "bucket", bucket)]
    for policy in policies:
        for statement in _statements(policy, "policy"):
            over = _listed(statement.get("Resource"))
            everything = "*" in over or any(f"{each}/*" in over for each in over)
            if everything and _denies_without_tls(statement, ["s3:*"]):
                return
    yield (
        "may be used without TLS; declare a BucketPolicy that denies everybody s3:* on the bucket and all its objects "
        "where aws:SecureTransport is false"
    )


def bucket_is_encrypted(bucket: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub S3.17, for any algorithm: what S3 does by itself is not what the stack says."""
    for each in _of(stack, *ENCRYPTION):
        if _refers(each, "bucket", bucket):
            rules = _listed(_at(each.inputs, "rules"))
            if rules and all(_at(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm") for rule in rules):
                if not any("SSE-C" in _listed(_at(rule, "blockedEncryptionTypes")) for rule in rules):
                    yield f"takes objects that only their uploader can read; set blockedEncryptionTypes of {each.label}"
                return
    yield "does not say how it encrypts; declare a BucketServerSideEncryptionConfiguration"


# Queues and topics


def queue_is_encrypted(queue: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub SQS.1."""
    if _at(queue.inputs, "sqsManagedSseEnabled") is not True and not _at(queue.inputs, "kmsMasterKeyId"):
        yield "keeps its messages unencrypted; set sqsManagedSseEnabled, or a kmsMasterKeyId"


def topic_is_encrypted(topic: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub SNS.1 (retired there, because SNS encrypts on its disks; here a key of one's own is wanted)."""
    # A key of the same stack has no name before the update; that there is one is enough.
    if not topic.inputs.get("kmsMasterKeyId"):
        yield "keeps its messages unencrypted; set kmsMasterKeyId to a key that its publishers may use"


def queue_takes_tls_only(queue: Resource, stack: Stack) -> Iterator[str]:
    """Amazon SQS Developer Guide, "Amazon SQS security best practices"."""
    actions = ("sqs:SendMessage", "sqs:ReceiveMessage")
    for policy in _of(stack, QUEUE_POLICY):
        if _refers(policy, "queueUrl", queue) and any(
            _denies_without_tls(statement, actions) for statement in _statements(policy, "policy")
        ):
            return
    yield f"may be used without TLS; declare a QueuePolicy that denies everybody {' and '.join(actions)} without it"


def topic_takes_tls_only(topic: Resource, stack: Stack) -> Iterator[str]:
    """Amazon SNS Developer Guide, "Amazon SNS security best practices"."""
    for policy in _of(stack, TOPIC_POLICY):
        if _refers(policy, "arn", topic) and any(
            _denies_without_tls(statement, ["sns:Publish"]) for statement in _statements(policy, "policy")
        ):
            return
    yield "may be used without TLS; declare a TopicPolicy that denies everybody sns:Publish without it"


# Who may use a resource


def resource_is_closed(resource: Resource, stack: Stack) -> Iterator[str]:
    """No resource's own policy lets in everybody, or a service on behalf of anybody (IAM User Guide, "The confused
    deputy problem")."""
    for statement in _allowed(resource, RESOURCE_POLICIES[resource.type]):
        if "NotPrincipal" in statement or "NotAction" in statement:
            yield f"allows all but a few in {_called(statement)}; name whom it allows, and what"
        principals = statement.get("Principal")
        kinds = principals if isinstance(principals, Mapping) else {"AWS": principals} if principals else {}
        for kind, named in kinds.items():
            if "*" in _listed(named):
                yield f"lets in everybody by {_called(statement)}; name the principal"
            elif kind not in ("AWS", "Service"):
                yield f"lets in {kind} {', '.join(map(str, _listed(named)))} by {_called(statement)}; remove it"
            elif kind == "Service" and resource.type != ROLE and not _bound_to_an_account(statement):
                # A role is reached through the right to pass it.
                if resource.type == KEY and set(_listed(named)) <= NAMING_NOBODY:
                    continue
                yield (
                    f"lets in {', '.join(_listed(named))} on behalf of any account by {_called(statement)}; "
                    "bind it by aws:SourceArn or aws:SourceAccount"
                )


def _bound_to_an_account(statement: Mapping[str, Any]) -> bool:
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.lower() not in _BINDING_OPERATORS:
            continue
        for key, values in keys.items():
            if key.lower() == "aws:sourceaccount" and all(re.fullmatch(r"\d{12}", str(one)) for one in _listed(values)):
                return True
            if key.lower() == "aws:sourcearn" and all(
                re.match(r"arn:[a-z-]+:[a-z0-9-]+:[^:]*:\d{12}:", str(one)) for one in _listed(values)
            ):
                return True
    return False


def resource_is_for_its_own_account(resource: Resource, stack: Stack) -> Iterator[str]:
    """No resource's own policy names another account; which one is its own, the function's role tells."""
    for statement in _allowed(resource, RESOURCE_POLICIES[resource.type]):
        principals = statement.get("Principal")
        named = _listed(principals.get("AWS")) if isinstance(principals, Mapping) else []
        if not named:
            continue
        own = {account for function in _of(stack, FUNCTION) for account in _accounts([_at(function.inputs, "role")])}
        strangers = [one for one in named if one != "*" and not (own and _accounts([one]) <= own and _accounts([one]))]
        if strangers:
            yield (
                f"lets in {', '.join(strangers)} by {_called(statement)}, not of the function's account "
                f"{', '.join(sorted(own)) or '(there is no function)'}; remove it"
            )


def _accounts(arns: Iterable[Any]) -> set[str]:
    return {
        found for arn in arns for found in re.findall(r"^(?:arn:[a-z-]+:[a-z0-9-]+:[^:]*:)?(\d{12})(?::|$)", str(arn))
    }


def function_has_no_open_url(url: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub Lambda.1; the function is called by its bucket, and needs no URL at all."""
    if _at(url.inputs, "authorizationType") != "AWS_IAM":
        yield "lets everybody call the function; set authorizationType to AWS_IAM, or remove the URL"


# Roles


def role_has_no_managed_policy(resource: Resource, stack: Stack) -> Iterator[str]:
    """IAM User Guide, "Managed policies and inline policies": AWS changes its managed policies by itself."""
    if resource.type in ATTACHMENTS or _listed(_at(resource.inputs, "managedPolicyArns")):
        yield "attaches a managed policy, which can grow by itself; write what is needed into a RolePolicy"


def policy_names_its_actions(resource: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub IAM.21 (no wildcard action), for every service."""
    documents = [(each, "policy") for each in _identity_policies(resource)]
    # In a key's policy kms:* for the account is what lets anybody administer it (AWS KMS Developer Guide, "Default key
    # policy"); and a trust policy cannot but name sts:AssumeRole and its like.
    if resource.type in RESOURCE_POLICIES and resource.type not in (KEY, ROLE):
        documents.append((resource, RESOURCE_POLICIES[resource.type]))
    for each, key in documents:
        for statement in _allowed(each, key):
            wide = [action for action in _listed(statement.get("Action")) if "*" in action or "?" in action]
            if "NotAction" in statement:
                wide.append("NotAction")
            if wide:
                yield f"allows {', '.join(wide)} in {_called(statement)}; name each action"


def policy_names_its_resources(resource: Resource, stack: Stack) -> Iterator[str]:
    """IAM User Guide, "Grant least privilege"; a few actions know no resource, or none that is there yet."""
    for each in _identity_policies(resource):
        for statement in _allowed(each, "policy"):
            actions = set(_listed(statement.get("Action")))
            wide = [
                arn
                for arn in _listed(statement.get("Resource"))
                if _names_nothing(arn)
                and not (
                    actions <= INTERFACES and re.fullmatch(r"arn:[a-z-]+:ec2:[^*?:]+:\d{12}:network-interface/\*", arn)
                )
            ]
            if "NotResource" in statement:
                wide.append("NotResource")
            if wide and not actions <= WITHOUT_RESOURCE:
                yield (
                    f"allows {', '.join(_listed(statement.get('Action')))} on {', '.join(wide)} in "
                    f"{_called(statement)}; name the resource by its ARN"
                )


# The function


def function_runs_a_digest(function: Resource, stack: Stack) -> Iterator[str]:
    """Reject a tag: it can be moved to another image by whoever may push; a digest is the image."""
    if _at(function.inputs, "packageType") != "Image":
        yield "is not made of a container image; set packageType to Image"
    elif not re.search(r"@sha256:[0-9a-f]{64}$", _at(function.inputs, "imageUri") or ""):
        yield f"runs {_at(function.inputs, 'imageUri')}, which can change; name the image by its digest (@sha256:…)"


def function_is_traced(function: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub Lambda.7."""
    if _at(function.inputs, "tracingConfig", "mode") != "Active":
        yield "is not traced; set tracingConfig.mode to Active"


def function_loses_no_event(function: Resource, stack: Stack) -> Iterator[str]:
    """Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations": without a destination an event
    that failed three times is dropped."""
    # Not _at: a target of the same stack has no ARN before the update; that there is one is enough.
    if function.inputs.get("deadLetterConfig"):
        return
    for config in _of(stack, INVOKE_CONFIG):
        if _refers(config, "functionName", function):
            block = config.inputs
            for step in ("destinationConfig", "onFailure", "destination"):
                inner = _listed(block.get(step))
                block = inner[0] if inner and isinstance(inner[0], Mapping) else {"": inner}
            if block.get(""):
                return
    yield (
        "drops an event that failed; declare a FunctionEventInvokeConfig with destinationConfig.onFailure, or set "
        "deadLetterConfig"
    )


def function_logs_into_a_group_of_the_stack(function: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub CloudWatch.16: a log group that Lambda makes itself keeps everything for ever."""
    group = function.inputs.get("loggingConfig")
    named = Resource(
        function.id,
        function.type,
        function.name,
        {"loggingConfig": _listed(group)[0].get("logGroup") if _listed(group) else None},
        function.needs,
    )
    if not group or not any(_refers(named, "loggingConfig", each) for each in _of(stack, LOG_GROUP)):
        yield "logs into no group of this stack; declare a LogGroup, and name it in loggingConfig.logGroup"


def log_group_forgets(group: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub CloudWatch.16."""
    if not _at(group.inputs, "retentionInDays"):
        yield "keeps its logs for ever; set retentionInDays"


def function_environment_holds_no_secret(function: Resource, stack: Stack) -> Iterator[str]:
    """Lambda Developer Guide, "Working with Lambda environment variables": whoever may look at the function reads
    them. The message names the variable and not what it holds."""
    for name, value in (_at(function.inputs, "environment", "variables") or {}).items():
        advice = "keep it in Secrets Manager or Parameter Store, and hand its ARN to the function"
        kinds = [] if value is UNKNOWN else secrets_in(f"{name}={value}")
        if kinds:
            yield f"shows {kinds[0]} in its variable {name}; {advice}"
        elif _SECRET_NAME.search(name) and value and not (isinstance(value, str) and value.startswith("arn:")):
            yield f"shows what its variable {name} is named for; {advice}"


# The repository


def repository_scans(repository: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub ECR.1."""
    if _at(repository.inputs, "imageScanningConfiguration", "scanOnPush") is not True:
        yield "does not look for known faults in its images; set imageScanningConfiguration.scanOnPush to true"


def images_expire_by_count(lifecycle: Resource, stack: Stack) -> Iterator[str]:
    """Reject rules of age: a push takes the tag from the digest that the function runs, and an age rule would delete it
    under the function (Amazon ECR User Guide, "Lifecycle policy properties": the count types)."""
    held = _at(lifecycle.inputs, "policy")
    document = json.loads(held) if isinstance(held, str) else held or {}
    for rule in _listed(document.get("rules")):
        kind = _at(rule, "selection", "countType")
        if kind != "imageCountMoreThan":
            yield f"expires images by {kind}, the running one too; use countType imageCountMoreThan"


# The trigger


def permission_names_its_caller(permission: Resource, stack: Stack) -> Iterator[str]:
    """AWS Security Hub Lambda.1; Lambda API Reference, AddPermission: a bucket's ARN does not name its account."""
    principal = _at(permission.inputs, "principal")
    if principal == "*":
        yield "lets everybody call the function; name the service, with sourceArn and sourceAccount"
    elif not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", principal or ""):
        yield f"lets {principal} call the function; only services do, with sourceArn and sourceAccount"
    elif missing := [
        # A bucket's ARN does not name its account, a rule's does.
        key
        for key in ("sourceArn", *(["sourceAccount"] if principal != "events.amazonaws.com" else []))
        if not permission.inputs.get(key)
    ]:
        yield f"lets {principal} call the function on behalf of anybody; set {' and '.join(missing)}"
    elif isinstance(permission.inputs["sourceArn"], str) and _names_nothing(permission.inputs["sourceArn"]):
        yield f"lets {principal} call the function for {permission.inputs['sourceArn']}; name the source by its ARN"


def notification_calls_what_expects_it(notification: Resource, stack: Stack) -> Iterator[str]:
    """Amazon S3 User Guide, "Granting permissions to publish event notification messages to a destination"."""
    if _at(notification.inputs, "eventbridge"):
        # What else it holds is others', and stays as it was when the stack moved to EventBridge.
        return
    for other in ("queues", "topics"):
        if _listed(_at(notification.inputs, other)):
            yield f"sends events to {other}; let it call functions only"
    rules = _listed(_at(notification.inputs, "lambdaFunctions"))
    called = {rule.get("lambdaFunctionArn") for rule in rules} - {UNKNOWN}
    functions = [
        function
        for function in _of(stack, FUNCTION)
        if function.id in notification.needs.get("lambdaFunctions", notification.needs.get("", ()))
        or _at(function.inputs, "arn") in called - {None}
    ]
    permissions = [each for each in _of(stack, PERMISSION) if _at(each.inputs, "principal") == "s3.amazonaws.com"]
    for function in functions:
        if not any(_refers(each, "function", function) and _same_bucket(each, notification) for each in permissions):
            yield (
                f"calls {function.label}, which lets nobody call it for this bucket; declare a Permission for "
                "s3.amazonaws.com with the bucket's ARN as sourceArn, and with sourceAccount"
            )
    if rules and not functions:
        yield "calls a function that is not of this stack; declare the function and its Permission here"


def target_gets_every_event(target: Resource, stack: Stack) -> Iterator[str]:
    """EventBridge User Guide, "Using dead-letter queues to process undelivered events" and "Using resource-based
    policies": where the queue or the function does not let EventBridge in, events are lost in silence."""
    if not (_listed(target.inputs.get("deadLetterConfig")) and _dead_letters(target) is not None):
        yield "drops an event that it cannot deliver; set deadLetterConfig.arn to a queue"
        return
    rules = [each for each in _of(stack, EVENT_RULE) if _refers(target, "rule", each)]
    queues = [each for each in _of(stack, QUEUE) if _refers(_as_input(target, _dead_letters(target)), "", each)]
    for queue in queues:
        policies = [each for each in _of(stack, QUEUE_POLICY) if _refers(each, "queueUrl", queue)]
        if not any(_lets_in(policy, rule) for policy in policies for rule in rules):
            yield f"cannot send to its dead-letter queue; let events.amazonaws.com send to {queue.label} for its rule"
    if target.inputs.get("roleArn"):
        return
    permissions = [each for each in _of(stack, PERMISSION) if _at(each.inputs, "principal") == "events.amazonaws.com"]
    for function in _of(stack, FUNCTION):
        if _refers(target, "arn", function) and not any(
            _refers(each, "function", function) and _refers(each, "sourceArn", rule)
            for each in permissions
            for rule in rules
        ):
            yield (
                f"calls {function.label}, which does not let it; declare a Permission for events.amazonaws.com with "
                "the rule's ARN as sourceArn"
            )


def _dead_letters(target: Resource) -> Any:
    return _listed(target.inputs["deadLetterConfig"])[0].get("arn")


def _as_input(resource: Resource, value: Any) -> Resource:
    """Return the resource with one input, called "", which is made of the same as its dead-letter queue."""
    needs = resource.needs.get("deadLetterConfig", resource.needs.get("", frozenset()))
    return Resource(resource.id, resource.type, resource.name, {"": value}, {"": needs})


def _lets_in(policy: Resource, rule: Resource) -> bool:
    """Whether the queue's policy lets EventBridge send what it could not deliver for the rule."""
    for statement in _allowed(policy, "policy"):
        if (
            statement.get("Principal") == {"Service": "events.amazonaws.com"}
            and "sqs:SendMessage" in _listed(statement.get("Action"))
            and rule.id in policy.needs.get("policy", policy.needs.get("", frozenset()))
        ):
            return True
    return False


def _same_bucket(permission: Resource, notification: Resource) -> bool:
    arn, bucket = permission.inputs.get("sourceArn"), notification.inputs.get("bucket")
    if isinstance(arn, str) and isinstance(bucket, str):
        return arn.rpartition(":")[2] == bucket
    # Not known yet: then both are made of the same resource.
    of_arn = permission.needs.get("sourceArn", permission.needs.get("", frozenset()))
    return bool(of_arn & notification.needs.get("bucket", notification.needs.get("", frozenset())))


# Everything


def everything_is_tagged(resource: Resource, stack: Stack) -> Iterator[str]:
    """AWS Whitepaper "Best Practices for Tagging AWS Resources": what belongs to nobody, nobody looks after."""
    tags = _at(resource.inputs, "tags") or {}
    missing = [tag for tag in TAGS if not tags.get(tag)]
    if missing:
        yield f"has no tag {' and no tag '.join(missing)}; set {' and '.join(missing)} in tags"


RULES: tuple[Rule, ...] = (
    Rule("bucket-private", "Buckets block public access and own their objects.", bucket_is_private, BUCKETS, True),
    Rule("bucket-without-access-list", "Buckets have no access lists.", bucket_acl_is_private, BUCKET_ACLS),
    Rule("bucket-tls", "Buckets refuse plain HTTP.", bucket_takes_tls_only, BUCKETS, True),
    Rule("bucket-encrypted", "Buckets say how they encrypt.", bucket_is_encrypted, BUCKETS, True),
    Rule("queue-encrypted", "Queues are encrypted.", queue_is_encrypted, (QUEUE,)),
    Rule("queue-tls", "Queues refuse plain HTTP.", queue_takes_tls_only, (QUEUE,), True),
    Rule("topic-encrypted", "Topics are encrypted with a key.", topic_is_encrypted, (TOPIC,)),
    Rule("topic-tls", "Topics refuse plain HTTP.", topic_takes_tls_only, (TOPIC,), True),
    Rule("closed", "No resource lets in everybody.", resource_is_closed, tuple(RESOURCE_POLICIES)),
    Rule(
        "own-account",
        "No resource lets in another account.",
        resource_is_for_its_own_account,
        tuple(RESOURCE_POLICIES),
        True,
    ),
    Rule("no-open-url", "No function can be called by everybody.", function_has_no_open_url, (FUNCTION_URL,)),
    Rule("no-managed-policy", "Roles have no managed policies.", role_has_no_managed_policy, (*ATTACHMENTS, ROLE)),
    Rule(
        "named-actions",
        "No policy allows a wildcard action.",
        policy_names_its_actions,
        (*IDENTITY_POLICIES, *RESOURCE_POLICIES),
    ),
    Rule(
        "named-resources",
        "No policy allows a wildcard resource, but for actions that know none.",
        policy_names_its_resources,
        (*IDENTITY_POLICIES, ROLE),
    ),
    Rule("image-by-digest", "Functions run an image by its digest.", function_runs_a_digest, (FUNCTION,)),
    Rule("traced", "Functions are traced.", function_is_traced, (FUNCTION,)),
    Rule("no-event-lost", "A failed event goes to a queue.", function_loses_no_event, (FUNCTION,), True),
    Rule(
        "own-log-group",
        "Functions log into a group of the stack.",
        function_logs_into_a_group_of_the_stack,
        (FUNCTION,),
        True,
    ),
    Rule("log-retention", "Logs are kept for a limited time.", log_group_forgets, (LOG_GROUP,)),
    Rule("no-secret", "No secret in a function's environment.", function_environment_holds_no_secret, (FUNCTION,)),
    Rule("image-scan", "Images are scanned when pushed.", repository_scans, (REPOSITORY,)),
    Rule("image-expiry", "Images expire by count, never by age.", images_expire_by_count, (LIFECYCLE_POLICY,)),
    Rule("named-caller", "Functions are called by a named source.", permission_names_its_caller, (PERMISSION,)),
    Rule(
        "expected-notification",
        "Buckets call only functions that let them.",
        notification_calls_what_expects_it,
        (NOTIFICATION,),
        True,
    ),
    Rule(
        "events-arrive",
        "Rules have targets that let them, and dead-letter queues that do.",
        target_gets_every_event,
        (EVENT_TARGET,),
        True,
    ),
    Rule("tagged", "Everything has the tags Project and Stack.", everything_is_tagged, tuple(sorted(TAGGED))),
)
