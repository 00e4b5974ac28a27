"""Seam's published shapes (field names, types, enums), to hold our answers against."""

import json
from pathlib import Path
from typing import Any

SHAPES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "seam_shapes.json").read_text()
)

_PYTHON = {
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "array": list,
    "object": dict,
}


def assert_shape(name: str, value: dict[str, Any]) -> None:
    """Every required field is there, and every published field has its type."""
    shape = SHAPES[name]
    missing = set(shape["required"]) - value.keys()
    assert not missing, f"{name} lacks {sorted(missing)}"
    for field, found in value.items():
        wanted = shape["fields"].get(field)
        if wanted is None or (
            found is None and (wanted.get("null") or field not in shape["required"])
        ):
            continue
        if "enum" in wanted:
            assert found in wanted["enum"], f"{name}.{field} is {found!r}"
        elif wanted["type"] in _PYTHON:
            assert isinstance(found, _PYTHON[wanted["type"]]), f"{name}.{field} is {found!r}"


def assert_event(event: dict[str, Any]) -> None:
    """Exactly the fields of its type."""
    shape = SHAPES["events"][event["event_type"]]
    missing = set(shape["required"]) - event.keys()
    assert not missing, f"{event['event_type']} lacks {sorted(missing)}"
    surplus = event.keys() - set(shape["fields"])
    assert not surplus, f"{event['event_type']} has {sorted(surplus)} besides"
