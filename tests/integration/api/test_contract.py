"""Our API against the facts of Seam's: each difference is listed with its reason."""

import json
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from latchwork.api.app import ENDPOINTS
from latchwork.api.openapi.document import document
from support.deviations import deviations
from support.facts import facts

TESTS = Path(__file__).parents[2]
LISTED = TESTS.parent / "docs" / "seam-deviations.toml"
SEAM: dict[str, Any] = json.loads((TESTS / "fixtures" / "seam_api.json").read_text())


@pytest.fixture(scope="module")
def found() -> list[str]:
    return deviations(facts(document(ENDPOINTS, server="http://localhost")), SEAM)


@pytest.fixture(scope="module")
def listed() -> list[str]:
    groups = tomllib.loads(LISTED.read_text())["deviation"]
    assert all(group["reason"] for group in groups)
    return [pattern for group in groups for pattern in group["what"]]


def test_every_difference_is_listed(found: list[str], listed: list[str]) -> None:
    unlisted = [line for line in found if not any(fnmatchcase(line, p) for p in listed)]
    assert unlisted == [], f"differs from Seam's API, or list it in {LISTED.name} with its reason"


def test_every_listed_difference_is_there(found: list[str], listed: list[str]) -> None:
    gone = [p for p in listed if not any(fnmatchcase(line, p) for line in found)]
    assert gone == [], f"differs no longer: strike it from {LISTED.name}"


def _api(**asked: dict[str, Any]) -> dict[str, Any]:
    """Facts of an API of one path, /things/get, with these parameters."""
    answer = {"is": ["object"], "keys": {"thing": {"ref": "thing"}}, "need": ["thing"]}
    asks = {"keys": asked, "need": []}
    path = {"methods": ["GET", "POST"], "asked": asks, "answer": answer}
    thing = {"is": ["object"], "keys": {"status": {"is": ["string"], "enum": ["on"]}}}
    return {"paths": {"/things/get": path}, "schemas": {"thing": {**thing, "need": ["status"]}}}


def test_what_a_client_may_send_must_be_taken() -> None:
    seam = _api(name={"is": ["string"]}, kind={"is": ["string"], "enum": ["a", "b"]})
    assert deviations(seam, seam) == []
    ours = _api(kind={"is": ["string"], "enum": ["a"]}, other={"is": ["string"]})
    ours["paths"]["/things/get"]["methods"] = ["POST"]
    ours["paths"]["/things/get"]["asked"]["need"] = ["kind"]
    assert deviations(ours, seam) == [
        "/things/get asks kind: not b",
        "/things/get asks kind: required",
        "/things/get asks name: not known",
        "/things/get asks other: besides Seam's",
        "/things/get: does not take GET",
    ]


def test_what_is_answered_must_be_expected() -> None:
    seam, ours = _api(), _api()
    thing = ours["schemas"]["thing"]
    thing["keys"] = {"status": {"is": ["null", "string"], "enum": ["on", "off"]}, "more": {}}
    thing["need"] = []
    assert deviations(ours, seam) == [
        "thing.more: besides Seam's",
        "thing.status: may be absent",
        "thing.status: may be null",
        "thing.status: off besides",
    ]
