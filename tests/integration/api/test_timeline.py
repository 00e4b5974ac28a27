"""/access_codes/get_timeline: what happened to one code, newest first, page by page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from support.api_house import ApiHouse, api_house
from support.shown import shows

TIMELINE = "/access_codes/get_timeline"


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def changed_often(house: ApiHouse) -> str:
    """A code that was made and renamed three times, a minute apart; its id."""
    lock = await house.add_lock()
    code = (await house.ok("/access_codes/create", device_id=lock, code="4711"))["access_code"]
    await house.ok("/access_codes/create", device_id=lock, code="5822")
    for name in ("Ana", "Ben", "Cleo"):
        house.now += timedelta(minutes=1)
        await house.ok("/access_codes/update", access_code_id=code["access_code_id"], name=name)
    return str(code["access_code_id"])


def kinds(answer: dict[str, Any]) -> list[str]:
    return [told["event_type"] for told in answer["timeline_events"]]


async def test_newest_first_with_who_and_what(house: ApiHouse) -> None:
    code = await changed_often(house)
    answer = await house.ok(TIMELINE, access_code_id=code)
    told = answer["timeline_events"]
    assert kinds(answer)[-1] == "access_code.created"
    assert kinds(answer).count("access_code.name_changed") == 3
    times = [event["occurred_at"] for event in told]
    assert times == sorted(times, reverse=True)
    assert told[-1]["actor"] == {"type": "api_key"}
    assert told[-1]["description"] == "The code was wished for."
    assert answer["pagination"] == {"has_more": False, "next_cursor": None, "prev_cursor": None}
    events = (await house.ok("/events/list", access_code_id=code))["events"]
    assert {e["timeline_event_id"] for e in told} <= {e["event_id"] for e in events}
    assert not shows(str(told), "4711")


async def test_pages_hold_every_event_once_and_go_back(house: ApiHouse) -> None:
    code = await changed_often(house)
    whole = (await house.ok(TIMELINE, access_code_id=code))["timeline_events"]
    found: list[Any] = []
    before: dict[str, str] = {}
    pages = []
    while True:
        page = await house.ok(TIMELINE, access_code_id=code, limit=1, **before)
        pages.append(page)
        found += page["timeline_events"]
        if not page["pagination"]["has_more"]:
            break
        before = {"before": page["pagination"]["next_cursor"]}
    assert found == whole
    assert len(pages) == 4
    back = await house.ok(
        TIMELINE, access_code_id=code, after=pages[1]["pagination"]["prev_cursor"]
    )
    assert back["timeline_events"] == pages[0]["timeline_events"]


async def test_only_the_kinds_asked_for(house: ApiHouse) -> None:
    code = await changed_often(house)
    answer = await house.ok(TIMELINE, access_code_id=code, event_types=["access_code.created"])
    assert kinds(answer) == ["access_code.created"]
    nothing = await house.ok(TIMELINE, access_code_id=code, event_types=["device.connected"])
    assert nothing["timeline_events"] == []


async def test_strangers_and_bad_input(house: ApiHouse) -> None:
    code = await changed_often(house)
    for fields, status in (
        ({"access_code_id": "nothing-is-called-this"}, 404),
        ({"access_code_id": code, "limit": 0}, 400),
        ({"access_code_id": code, "limit": 201}, 400),
        ({"access_code_id": code, "before": "yesterday"}, 400),
        ({}, 400),
    ):
        assert (await house.post(TIMELINE, **fields)).status_code == status, fields
    await house.furnish_other()
    assert (await house.post(TIMELINE, access_code_id=code)).status_code == 404
