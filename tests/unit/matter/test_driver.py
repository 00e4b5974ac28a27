"""The driver on a hand-made dialogue with a server."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from latchwork.domain.errors import RetryLater, Unsupported
from latchwork.domain.observation import Empty
from latchwork.domain.pin import Pin
from latchwork.drivers.matter.client import Client
from latchwork.drivers.matter.driver import factory
from latchwork.drivers.protocol import CodesChanged, DeviceChanged, DevicesFound, LockOperated
from support.driver_context import context_for
from support.matter_server import agree, server
from support.zwave_connection import Connection

RECORDED = Path(__file__).parent / "recorded"
KEY = "ac6b000000000123-1-1"
FREE = {
    "GetCredentialStatus": {"credentialExists": False},
    "GetUser": {"userIndex": 1, "userStatus": None},
}


class Once(NamedTuple):
    """An answer that is given a single time."""

    result: Any


class Dialogue:
    """Answers device commands by name, and others by theirs; what has no answer is kept waiting."""

    def __init__(self) -> None:
        self.nodes = [json.loads((RECORDED / f"{n}.json").read_text()) for n in ("lock", "bridge")]
        self.answers: dict[str, Any] = {
            "start_listening": self.nodes,
            "get_nodes": self.nodes,
            "read_attribute": {"1/257/0": 1},
            **FREE,
        }
        self.waiting: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.socket: web.WebSocketResponse | None = None

    async def answer(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        self.socket = socket
        self.sent.append(message)
        name = message["args"].get("command_name", message["command"])
        if name in self.answers:
            result = self.answers[name]
            if isinstance(result, Once):
                del self.answers[name]
                result = result.result
            await socket.send_json({"message_id": message["message_id"], "result": result})
        else:
            self.waiting.append(message)

    async def tell(self, event: str, data: Any) -> None:
        assert self.socket is not None
        await self.socket.send_json({"event": event, "data": data})


@pytest.fixture
def dialogue() -> Dialogue:
    return Dialogue()


@pytest.fixture
async def live(dialogue: Dialogue) -> AsyncIterator[Connection]:
    greeting = {
        "compressed_fabric_id": 0xAC6B_0000_0000_0123,
        "schema_version": 11,
        "min_supported_schema_version": 11,
    }
    async with server(dialogue.answer, greeting) as url:
        connection = Connection(factory(context_for(factory, {"url": url}, {})))
        await connection.until(DevicesFound, lambda p: p.complete)
        yield connection
        await connection.end()


async def test_all_locks_are_found_and_news_of_them_are_pushed(
    live: Connection, dialogue: Dialogue
) -> None:
    assert live.connected.is_set()
    [found] = live.pushes
    assert isinstance(found, DevicesFound)
    assert len(found.devices) == 3
    await dialogue.tell("attribute_updated", [1, "1/257/0", 2])
    await live.until(DevicesFound, lambda p: p.devices[0].locked is False)
    event = {
        "node_id": 1,
        "endpoint_id": 1,
        "cluster_id": 257,
        "event_id": 2,
        "event_number": 9,
        "data": {"lockOperationType": 1, "operationSource": 3, "userIndex": 4},
    }
    await dialogue.tell("node_event", event)
    assert (await live.until(LockOperated)).position == 4
    await dialogue.tell("node_event", event | {"event_id": 0, "data": {"alarmCode": 5}})
    await live.until(DeviceChanged, lambda p: p.tampered is True)
    await dialogue.tell("node_event", event | {"event_id": 0, "data": {"alarmCode": 1}})
    await live.until(CodesChanged)
    await dialogue.tell("endpoint_removed", {"node_id": 2, "endpoint_id": 3})
    await live.until(DevicesFound, lambda p: p.complete and len(p.devices) == 2)
    await dialogue.tell("node_removed", 2)
    await live.until(DevicesFound, lambda p: p.complete and len(p.devices) == 1)
    await dialogue.tell("node_added", dialogue.nodes[1])
    await live.until(DevicesFound, lambda p: not p.complete and len(p.devices) == 2)


async def test_the_list_can_be_had_anew(live: Connection, dialogue: Dialogue) -> None:
    dialogue.answers["get_nodes"] = dialogue.nodes[:1]
    found = await live.driver.list_anew()  # type: ignore[attr-defined]
    assert [d.provider_key for d in found.devices] == [KEY]


async def test_a_free_position_is_read_with_two_exchanges(
    live: Connection, dialogue: Dialogue
) -> None:
    dialogue.sent.clear()
    assert await live.driver.observe(KEY, [1]) == {1: Empty()}
    assert len(dialogue.sent) == 2
    assert {m["args"]["endpoint_id"] for m in dialogue.sent} == {1}


async def test_what_was_read_before_the_lock_was_lost_is_kept(
    live: Connection, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "command_timeout", 0.2)
    dialogue.answers.update(GetUser=Once(FREE["GetUser"]))
    assert await live.driver.observe(KEY, [1, 2]) == {1: Empty()}


async def test_nothing_is_believed_while_a_command_may_still_reach_the_lock(
    live: Connection, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "command_timeout", 0.1)
    with pytest.raises(RetryLater):
        await live.driver.write(KEY, 1, Pin("4711"), None, None)
    monkeypatch.undo()
    with pytest.raises(RetryLater, match="still trying"):
        await live.driver.observe(KEY, [1])
    assert dialogue.socket is not None
    for message in dialogue.waiting:
        await agree(dialogue.socket, message)
    async with asyncio.timeout(5):
        while True:
            try:
                assert await live.driver.observe(KEY, [1]) == {1: Empty()}
                break
            except RetryLater:
                await asyncio.sleep(0)


async def test_two_operations_on_a_node_take_turns_and_other_nodes_do_not_wait(
    live: Connection, dialogue: Dialogue
) -> None:
    del dialogue.answers["GetUser"]
    front = [asyncio.create_task(live.driver.observe(KEY, [n])) for n in (1, 2)]
    while not dialogue.waiting:
        await asyncio.sleep(0)
    garage = asyncio.create_task(live.driver.observe("ac6b000000000123-2-2", [1]))
    while len(dialogue.waiting) < 2:
        await asyncio.sleep(0)
    assert [m["args"]["node_id"] for m in dialogue.waiting] == [1, 2]
    for task in (*front, garage):
        task.cancel()
    await asyncio.gather(*front, garage, return_exceptions=True)


async def test_a_sign_of_life_is_the_state_of_the_bolt(
    live: Connection, dialogue: Dialogue
) -> None:
    assert await live.driver.probe(KEY)
    dialogue.answers["read_attribute"] = {}
    assert not await live.driver.probe(KEY)


async def test_a_time_for_locking_itself_that_the_lock_does_not_take_is_told(
    live: Connection, dialogue: Dialogue
) -> None:
    dialogue.answers |= {"read_attribute": {"1/257/35": 0}, "write_attribute": None}
    with pytest.raises(Unsupported):
        await live.driver.configure_auto_lock(KEY, enabled=True, delay=60)  # type: ignore[attr-defined]
    written = next(m["args"] for m in dialogue.sent if m["command"] == "write_attribute")
    assert written == {"node_id": 1, "attribute_path": "1/257/35", "value": 60}
    await live.driver.configure_auto_lock(KEY, enabled=False, delay=None)  # type: ignore[attr-defined]


async def test_without_a_connection_everything_is_for_later(
    live: Connection, dialogue: Dialogue
) -> None:
    assert dialogue.socket is not None
    await dialogue.socket.close()
    with pytest.raises(RetryLater):
        await live.running
    with pytest.raises(RetryLater):
        await live.driver.observe(KEY, [1])
    with pytest.raises(RetryLater):
        await live.driver.list_anew()  # type: ignore[attr-defined]


async def test_real_locks_are_not_simulated(live: Connection) -> None:
    with pytest.raises(Unsupported):
        await live.driver.simulate(KEY, "unlock", {})
