"""The whole graph as one text that a reviewer reads: a change of the infrastructure is a change of `snapshot.txt`.

To accept a change: UPDATE_SNAPSHOT=1 python -m pytest tests/infrastructure/test_snapshot.py, and review it.
"""

import json
import os
from pathlib import Path
from typing import Any

from .recording import Recording

SNAPSHOT = Path(__file__).with_name("snapshot.txt")


def readable(recording: Recording) -> str:
    """Every resource by type and name: its inputs, a line each, and what it waits for."""
    lines: list[str] = []
    for resource in recording.resources:
        lines += [resource.type, f"  {resource.name}"]
        lines += [f"    {line}" for line in _lines(resource.inputs)]
        lines += [f"    waits for {label}" for label in resource.waits_for] + [""]
    lines += ["exports", *(f"  {line}" for line in _lines(recording.outputs))]
    return "\n".join(lines) + "\n"


def _lines(value: Any, name: str = "") -> list[str]:
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    start = f"{name}: " if name else ""
    if isinstance(value, dict) and value:
        inner = [line for key in sorted(value) for line in _lines(value[key], key)]
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        inner = [line for item in value for line in ["-", *(f"  {line}" for line in _lines(item))]]
    else:
        return [f"{start}{json.dumps(value, ensure_ascii=False)}"]
    return [start.rstrip(), *(f"  {line}" for line in inner)] if name else inner


def test_the_graph_is_the_one_that_was_reviewed(deployed: Recording) -> None:
    graph = readable(deployed)
    if os.environ.get("UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(graph)
    assert graph == SNAPSHOT.read_text(), f"to accept the change, see the first lines of {__file__}"
