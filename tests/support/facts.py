"""An OpenAPI document boiled down to facts: paths, methods, parameters, answers, types and enums.

`python tests/support/facts.py openapi.json` prints those of a document as tests/fixtures keep them.

A type is `{"is": [kinds], "enum"?: [...], "keys"?: {name: type}, "need"?: [names], "of"?: type,
"ref"?: name}` with the kinds string, number, integer, boolean, array, object, null; {} is anything.
`of` is an array's items or the values of an object with any keys.
"""

import json
import sys
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

MANY = 150
"""Longer enums, such as those of time zones, are kept as plain strings."""

_KINDS = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


def facts(document: dict[str, Any]) -> Facts:
    """`paths` and the `schemas` that their answers refer to."""
    known = document["components"]["schemas"]
    paths = {path: _path(item) for path, item in sorted(document["paths"].items())}
    schemas: Facts = {}
    waiting = _refs(paths)
    while waiting:
        name = waiting.pop()
        if name not in schemas and name in known:
            schemas[name] = kind(known[name])
            waiting |= _refs(schemas[name])
    return {"paths": paths, "schemas": dict(sorted(schemas.items()))}


def _path(item: dict[str, Any]) -> Facts:
    operation = item["post"]
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", content.get("multipart/form-data", {}))
    answer = operation["responses"]["200"].get("content", {}).get("application/json", {})
    asked = kind(body.get("schema", {}))
    return {
        "methods": sorted(method.upper() for method in item),
        "asked": {"keys": asked.get("keys", {}), "need": asked.get("need", [])},
        "answer": kind(answer.get("schema", {})),
    }


def kind(schema: dict[str, Any]) -> Facts:
    """One schema, its variants merged: of objects the keys of all, needed where all need them."""
    if "$ref" in schema:
        return {"ref": schema["$ref"].rpartition("/")[2]}
    own = _plain({k: v for k, v in schema.items() if k not in {"oneOf", "anyOf", "allOf"}})
    for name in ("oneOf", "anyOf"):
        if name in schema:
            merged = [kind(inner) for inner in schema[name]]
            found = merged[0]
            for other in merged[1:]:
                found = _either(found, other)
            own = _both(own, found)
    for inner in schema.get("allOf", ()):
        own = _both(own, kind(inner))
    return own


def _plain(schema: dict[str, Any]) -> Facts:
    found: Facts = {}
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        found["is"] = sorted(kinds)
    if "enum" in schema and len(schema["enum"]) <= MANY:
        found["enum"] = [value for value in schema["enum"] if value is not None]
        found.setdefault("is", sorted({_KINDS[type(value)] for value in schema["enum"]}))
    if schema.get("nullable"):
        found["is"] = sorted({*found.get("is", []), "null"})
    if "properties" in schema:
        found.setdefault("is", ["object"])
        found["keys"] = {name: kind(inner) for name, inner in sorted(schema["properties"].items())}
        found["need"] = sorted(schema.get("required", []))
    elif isinstance(schema.get("additionalProperties"), dict):
        found["of"] = kind(schema["additionalProperties"])
    if "items" in schema:
        found["of"] = kind(schema["items"])
    return found


def _either(one: Facts, other: Facts) -> Facts:
    """What is of one kind or of the other."""
    if not one or not other:
        return {}
    if one == other:
        return one
    found: Facts = {"is": sorted({*one.get("is", []), *other.get("is", [])})}
    refs = [side["ref"] for side in (one, other) if "ref" in side]
    if refs:
        return {**found, "ref": refs[0]}
    enums = [side.get("enum") for side in (one, other) if side.get("is") != ["null"]]
    if enums and all(enum is not None for enum in enums):
        values = list(dict.fromkeys(value for enum in enums for value in enum or []))
        if set(values) != {True, False}:
            found["enum"] = values
    with_keys = [side for side in (one, other) if "keys" in side]
    if with_keys:
        found["keys"], found["need"] = _merged(with_keys)
    of = [side["of"] for side in (one, other) if "of" in side]
    if of:
        found["of"] = of[0] if len(of) == 1 else _either(*of)
    return found


def _merged(sides: list[Facts]) -> tuple[Facts, list[str]]:
    if len(sides) == 1:
        return sides[0]["keys"], sides[0]["need"]
    one, other = (side["keys"] for side in sides)
    keys = {
        name: _either(one[name], other[name])
        if name in one and name in other
        else one.get(name, other.get(name))
        for name in sorted(one.keys() | other.keys())
    }
    return keys, sorted(set(sides[0]["need"]) & set(sides[1]["need"]))


def _both(one: Facts, other: Facts) -> Facts:
    """What is of both kinds."""
    if not one or not other:
        return one or other
    found = {**one, **other}
    if "is" in one and "is" in other and "null" in (set(one["is"]) ^ set(other["is"])):
        found["is"] = sorted({*one["is"], *other["is"]})
    if "keys" in one and "keys" in other:
        found["keys"] = {**one["keys"], **other["keys"]}
        found["need"] = sorted({*one["need"], *other["need"]})
    return found


def _refs(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["ref"]} if isinstance(value.get("ref"), str) else set()
        return own.union(*(_refs(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_refs(inner) for inner in value))
    return set()


if __name__ == "__main__":
    read = json.loads(Path(sys.argv[1]).read_text())
    sys.stdout.write(json.dumps(facts(read), separators=(",", ":"), sort_keys=True) + "\n")
