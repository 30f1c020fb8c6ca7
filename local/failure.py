"""The one error that ends a local run with one line instead of a traceback."""


class LocalFailure(Exception):
    """What could not be done, why, and what to do about it, in one line for a person."""
