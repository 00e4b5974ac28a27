"""The websocket client against a small server that behaves and misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from latchwork.domain.errors import NeedsAttention, Rejected, RetryLater
from latchwork.drivers import socket_client
from latchwork.drivers.matter.client import Client, Event
from support.matter_server import GREETING, agree, ignore, server


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    client = Client(url)
    try:
        await client.connect()
        yield client
    finally:
        await client.close()


async def test_the_greeting_names_the_fabric() -> None:
    async with server() as url:
        client = Client(url)
        info = await client.connect()
        await client.close()
    assert info.compressed_fabric_id == 12424014760786688163


async def test_a_command_is_answered_with_its_own_result() -> None:
    waiting: list[dict[str, Any]] = []

    async def in_reverse(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        waiting.append(message)
        if len(waiting) == 2:
            for one in reversed(waiting):
                answer = {"message_id": one["message_id"], "result": one["args"]}
                await socket.send_json(answer)

    async with server(in_reverse) as url, connected(url) as client:
        answers = await asyncio.gather(
            client.call("first", dict[str, int], n=1),
            client.call("second", dict[str, int], node_id=7, n=2),
        )
    assert answers == [{"n": 1}, {"n": 2, "node_id": 7}]


async def test_a_failure_is_what_the_caller_must_do_and_tells_nothing_that_was_sent() -> None:
    async def refuse(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        details = "4711: InteractionModelError: InvalidCommand (0x85)"
        await socket.send_json(
            {"message_id": message["message_id"], "error_code": 0, "details": details}
        )

    async with server(refuse) as url, connected(url) as client:
        with pytest.raises(Rejected) as caught:
            await client.call("device_command", dict[str, int], node_id=1, pin="4711")
    assert "4711" not in str(caught.value)


async def test_a_late_answer_holds_up_its_own_node_until_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[tuple[web.WebSocketResponse, dict[str, Any]]] = []

    async def hold(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        held.append((socket, message))

    monkeypatch.setattr(Client, "command_timeout", 0.05)
    async with server(hold) as url, connected(url) as client:
        with pytest.raises(RetryLater, match="device_command"):
            await client.call("device_command", dict[str, Any], node_id=1)
        assert client.is_late(1)
        assert not client.is_late(2)
        await agree(*held[0])
        async with asyncio.timeout(5):
            while client.is_late(1):
                await asyncio.sleep(0)


async def test_an_answer_that_never_comes_does_not_hold_up_its_node_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Client, "command_timeout", 0.05)
    async with server(ignore) as url, connected(url) as client:
        with pytest.raises(RetryLater):
            await client.call("device_command", dict[str, Any], node_id=1)
        monkeypatch.setattr(Client, "late_patience", 0.0)
        await asyncio.sleep(0)
        assert not client.is_late(1)


async def test_a_caller_that_is_cancelled_leaves_its_command_late() -> None:
    async with server(ignore) as url, connected(url) as client:
        call = asyncio.create_task(client.call("device_command", dict[str, Any], node_id=1))
        await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert client.is_late(1)


async def test_an_answer_of_another_shape_is_retried_later_without_its_content() -> None:
    async def odd(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        answer = {"message_id": message["message_id"], "result": {"credential": "4711"}}
        await socket.send_json(answer)

    async with server(odd) as url, connected(url) as client:
        with pytest.raises(RetryLater) as caught:
            await client.call("get_nodes", dict[str, int])
    assert "4711" not in str(caught.value)


async def test_events_keep_their_order_until_the_connection_ends() -> None:
    async def tell(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        await socket.send_json({"event": "attribute_updated", "data": [1, "1/257/0", 2]})
        await socket.send_json({"event": "server_shutdown"})
        await agree(socket, message)
        await socket.close()

    seen: list[Event] = []
    async with server(tell) as url, connected(url) as client:
        await client.call("start_listening", Any)
        events = client.events()
        seen += [await anext(events), await anext(events)]
        with pytest.raises(RetryLater, match="closed"):
            await anext(events)
    assert seen == [Event("attribute_updated", [1, "1/257/0", 2]), Event("server_shutdown", None)]


async def test_a_lost_connection_is_told_to_whoever_waits_and_to_the_next() -> None:
    async def drop(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        await socket.close()

    async with server(drop) as url, connected(url) as client:
        for _ in range(2):
            with pytest.raises(RetryLater):
                await client.call("get_nodes", Any)


async def test_a_flood_of_events_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def flood(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        for _ in range(4):
            await socket.send_json({"event": "node_event", "data": None})

    monkeypatch.setattr(socket_client, "MOST_WAITING_EVENTS", 3)
    async with server(flood) as url, connected(url) as client:
        with pytest.raises(RetryLater):
            await client.call("start_listening", Any)
        with pytest.raises(RetryLater, match="faster"):
            async for _ in client.events():
                pass


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        ({**GREETING, "schema_version": 10}, "Update it"),
        ({**GREETING, "schema_version": 15, "min_supported_schema_version": 12}, "update Latch"),
        ({"type": "version", "maxSchemaVersion": 50}, "not a Matter server"),
        (lambda socket: socket.send_str("hello"), "not a Matter server"),
        (lambda socket: socket.send_bytes(b"\x00"), "not a Matter server"),
    ],
)
async def test_another_server_needs_attention(greeting: Any, message: str) -> None:
    async with server(greeting=greeting) as url:
        client = Client(url)
        with pytest.raises(NeedsAttention, match=message):
            await client.connect()
        await client.close()


async def test_a_wrong_path_needs_attention_and_a_silent_or_closed_port_a_retry() -> None:
    async def close_at_once(socket: web.WebSocketResponse) -> None:
        await socket.close()

    async with server(greeting=close_at_once) as url:
        client, lost = Client(url), Client(url.replace("/ws", "/other"))
        with pytest.raises(RetryLater, match="not ready"):
            await client.connect()
        with pytest.raises(NeedsAttention, match="HTTP 404"):
            await lost.connect()
        await client.close()
        await lost.close()
    gone = Client(url)
    with pytest.raises(RetryLater, match="cannot be reached"):
        await gone.connect()
    await gone.close()
