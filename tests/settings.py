"""Settings as tests write them, and as the function's environment holds them."""

import json
from collections.abc import Mapping


def environment_of(values: Mapping[str, object]) -> dict[str, str]:
    """Return settings as the function's environment holds them: `job_seconds=10`, `widths=[64]`; `memory` in MiB.

    `preview` is its format, or `none`.
    """
    held = {_camel(name): value for name, value in values.items() if name != "memory"}
    if (preview := held.pop("preview", "none")) != "none":
        held |= {"preview": True, "previewFormat": preview}
    environment = {"THUMBNAILER": json.dumps(held)}
    if "memory" in values:
        environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = str(values["memory"])
    return environment


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
