"""Nothing that the stack shows or stores holds a secret."""

import json

import pytest

from policy.rules import secrets_in
from tests.infrastructure.aws_mock import CALLS
from tests.infrastructure.conftest import EVERYTHING
from tests.infrastructure.recording import SECRET, Recording, record

TOKEN = CALLS["aws:ecr/getAuthorizationToken:getAuthorizationToken"]({})
"""What ECR answers to who asks for a password."""


@pytest.fixture(params=[True, False], ids=["preview", "update"])
def declared(request: pytest.FixtureRequest) -> Recording:
    return record(EVERYTHING, preview=request.param)


def test_the_outputs_hold_no_secret(declared: Recording) -> None:
    shown = json.dumps([declared.outputs, declared.component_outputs])
    assert secrets_in(shown) == []
    assert SECRET not in shown, "a secret output is one too many: nothing that a user needs is secret"


def test_no_resource_is_made_with_a_secret_in_plain_text(declared: Recording) -> None:
    found = {each.label: kinds for each in declared.resources if (kinds := secrets_in(json.dumps(each.inputs)))}
    assert found == {}


def test_the_registrys_password_is_known_to_the_engine_as_a_secret_and_to_nobody_else(declared: Recording) -> None:
    # The engine encrypts in its state what is marked so.
    registry = declared.one("docker:index/image:Image").inputs["registry"]
    assert (registry["username"], registry["password"]) == (SECRET, SECRET)
    assert TOKEN["password"] not in repr(declared)


def test_the_only_secrets_are_the_registrys_credentials(declared: Recording) -> None:
    holders = {each.label for each in declared.resources if SECRET in json.dumps(each.inputs)}
    assert holders == {declared.one("docker:index/image:Image").label}


def test_the_functions_environment_holds_its_settings_and_nothing_else(declared: Recording) -> None:
    variables = declared.one("aws:lambda/function:Function").inputs["environment"]["variables"]
    assert variables.keys() == {"THUMBNAILER"}
    assert secrets_in(json.dumps(variables)) == []
