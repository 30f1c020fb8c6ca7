"""Policy documents, from statements whose parts have names: a misspelt one is an error, not a policy without effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

VERSION = "2012-10-17"
"""The current version of IAM's policy language (IAM User Guide, "Version")."""


@dataclass(frozen=True)
class Statement:
    """One statement. `principals` maps a kind ("Service", "AWS") to its identifier, or is "*" for everybody."""

    sid: str
    actions: Sequence[pulumi.Input[str]]
    resources: Sequence[pulumi.Input[str]]
    effect: str = "Allow"
    principals: str | Mapping[str, pulumi.Input[str]] | None = None
    conditions: Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]] = field(
        default_factory=dict
    )


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the statements as IAM's JSON."""
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": [_written(each) for each in statements]})


def without_tls(actions: Sequence[str], resources: Sequence[pulumi.Input[str]]) -> Statement:
    """Deny everybody these actions without TLS (AWS Security Hub S3.5, and the same for SQS and SNS)."""
    return Statement(
        "DenyWithoutTls",
        actions,
        resources,
        effect="Deny",
        principals="*",
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def _written(statement: Statement) -> dict[str, Any]:
    written: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Action": list(statement.actions),
    }
    # ECR takes a repository policy without a resource only: the repository is meant.
    if statement.resources:
        written["Resource"] = list(statement.resources)
    if statement.principals is not None:
        written["Principal"] = statement.principals
    if statement.conditions:
        written["Condition"] = statement.conditions
    return written
