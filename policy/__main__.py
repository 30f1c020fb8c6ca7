"""The policy pack: hands what the engine declares to the rules, and their verdict to the engine.

A rule about one resource is asked before that resource is made, so that a violation stops it; a rule about the whole
stack when all of it is declared, which in `pulumi up` is first its preview.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError
from rules import RULES, UNKNOWN, Resource, Rule, judge


class UndecidedPolicy(UnknownValueError):
    """Rests on values that a preview does not know. The SDK makes an advice of it, which stops nothing."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.message = message


def policy(rule: Rule) -> Policy:
    """Return the rule as the engine takes it."""

    def of_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(args.urn, args.resource_type, args.name, _plain(args.props))
        _report(rule, [resource], report)

    def of_stack(args: StackValidationArgs, report: ReportViolation) -> None:
        _report(rule, [_declared(each) for each in args.resources], report)

    level = EnforcementLevel.MANDATORY
    if rule.whole_stack:
        return StackValidationPolicy(rule.name, rule.description, of_stack, level)
    return ResourceValidationPolicy(rule.name, rule.description, of_resource, level)


def _report(rule: Rule, resources: Sequence[Resource], report: ReportViolation) -> None:
    verdict = judge([rule], resources)
    for violation in verdict.violations:
        report(violation.says, violation.resource.id)
    if verdict.undecided:
        raise UndecidedPolicy("; ".join(each.says for each in verdict.undecided))


def _declared(resource: PolicyResource) -> Resource:
    return Resource(
        resource.urn,
        resource.resource_type,
        resource.name,
        _plain(resource.props),
        {key: frozenset(each.urn for each in made_of) for key, made_of in resource.property_dependencies.items()},
    )


def _plain(value: Any) -> Any:
    """Return a value without the SDK's proxies, which raise where a value is not known yet."""
    if isinstance(value, Mapping):
        return {key: _held(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_held(value, place) for place in range(len(value))]
    return value


def _held(container: Any, key: Any) -> Any:
    try:
        return _plain(container[key])
    except UnknownValueError:
        return UNKNOWN


PolicyPack("video-thumbnailer", [policy(rule) for rule in RULES], EnforcementLevel.MANDATORY)
