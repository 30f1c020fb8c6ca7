"""What stops a deployment in its preview, before anything is changed."""

import pulumi


class Refused(pulumi.RunError):
    """What is there does not let the stack be deployed as it is set. The message says what it is, and what to do."""
