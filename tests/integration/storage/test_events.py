"""Events: appended once, in order, found by every filter."""

from datetime import timedelta

import pytest

from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Pin
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, NOW, SECOND, Stored, all_pages


async def test_an_event_comes_back_as_it_was_told(stored: Stored) -> None:
    told = NewEvent(
        event_type="access_code.code_changed",
        occurred_at=NOW - HOUR,
        device_id="dev",
        access_code_id="code",
        connected_account_id="acc",
        action_attempt_id="attempt",
        code=Pin("4712"),
        code_from=Pin("4711"),
        payload={"errors": [{"error_code": "x", "created_at": "2026-11-24T15:00:00Z"}], "n": 0.5},
    )
    await stored.storage.add_events("ws", [told])
    event = await stored.storage.event("ws", event_type="access_code.code_changed")
    assert event is not None
    for field in NewEvent.__struct_fields__:
        assert getattr(event, field) == getattr(told, field)
    assert (event.workspace_id, event.created_at) == ("ws", NOW)
    assert await stored.storage.event("ws", event_id=event.event_id) == event
    assert await stored.storage.event("other", event_id=event.event_id) is None
    assert await stored.storage.event_by_id(event.event_id) == event
    assert await stored.storage.event_by_id("none") is None


async def test_storage_adds_the_account_of_a_lock(stored: Stored) -> None:
    events = [
        stored.event("a", device_id="dev"),
        stored.event("b"),
        stored.event("c", device_id="x"),
    ]
    await stored.storage.add_events("ws", events)
    accounts = []
    for name in ("a", "b", "c"):
        event = await stored.storage.event("ws", event_type=name)
        assert event is not None
        accounts.append(event.connected_account_id)
    assert accounts == ["acc", None, None]


async def test_the_newest_of_a_type_and_device_is_found(stored: Stored) -> None:
    for number in range(3):
        stored.clock.go(SECOND)
        for device_id in ("dev", "dev2"):
            event = stored.event("lock.locked", device_id=device_id, payload={"n": number})
            await stored.storage.add_events("ws", [event])
    newest = await stored.storage.event("ws", event_type="lock.locked", device_id="dev")
    assert newest is not None
    assert (newest.device_id, newest.payload) == ("dev", {"n": 2})


async def test_sequence_orders_the_events_of_one_instant(stored: Stored) -> None:
    await stored.storage.add_events("ws", [stored.event(f"e{n}") for n in range(5)])
    await stored.storage.add_events("ws", [stored.event(f"e{n}") for n in range(5, 8)])
    listed = await all_pages(
        lambda cursor: stored.storage.events("ws", EventFilter(), limit=3, cursor=cursor)
    )
    assert [event.event_type for event in listed] == [f"e{n}" for n in range(7, -1, -1)]
    sequences = [event.sequence for event in listed]
    assert sequences == sorted(set(sequences), reverse=True)


@pytest.fixture
async def told(stored: Stored) -> dict[str, str]:
    """Ids of four events, an hour from each other, by type."""
    for number, fields in enumerate(
        [
            {"device_id": "dev", "access_code_id": "c1"},
            {"device_id": "dev2", "access_code_id": "c2"},
            {"device_id": "dev"},
            {"connected_account_id": "other"},
        ]
    ):
        await stored.storage.add_events("ws", [stored.event(f"e{number}", **fields)])
        stored.clock.go(HOUR)
    page = await stored.storage.events("ws", EventFilter(), limit=9, cursor=None)
    return {event.event_type: event.event_id for event in page.items}


async def test_events_are_filtered(stored: Stored, told: dict[str, str]) -> None:
    async def found(**fields: object) -> list[str]:
        page = await stored.storage.events("ws", EventFilter(**fields), limit=9, cursor=None)
        return [event.event_type for event in page.items]

    assert await found() == ["e3", "e2", "e1", "e0"]
    assert await found(since=NOW + HOUR) == ["e3", "e2"]
    assert await found(until=NOW + HOUR) == ["e0"]
    assert await found(since=NOW, until=NOW + 2 * HOUR) == ["e1"]
    assert await found(since=NOW - timedelta(microseconds=1)) == ["e3", "e2", "e1", "e0"]
    assert await found(event_types=("e1", "e2")) == ["e2", "e1"]
    assert await found(event_ids=(told["e0"], "none")) == ["e0"]
    assert await found(device_ids=("dev",)) == ["e2", "e0"]
    assert await found(access_code_ids=("c1", "c2")) == ["e1", "e0"]
    assert await found(connected_account_id="other") == ["e3"]
    assert await found(device_ids=("dev",), event_types=("e0", "e1")) == ["e0"]
    page = await stored.storage.events("other", EventFilter(), limit=9, cursor=None)
    assert page.items == ()
