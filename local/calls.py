"""What the program asks the AWS provider (invokes), answered from the emulated AWS; one small function a call."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from local.aws import Aws

Properties = Mapping[str, Any]


def _caller_identity(aws: Aws, _: Properties) -> dict[str, Any]:
    return {
        "id": aws.account,
        "accountId": aws.account,
        "arn": f"arn:aws:iam::{aws.account}:root",
        "userId": aws.account,
    }


def _region(aws: Aws, _: Properties) -> dict[str, Any]:
    return {
        "id": aws.region,
        "name": aws.region,
        "region": aws.region,
        "description": aws.region,
        "endpoint": f"ec2.{aws.region}.amazonaws.com",
    }


def _partition(_: Aws, __: Properties) -> dict[str, Any]:
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _authorization_token(aws: Aws, args: Properties) -> dict[str, Any]:
    data = aws.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return {
        **args,
        "id": aws.region,
        "authorizationToken": data["authorizationToken"],
        "expiresAt": data["expiresAt"].isoformat(),
        "userName": user,
        "password": password,
        "proxyEndpoint": f"http://{aws.registry}",
    }


def _bucket(aws: Aws, args: Properties) -> dict[str, Any]:
    name = args["bucket"]
    aws.client("s3").head_bucket(Bucket=name)
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "region": aws.region,
        "bucketRegion": aws.region,
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{aws.region}.amazonaws.com",
        "hostedZoneId": "Z3AQBSTGFYJSTF",
    }


def _bucket_notification(aws: Aws, args: Properties) -> dict[str, Any]:
    found = aws.client("s3").get_bucket_notification_configuration(Bucket=args["bucket"])

    def rows(theirs: str, arn: str, ours: str) -> list[dict[str, Any]]:
        return [
            {
                "id": row.get("Id", ""),
                ours: row[arn],
                "events": row["Events"],
                **{
                    f"filter{rule['Name'].title()}": rule["Value"]
                    for rule in row.get("Filter", {}).get("Key", {}).get("FilterRules", [])
                },
            }
            for row in found.get(theirs, [])
        ]

    return {
        "bucket": args["bucket"],
        "region": aws.region,
        "eventbridge": "EventBridgeConfiguration" in found,
        "lambdaFunctions": rows("LambdaFunctionConfigurations", "LambdaFunctionArn", "lambdaFunctionArn"),
        "queues": rows("QueueConfigurations", "QueueArn", "queueArn"),
        "topics": rows("TopicConfigurations", "TopicArn", "topicArn"),
    }


def _statement(given: Properties) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": given.get("effect") or "Allow"}
    for name in ("sid", "actions", "notActions", "resources", "notResources"):
        if given.get(name):
            statement[{"sid": "Sid"}.get(name, name[0].upper() + name[1:-1])] = given[name]
    for name in ("principals", "notPrincipals"):
        for principal in given.get(name) or []:
            key = name[0].upper() + name[1:-1]
            if principal["type"] == "*":
                statement[key] = "*"
            else:
                statement.setdefault(key, {}).setdefault(principal["type"], []).extend(principal["identifiers"])
    for condition in given.get("conditions") or []:
        statement.setdefault("Condition", {}).setdefault(condition["test"], {})[condition["variable"]] = condition[
            "values"
        ]
    return statement


def _policy_document(_: Aws, args: Properties) -> dict[str, Any]:
    document = json.dumps(
        {
            "Version": args.get("version") or "2012-10-17",
            "Statement": [_statement(s) for s in args.get("statements") or []],
        }
    )
    return {**args, "id": "document", "json": document, "minifiedJson": document}


CALLS: Mapping[str, Callable[[Aws, Properties], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:s3/getBucket:getBucket": _bucket,
    "aws:s3/getBucketNotification:getBucketNotification": _bucket_notification,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
}
