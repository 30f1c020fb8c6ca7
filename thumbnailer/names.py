"""Names that AWS takes, whatever the stack is called."""

import hashlib
import re

BASE_LIMIT = 40
"""Characters of a base name. With the longest part ("-failed-events", 14) and auto-naming's 8 that makes 62, within the
shortest limit of all: 63 for an S3 bucket (IAM role and Lambda function: 64, SQS queue: 80)."""

_DIGEST = 6


def base_name(name: str) -> str:
    """Return the start of every resource's name: lower-case letters, digits and hyphens, at most `BASE_LIMIT`
    characters.

    A stack's name may have 100 characters, capitals, dots and underscores (Pulumi); a bucket's may not (S3). A name
    that has to be changed gets a digest of the original, so that two names never become one.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if plain == name and len(name) <= BASE_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{plain[: BASE_LIMIT - _DIGEST - 1].rstrip('-')}-{digest}".lstrip("-")


def function_name(base: str) -> str:
    """Return what the name of the function begins with; the engine adds a hyphen and characters of its own."""
    return f"{base}-function"
