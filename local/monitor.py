"""Pulumi's mocks that make what they are asked for: each resource and call goes to the emulated AWS."""

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key

from local.aws import Aws
from local.calls import CALLS
from local.resources import Resource, make


class EmulatedCloud(Mocks):
    """Makes each resource that the program registers, and keeps what was made."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.made: list[Resource] = []
        self.failure: str | None = None
        self._lock = threading.Lock()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        values = plain(args.inputs)
        if not args.custom:
            return None, values  # a component: it groups, and is nothing in AWS
        started = time.monotonic()
        try:
            resource = make(self.aws, args.typ, args.name, values)
        except Exception as error:
            # Pulumi wraps what is raised here in a message of its own; the first cause is what helps.
            self.failure = self.failure or f"{args.typ} {args.name}: {error}"
            raise
        with self._lock:
            self.made.append(resource)
            short = args.typ.rpartition(":")[2]
            print(f"  {short:<40} {resource.id}  ({time.monotonic() - started:.2f} s)", flush=True, file=sys.stderr)
        return resource.id, resource.properties

    def call(self, args: MockCallArgs) -> Any:
        try:
            if args.token not in CALLS:
                raise ValueError("is not known here: add a function for it to local/calls.py")
            return CALLS[args.token](self.aws, plain(args.args))
        except Exception as error:
            self.failure = self.failure or f"call {args.token}: {error}"
            raise

    def register_transform(self, transform: Any) -> None:
        raise ValueError("a stack transform is only run by the Pulumi engine: use a transformation instead")

    def one(self, type_: str) -> Resource:
        """Return the only resource of `type_`."""
        found = [resource for resource in self.made if resource.type == type_]
        if len(found) != 1:
            raise ValueError(f"the program made {len(found)} resources of type {type_}, where one is expected")
        return found[0]


def plain(value: Any) -> Any:
    """Return inputs as a provider sees them: no secret wrappers, no unset properties, whole numbers whole."""
    if isinstance(value, Mapping):
        if value.get(_special_sig_key) == _special_secret_sig:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
