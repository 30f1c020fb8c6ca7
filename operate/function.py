"""Calls of the function that wait for its answer, and many of them at the same time."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from operate.problem import OperateFailure, said
from operate.stack import Stack

WORKERS = 8
"""Calls at the same time, unless a command is told otherwise."""
LONGEST = 910
"""Seconds: an invocation takes 900 at most (Lambda quotas)."""
HOPELESS = ("AccessDenied", "ResourceNotFound", "UnrecognizedClient", "ExpiredToken", "InvalidSignature")
"""Beginnings of the error codes that the next call would get as well."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class CallFailed(Exception):
    """The function ended with an error, or could not be called now; another call may succeed."""


def client(of: Stack) -> Any:
    """Make a client that waits for the function as long as an invocation may take."""
    return of.client("lambda", read_timeout=LONGEST, attempts=3)


def call(client: Any, name: str, event: dict[str, Any]) -> Any:
    """Call the function and return its answer.

    Raises:
        CallFailed: it ended with an error, is throttled, or the network failed.
        OperateFailure: nobody with these rights and this name could call it.
    """
    try:
        answer = client.invoke(FunctionName=name, InvocationType="RequestResponse", Payload=json.dumps(event))
        said_by_it = json.loads(answer["Payload"].read() or b"null")
    except (BotoCoreError, ClientError) as error:
        if any(code in said(error) for code in HOPELESS):
            raise OperateFailure(
                f"the function {name} cannot be called: {said(error)}; the rights it takes are in docs/operations.md"
            ) from error
        raise CallFailed(said(error)) from error
    except (OSError, ValueError) as error:
        raise CallFailed(f"its answer was cut off: {error}") from error
    if "FunctionError" in answer:
        fault = said_by_it if isinstance(said_by_it, dict) else {}
        named = [str(fault[key]) for key in ("errorType", "errorMessage") if fault.get(key)]
        raise CallFailed(": ".join(named) or str(said_by_it))
    return said_by_it


def each(action: Callable[[_In], _Out], items: Iterable[_In], workers: int = WORKERS) -> Iterator[tuple[_In, _Out]]:
    """Do `action` for each item, `workers` at the same time; yield what is done as it is done.

    Items are taken as there is a worker for them, so they may be many. When the caller stops iterating, or `action`
    raises, those under way are waited for and no other is begun. A KeyboardInterrupt of the waiting itself is the
    second one (see `progress.Stop`), and waits for nothing.
    """
    pool = ThreadPoolExecutor(workers)
    patient = True
    try:
        under_way: dict[Future[_Out], _In] = {}
        left = iter(items)
        exhausted = False
        while under_way or not exhausted:
            while not exhausted and len(under_way) < workers:
                try:
                    item = next(left)
                except StopIteration:
                    exhausted = True
                else:
                    under_way[pool.submit(action, item)] = item
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield under_way.pop(future), future.result()
    except KeyboardInterrupt:
        patient = False
        raise
    finally:
        pool.shutdown(wait=patient, cancel_futures=True)
