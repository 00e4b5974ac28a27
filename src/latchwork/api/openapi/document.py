"""The OpenAPI 3.1 document of the endpoint table: made, never written by hand."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from latchwork import __version__
from latchwork.api.endpoint import Endpoint
from latchwork.api.openapi.answers import answer_type
from latchwork.api.openapi.glossary import ABOUT, SECURITY, STATUSES, TAGS, meaning
from latchwork.api.resources import Error

Schema = dict[str, Any]

_COMPONENTS = "#/components/schemas/"
_TEMPLATE = _COMPONENTS + "{name}"
_IN_QUERY = frozenset(("GET", "DELETE"))


def document(endpoints: Iterable[Endpoint], *, server: str) -> dict[str, Any]:
    """The document; `server` is the URL that clients reach the API at."""
    described = [endpoint for endpoint in endpoints if endpoint.answer is not None]
    answers, schemas = _answers(described)
    requests = _requests(described)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Latchwork", "version": __version__, "description": ABOUT},
        "servers": [{"url": server}],
        "tags": [
            {"name": tag, "description": text}
            for tag, text in TAGS.items()
            if tag in {_tag(endpoint) for endpoint in described}
        ],
        "security": [{name: []} for name in SECURITY],
        "paths": {
            endpoint.path: {
                method.lower(): _operation(endpoint, method, request, answer)
                for method in endpoint.methods
            }
            for endpoint, request, answer in zip(described, requests, answers, strict=True)
        },
        "components": {
            "schemas": schemas,
            "responses": {
                str(status): _content(text, {"$ref": _COMPONENTS + "error"})
                for status, text in STATUSES.items()
            },
            "securitySchemes": SECURITY,
        },
    }


def _tag(endpoint: Endpoint) -> str:
    return endpoint.path.split("/")[1]


def _operation(endpoint: Endpoint, method: str, request: Schema, answer: Schema) -> dict[str, Any]:
    words = [part for part in re.split("[/_]", endpoint.path) if part]
    name = words[0] + "".join(word.capitalize() for word in words[1:]) + method.capitalize()
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [_tag(endpoint)],
        "summary": endpoint.summary,
    }
    if method in _IN_QUERY:
        operation["parameters"] = _query(request)
    elif request["properties"]:
        content = {"application/json": {"schema": request}}
        if _files(request):
            content["multipart/form-data"] = {"schema": _form(request)}
        operation["requestBody"] = {"required": "required" in request, "content": content}
    operation["responses"] = {
        "200": _content("Done.", answer),
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in STATUSES},
    }
    return operation


def _files(request: Schema) -> set[str]:
    """The parameters that are bytes: base64 in JSON, files in a form."""
    properties = request["properties"].items()
    return {name for name, schema in properties if schema.get("contentEncoding") == "base64"}


def _form(request: Schema) -> Schema:
    file = {"type": "string", "format": "binary"}
    files = dict.fromkeys(_files(request), file)
    return {**request, "properties": {**request["properties"], **files}}


def _content(text: str, schema: Schema) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _query(request: Schema) -> list[dict[str, Any]]:
    """The parameters of a body as parameters of a query: an object as `name[key]=value`."""
    return [
        {
            "name": name,
            "in": "query",
            "required": name in request.get("required", ()),
            **({"description": text} if (text := schema.get("description")) else {}),
            **({"style": "deepObject"} if _types(schema) == {"object"} else {}),
            "schema": without_null({k: v for k, v in schema.items() if k != "description"}),
        }
        for name, schema in request["properties"].items()
    ]


def _types(schema: Schema) -> set[str]:
    found = {schema["type"]} if "type" in schema else set()
    for inner in schema.get("anyOf", ()):
        found |= _types(inner)
    return found - {"null"}


def without_null(schema: Schema) -> Schema:
    """The schema, refusing null."""
    kept = [inner for inner in schema.get("anyOf", ()) if inner != {"type": "null"}]
    if len(kept) != 1:
        return {**schema, "anyOf": kept} if kept else schema
    return {**{k: v for k, v in schema.items() if k != "anyOf"}, **kept[0]}


def _requests(endpoints: list[Endpoint]) -> list[Schema]:
    """A schema per endpoint, with all that it refers to put in its place."""
    kinds = [endpoint.request for endpoint in endpoints]
    made, components = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    components = {_TEMPLATE.format(name=name): schema for name, schema in components.items()}

    def inlined(value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [inlined(item, path) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return inlined(components[value["$ref"]], path)
        kept = {k: inlined(v, path) for k, v in value.items() if k not in {"title", "default"}}
        return _explained(kept, path)

    return [
        {k: v for k, v in inlined(schema, endpoint.path).items() if k != "description"}
        for endpoint, schema in zip(endpoints, made, strict=True)
    ]


def _answers(endpoints: list[Endpoint]) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema per endpoint, and the resources that they refer to."""
    kinds = [answer_type(endpoint) for endpoint in endpoints]
    made, components = msgspec.json.schema_components((*kinds, Error), ref_template=_TEMPLATE)
    tops = {schema["$ref"].removeprefix(_COMPONENTS) for schema in made[:-1]}

    def named(value: Any, path: str = "") -> Any:
        if isinstance(value, list):
            return [named(item, path) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return {"$ref": _COMPONENTS + _snake(value["$ref"].removeprefix(_COMPONENTS))}
        dropped = {"title", "default", "additionalProperties"} if "properties" in value else set()
        kept = {k: named(v, path) for k, v in value.items() if k not in dropped}
        return _explained({k: v for k, v in kept.items() if k != "default"}, path)

    schemas = {
        _snake(name): named(schema) for name, schema in components.items() if name not in tops
    }
    answers = []
    for endpoint, schema in zip(endpoints, made, strict=False):
        answer = named(components[schema["$ref"].removeprefix(_COMPONENTS)], endpoint.path)
        answers.append({k: v for k, v in answer.items() if k != "description"})
    return answers, dict(sorted(schemas.items()))


def _explained(schema: Schema, path: str) -> Schema:
    """With what each property means, where the glossary says it."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    explained = {
        name: {**inner, "description": text} if (text := meaning(path, name)) else inner
        for name, inner in properties.items()
    }
    return {**schema, "properties": explained}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
