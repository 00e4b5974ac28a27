"""The OpenAPI document as a page for people: rendered here, readable without a network."""

import re
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from latchwork.api.openapi.document import without_null
from latchwork.api.openapi.examples import curl, example

_REF = "#/components/schemas/"


class Row(msgspec.Struct, frozen=True):
    """A parameter, or a key of an answer or resource."""

    name: str
    kind: Markup
    required: bool
    text: str


class Section(msgspec.Struct, frozen=True):
    """One path."""

    anchor: str
    path: str
    methods: list[str]
    summary: str
    parameters: list[Row]
    answer: list[Row]
    curl: str


def render(document: dict[str, Any]) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("latchwork.api.openapi"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    environment.filters["breakable"] = _breakable
    server = document["servers"][0]["url"]
    sections = [_section(server, path, item) for path, item in document["paths"].items()]
    groups: dict[str, tuple[str, list[Section]]] = {
        tag["name"]: (tag["description"], []) for tag in document["tags"]
    }
    for section in sections:
        groups[section.path.split("/")[1]][1].append(section)
    return environment.get_template("docs.html").render(
        info=document["info"],
        groups=groups,
        resources={
            name: (schema.get("description", ""), _rows(schema))
            for name, schema in document["components"]["schemas"].items()
        },
        statuses=document["components"]["responses"],
        security=document["components"]["securitySchemes"],
    )


def _section(server: str, path: str, item: dict[str, Any]) -> Section:
    operation = item["post"]
    body = operation.get("requestBody", {}).get("content", {})
    schema = body.get("application/json", {}).get("schema", {})
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    required = tuple(schema.get("required", ()))
    known = frozenset(schema.get("properties", ()))
    parameters = _rows(schema, nulls=False)
    return Section(
        anchor=path[1:].replace("/", "-"),
        path=path,
        methods=[method.upper() for method in item],
        summary=operation["summary"],
        parameters=[row for row in parameters if row.required]
        + [row for row in parameters if not row.required],
        answer=_rows(answer),
        curl=curl(server, path, example(path, required, known)),
    )


def _rows(schema: dict[str, Any], *, nulls: bool = True) -> list[Row]:
    """`nulls=False` for parameters, where null is another way to leave one out."""
    required = schema.get("required", ())
    return [
        Row(
            name,
            _kind(inner if nulls else without_null(inner)),
            name in required,
            inner.get("description", ""),
        )
        for name, inner in schema.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> Markup:
    """A type in words; a resource as a link."""
    if ref := schema.get("$ref"):
        name = ref.removeprefix(_REF)
        return Markup('<a href="#resource-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(_kind(inner) for inner in schema["anyOf"])
    if "enum" in schema:
        return Markup(" | ").join(
            Markup("<code>{}</code>").format(msgspec.json.encode(value).decode())
            for value in schema["enum"]
        )
    if schema.get("type") == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    return escape(schema.get("format") or schema.get("type") or "anything")


def _breakable(path: str) -> Markup:
    """A path that breaks where its words end."""
    return Markup(re.sub("([/_])", r"\1<wbr>", str(escape(path))))  # noqa: S704 - escaped


def _code(text: str) -> Markup:
    """`words` as code, and blank lines as paragraphs."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup("</p><p>".join(marked.strip().split("\n\n")))  # noqa: S704 - escaped above
