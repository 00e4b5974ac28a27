"""The OpenAPI document and its page: whole, described, and readable without a network."""

import re
from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest

from latchwork.api.app import ENDPOINTS
from latchwork.api.openapi.glossary import TAGS
from support.api_house import ApiHouse, api_house


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        house.client.headers.pop("authorization")
        yield house


@pytest.fixture
async def document(house: ApiHouse) -> dict[str, Any]:
    response = await house.client.get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_every_endpoint_says_what_it_is_for_and_what_it_answers() -> None:
    assert [e.path for e in ENDPOINTS if e.answer is None or not e.summary] == []
    assert {e.path.split("/")[1] for e in ENDPOINTS} <= TAGS.keys()


async def test_the_document_holds_every_path_and_method(document: dict[str, Any]) -> None:
    assert {path: sorted(item) for path, item in document["paths"].items()} == {
        e.path: sorted(method.lower() for method in e.methods) for e in ENDPOINTS
    }
    names = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(names) == len(set(names))


async def test_every_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    undescribed = {
        f"{path} {name}"
        for path, item in document["paths"].items()
        for name, schema in _body(item["post"])["properties"].items()
        if not schema.get("description")
    }
    assert undescribed == set()


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for ref in _refs(document):
        found: Any = document
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        assert found
    assert all(re.fullmatch("[a-z_]+", name) for name in document["components"]["schemas"])


async def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.validator_for({**schema, "components": document["components"]})
    for item in document["paths"].values():
        for operation in item.values():
            jsonschema_rs.meta.validate(_body(operation))


async def test_a_query_takes_what_a_body_does(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for method in item.keys() & {"get", "delete"}:
            query = {p["name"]: p["required"] for p in item[method]["parameters"]}
            body = _body(item["post"])
            assert query == {n: n in body.get("required", ()) for n in body["properties"]}


async def test_the_page_shows_every_endpoint_and_loads_nothing_from_elsewhere(
    house: ApiHouse,
) -> None:
    response = await house.client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = response.text
    for endpoint in ENDPOINTS:
        assert f'id="{endpoint.path[1:].replace("/", "-")}"' in page
    loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page)
    assert sorted(loaded) == ["docs/docs.css", "docs/docs.js"]
    for path in loaded:
        assert (await house.client.get(f"/{path}")).status_code == 200
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


@pytest.mark.parametrize("path", ["/docs/nothing.css", "/docs/../endpoint.py", "/docs/__init__.py"])
async def test_nothing_else_is_served_beside_the_page(house: ApiHouse, path: str) -> None:
    assert (await house.client.get(path)).status_code == 404


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {"properties": {}})
    return schema


def _refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for inner in value.values() for ref in _refs(inner)]
    if isinstance(value, list):
        return [ref for inner in value for ref in _refs(inner)]
    return []
