"""The pack itself, started and asked as the engine does it: over gRPC, in the engine's notation."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from policy import rules
from policy.rules import RULES, UNKNOWN, Resource
from tests.infrastructure.conftest import EVERYTHING
from tests.infrastructure.recording import ROOT
from tests.policy.recorded import one, recorded

PACK = ROOT / "policy"
MANDATORY, ADVISORY = 1, 0
_UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# None of them has types.
_grpc: Any = importlib.import_module("grpc")
_empty: Any = importlib.import_module("google.protobuf.empty_pb2")
_json_format: Any = importlib.import_module("google.protobuf.json_format")
_struct: Any = importlib.import_module("google.protobuf.struct_pb2")
_messages: Any = importlib.import_module("pulumi.runtime.proto.analyzer_pb2")
_stubs: Any = importlib.import_module("pulumi.runtime.proto.analyzer_pb2_grpc")


@pytest.fixture(scope="module")
def pack() -> Iterator[Any]:
    """Yield a started pack, with the calls that the engine makes."""
    # The command line of Pulumi's Python language host; the engine's address is not used until something is logged.
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."]
    with subprocess.Popen(command, cwd=PACK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            port = process.stdout.readline().strip()
            assert port.isdigit(), process.stderr.read()
            with _grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield _stubs.AnalyzerStub(channel)
        finally:
            process.kill()


def test_every_rule_is_a_mandatory_policy(pack: Any) -> None:
    info = pack.GetAnalyzerInfo(_empty.Empty(), timeout=30)
    assert {each.name for each in info.policies} == {rule.name for rule in RULES}
    assert {each.enforcementLevel for each in info.policies} == {MANDATORY}


def test_the_program_passes(pack: Any) -> None:
    assert asked(pack, recorded(EVERYTHING)) == []


def test_a_preview_is_advised_of_what_is_not_known_yet_and_passes(pack: Any) -> None:
    said = asked(pack, recorded(EVERYTHING, preview=True))
    assert {each.enforcementLevel for each in said} == {ADVISORY}
    assert any("policy is known after the update" in each.message for each in said)


def test_a_resource_that_breaks_a_rule_is_stopped_before_it_is_made(pack: Any) -> None:
    stack = recorded(EVERYTHING)
    one(stack, rules.FUNCTION)["tracingConfig"]["mode"] = "PassThrough"
    [function] = [each for each in stack if each.type == rules.FUNCTION]
    [said] = pack.Analyze(request(_messages.AnalyzeRequest, function), timeout=30).diagnostics
    assert (said.policyName, said.enforcementLevel) == ("traced", MANDATORY)
    assert f"{function.label} is not traced; set tracingConfig.mode to Active" in said.message


def test_a_stack_that_breaks_a_rule_is_stopped_with_the_resource_at_fault(pack: Any) -> None:
    stack = [each for each in recorded(EVERYTHING) if each.type != rules.BLOCK]
    [said] = asked(pack, stack)
    assert (said.policyName, said.enforcementLevel) == ("bucket-private", MANDATORY)
    assert said.urn == next(each.id for each in stack if each.type == rules.BUCKETS[0])


def test_the_pack_is_tested_with_the_versions_that_it_runs_with() -> None:
    def pins(*files: str) -> dict[str, str]:
        lines = "\n".join((ROOT / file).read_text() for file in files)
        return dict(re.findall(r"^([\w-]+)==(\S+)", lines, re.MULTILINE))

    tested = pins("requirements-dev.txt")
    asked_for = pins("policy/requirements.txt")
    assert asked_for
    assert asked_for.items() <= tested.items()


def test_the_pack_runs_in_an_environment_of_its_own_that_ci_makes() -> None:
    assert "virtualenv: .venv" in (PACK / "PulumiPolicy.yaml").read_text()
    action = (ROOT / ".github/actions/stack/action.yml").read_text()
    assert "policy/.venv/bin/pip install --requirement policy/requirements.txt" in action
    assert "policyPacks: policy" in action


def asked(pack: Any, stack: list[Resource]) -> list[Any]:
    """Return what the pack says of a stack: of each resource, then of the whole."""
    said = [
        diagnostic
        for resource in stack
        for diagnostic in pack.Analyze(request(_messages.AnalyzeRequest, resource), timeout=30).diagnostics
    ]
    whole = [request(_messages.AnalyzerResource, resource) for resource in stack]
    return said + list(pack.AnalyzeStack(_messages.AnalyzeStackRequest(resources=whole), timeout=30).diagnostics)


def request(message: Any, resource: Resource) -> Any:
    """Return a resource as the engine sends it; each input is said to be made of all that the resource is made of."""
    properties = _json_format.ParseDict(on_the_wire(resource.inputs), _struct.Struct())
    sent = message(urn=resource.id, type=resource.type, name=resource.name, properties=properties)
    if message is _messages.AnalyzerResource:
        for key in resource.inputs:
            sent.propertyDependencies[key].urns.extend(resource.needs[""])
        sent.dependencies.extend(resource.needs[""])
    return sent


def on_the_wire(value: Any) -> Any:
    if value is UNKNOWN:
        return _UNKNOWN_ON_THE_WIRE
    if isinstance(value, dict):
        return {key: on_the_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [on_the_wire(item) for item in value]
    return value
