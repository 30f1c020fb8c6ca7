"""Asks Parliament, AWS's rules of IAM as a linter, about every policy that a stack renders, and those of docs/policies.

python -m tests.policy.audit      one line a finding; status 1 where there is one
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import parliament

from tests.infrastructure.recording import ROOT, Recording, record
from tests.policy.recorded import STACKS

# AWS documents the key for what a function's own code calls (Lambda Developer Guide, "Working with Lambda execution
# environment credentials"); Parliament's list of keys lacks it.
UNKNOWN_TO_PARLIAMENT = "Unknown condition lambda:SourceFunctionArn for action "


ITSELF = {
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "arn:aws:ecr:eu-north-1:123456789012:repository/x",
    "aws:iam/role:Role": "arn:aws:iam::123456789012:role/x",
    "aws:kms/key:Key": "arn:aws:kms:eu-north-1:123456789012:key/x",
}
"""What a policy is about that may name no resource, or where `*` is the one that has it. Parliament knows neither."""

PASTED = sorted((ROOT / "docs/policies").glob("*.json"))
"""Policies for people to paste."""
EXAMPLE = {"ACCOUNT": "123456789012", "REGION": "eu-north-1", "BUCKET": "films"}
"""What a person puts in the place of their words in capitals."""
# Who makes a bucket and its policy could let itself into that bucket; docs/deploy.md says so.
MAKES_BUCKETS = "RESOURCE_POLICY_PRIVILEGE_ESCALATION"


def findings(stack: Recording) -> Iterator[str]:
    """Yield what Parliament finds in the policies of a stack, each with the resource that holds it."""
    for resource in stack.resources:
        for key in ("policy", "assumeRolePolicy"):
            document = json.loads(resource.inputs.get(key) or "{}")
            if "Statement" not in document:
                continue
            for statement in document["Statement"]:
                statement["Resource"] = ITSELF.get(resource.type) or statement["Resource"]
            for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
                if not str(finding.detail).startswith(UNKNOWN_TO_PARLIAMENT):
                    yield f"{resource.label}: {finding.issue} {finding.detail}"


def findings_in(file: Path) -> Iterator[str]:
    """Yield what Parliament finds in a policy of docs/policies."""
    text = file.read_text()
    for word, value in EXAMPLE.items():
        text = text.replace(word, value)
    for finding in parliament.analyze_policy_string(text).findings:
        if finding.issue != MAKES_BUCKETS:
            yield f"{file.name}: {finding.issue} {finding.detail}"


def main() -> int:
    found = [f"{name}: {line}" for name, stack in STACKS.items() for line in findings(record(stack))]
    found += [line for file in PASTED for line in findings_in(file)]
    print(
        "\n".join(found) or f"Parliament finds nothing in the policies of {len(STACKS)} stacks and {len(PASTED)} files"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
