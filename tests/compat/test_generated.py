"""Generated requests, sensible and senseless, to every endpoint of a real server: no server error,
and no answer but those that the OpenAPI document describes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from latchwork.api.app import ENDPOINTS
from latchwork.api.openapi.document import document
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
MODES = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 3}
"""How many requests of each kind, per operation."""
OPERATIONS = [(e.path, method) for e in ENDPOINTS for method in e.methods]
PATIENT = frozenset(("sync",))
"""Parameters that make an answer wait for a lock."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path_factory.mktemp("generated"), "--demo") as process:
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) >= 8)
        yield process


@pytest.fixture(scope="module")
def schema(server: LatchworkProcess) -> Any:
    described = document(ENDPOINTS, server=server.url)
    closed = {
        **described,
        "components": {
            **described["components"],
            "schemas": _closed(described["components"]["schemas"]),
        },
    }
    return schemathesis.openapi.from_dict(closed)


def _closed(schemas: dict[str, Any]) -> dict[str, Any]:
    """Resources as what the tests hold the serializers to: these keys and no others."""
    return {name: {**schema, "additionalProperties": False} for name, schema in schemas.items()}


@pytest.fixture
def known(server: LatchworkProcess) -> dict[str, str]:
    """Ids of things that are there, so that requests get past the first look-up. The code starts
    far ahead: a lock that is being programmed keeps those waiting who ask it for something else."""
    devices = server.call("/devices/list")["devices"]
    found = {"connected_account_id": devices[0]["connected_account_id"]} if devices else {}
    if devices:
        device_id = found["device_id"] = devices[-1]["device_id"]
        begin = datetime.now(UTC) + timedelta(days=30)
        window = {
            "starts_at": begin.isoformat(),
            "ends_at": (begin + timedelta(days=1)).isoformat(),
        }
        made = server.post("/access_codes/create", device_id=device_id, **window)
        if made.status_code == 200:
            found["access_code_id"] = made.json()["access_code"]["access_code_id"]
    return found


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_only_described_answers(
    schema: Any, server: LatchworkProcess, known: dict[str, str], path: str, method: str
) -> None:
    operation = schema[path][method]
    for mode, examples in MODES.items():
        _generate(operation, mode, examples, known, server.url)


def _generate(
    operation: Any, mode: GenerationMode, examples: int, known: dict[str, str], url: str
) -> None:
    numbers = iter(range(10_000))

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        _aim(case, known if next(numbers) % 2 else {})
        case.call_and_validate(
            base_url=url,
            headers={"authorization": f"Bearer {API_KEY}"},
            checks=CHECKS,
            timeout=30,
        )

    ask()


def _aim(case: Case, known: dict[str, str]) -> None:
    """At things that are there, and never at those that keep the caller waiting."""
    for values in (case.query, case.body):
        if isinstance(values, dict):
            values.update(dict.fromkeys(PATIENT & values.keys(), False))
            values.update({name: known[name] for name in known.keys() & values.keys()})
