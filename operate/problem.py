"""The one error that ends a command with one line instead of a traceback."""

from botocore.exceptions import BotoCoreError, ClientError


class OperateFailure(Exception):
    """What could not be done, why, and what to do about it, in one line for a person."""


def said(error: BotoCoreError | ClientError) -> str:
    """Return what AWS, or the way to it, says of a call that failed, in one line."""
    if isinstance(error, ClientError):
        fault = error.response.get("Error", {})
        return " ".join(f"{fault.get('Code', 'unknown')}: {fault.get('Message', '')}".split())
    return " ".join(str(error).split())
