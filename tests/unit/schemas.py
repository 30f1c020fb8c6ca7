"""The JSON schemas of docs/, which tests take strictly: what a schema does not mention is not there."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCS = Path(__file__).resolve().parents[2] / "docs"


def check(value: object, name: str) -> None:
    """Fail unless a value is what `docs/NAME.schema.json` describes, and has nothing else."""
    schema = json.loads((DOCS / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(_strict(schema)).validate(value)


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(each) for name, each in schema.items()}
    return {**strict, "additionalProperties": False} if "required" in schema else strict
