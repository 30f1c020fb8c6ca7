"""Parliament is asked about the policies, and would find what is wrong in one."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.infrastructure.conftest import EVERYTHING
from tests.infrastructure.recording import Recording, record
from tests.policy.audit import PASTED, findings, findings_in
from tests.policy.recorded import STACKS


@pytest.mark.parametrize("config", STACKS.values(), ids=STACKS)
def test_parliament_finds_nothing(config: dict[str, str]) -> None:
    assert list(findings(record(config))) == []


@pytest.mark.parametrize(
    ("action", "resource", "issue"),
    [
        ("s3:GetObjekt", "*", "UNKNOWN_ACTION"),
        ("s3:GetObject", "arn:aws:s3:::films", "RESOURCE_MISMATCH"),
        ("kms:Decrypt", "arn:aws:s3:::films/*", "RESOURCE_MISMATCH"),
    ],
)
def test_parliament_is_asked_about_each_policy(action: str, resource: str, issue: str) -> None:
    stack = record(EVERYTHING)
    role = stack.one("aws:iam/rolePolicy:RolePolicy", "-role")
    document = json.loads(role.inputs["policy"])
    document["Statement"].append({"Effect": "Allow", "Action": [action], "Resource": [resource]})
    bad = replace(role, inputs={**role.inputs, "policy": json.dumps(document)})
    [finding] = findings(Recording((bad,), {}, {}, ()))
    assert finding.startswith(f"{role.label}: {issue}")


MOST_CHARACTERS = 6144
"""Of a managed policy, which counts no blanks (IAM and AWS STS quotas)."""


@pytest.mark.parametrize("file", PASTED, ids=lambda file: file.stem)
def test_parliament_finds_nothing_in_the_policies_to_paste_and_iam_takes_them(file: Path) -> None:
    assert list(findings_in(file)) == []
    assert len(re.sub(r"\s", "", file.read_text())) <= MOST_CHARACTERS


def test_parliament_would_find_what_is_wrong_in_a_policy_to_paste(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text((PASTED[0].read_text()).replace("s3:ListBucketVersions", "s3:ListBucketVersion"))
    [finding] = findings_in(bad)
    assert finding.startswith("bad.json: UNKNOWN_ACTION")
