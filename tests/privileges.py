"""What the kernel lets these tests do: root in a container may less than root of a machine."""

from pathlib import Path

SYS_PTRACE, SYS_RESOURCE = 19, 24
"""Numbers of capabilities(7)."""


def has_capability(number: int) -> bool:
    """Return whether this process has the capability with this number."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) >> number & 1)
