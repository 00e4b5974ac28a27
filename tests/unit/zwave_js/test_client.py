"""The websocket client against a small server that behaves and misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from latchwork.domain.errors import NeedsAttention, Rejected, RetryLater
from latchwork.drivers import socket_client
from latchwork.drivers.zwave_js.client import Client, Event

GREETING = {"type": "version", "homeId": 1, "minSchemaVersion": 0, "maxSchemaVersion": 50}
Behaviour = Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]]


async def agree(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    await socket.send_json(
        {"type": "result", "success": True, "messageId": message["messageId"], "result": {}}
    )


@asynccontextmanager
async def server(behave: Behaviour = agree, greeting: Any = GREETING) -> AsyncIterator[str]:
    """Answers every command but the choice of a schema as `behave` does."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await (socket.send_json(greeting) if isinstance(greeting, dict) else greeting(socket))
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                message = json.loads(frame.data)
                is_schema = message["command"] == "set_api_schema"
                await (agree if is_schema else behave)(socket, message)
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Client]:
    client = Client(url, **options)
    try:
        await client.connect()
        yield client
    finally:
        await client.close()


async def test_a_command_is_answered_with_its_own_result() -> None:
    waiting: list[dict[str, Any]] = []

    async def in_reverse(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        waiting.append(message)
        if len(waiting) == 2:
            for one in reversed(waiting):
                result = {"echo": one["n"]}
                answer = {"type": "result", "success": True, "result": result}
                await socket.send_json(answer | {"messageId": one["messageId"]})

    async with server(in_reverse) as url, connected(url) as client:
        answers = await asyncio.gather(
            client.call("first", dict[str, int], n=1), client.call("second", dict[str, int], n=2)
        )
    assert answers == [{"echo": 1}, {"echo": 2}]


async def test_a_failure_is_what_the_caller_must_do() -> None:
    async def refuse(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        await socket.send_json(
            {
                "type": "result",
                "success": False,
                "messageId": message["messageId"],
                "errorCode": "zwave_error",
                "zwaveErrorCode": 322,
                "zwaveErrorMessage": "4711 is not allowed (ZW0322)",
            }
        )

    async with server(refuse) as url, connected(url) as client:
        with pytest.raises(Rejected) as caught:
            await client.call("endpoint.access_control.add_user", dict[str, int], data="4711")
    assert "4711" not in str(caught.value)


async def test_a_missing_answer_is_retried_later_and_holds_up_its_node_for_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[tuple[web.WebSocketResponse, dict[str, Any]]] = []

    async def hold(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        held.append((socket, message))

    monkeypatch.setattr(Client, "command_timeout", 0.05)
    async with server(hold) as url, connected(url) as client:
        with pytest.raises(RetryLater, match=r"node\.ping"):
            await client.call("node.ping", dict[str, int], nodeId=2)
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1e9)
        assert client.is_late(2)
        assert not client.is_late(3)
        monkeypatch.undo()
        await agree(*held[0])
        async with asyncio.timeout(5):
            while client.is_late(2):
                await asyncio.sleep(0)


async def test_an_answer_of_another_shape_is_retried_later_without_its_content() -> None:
    async def odd(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        answer = {"type": "result", "success": True, "messageId": message["messageId"]}
        await socket.send_json(answer | {"result": {"credential": "4711"}})

    async with server(odd) as url, connected(url) as client:
        with pytest.raises(RetryLater) as caught:
            await client.call("get", dict[str, int])
    assert "4711" not in str(caught.value)


async def test_events_come_in_order_and_are_noticed_at_once() -> None:
    async def tell(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        for number in range(3):
            event = {"source": "node", "event": f"event {number}", "nodeId": 2, "unknown": [1]}
            await socket.send_json({"type": "event", "event": event})
        await socket.send_json({"type": "event", "event": {"shape": "of no event"}})
        await agree(socket, message)

    noticed: list[Event] = []
    async with server(tell) as url, connected(url, noticed=noticed.append) as client:
        await client.call("start_listening", dict[str, int])
        events = client.events()
        assert [(await anext(events)).event for _ in range(3)] == ["event 0", "event 1", "event 2"]
        assert [event.event for event in noticed] == ["event 0", "event 1", "event 2"]


async def test_a_lost_connection_ends_commands_and_events() -> None:
    async def hang_up(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        await socket.close()

    async with server(hang_up) as url, connected(url) as client:
        with pytest.raises(RetryLater):
            await client.call("node.ping", dict[str, int])
        with pytest.raises(RetryLater):
            await anext(client.events())
        with pytest.raises(RetryLater):
            await client.call("node.ping", dict[str, int])


async def test_a_message_that_cannot_be_read_ends_the_connection() -> None:
    async def babble(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        await socket.send_str("{not json")

    async with server(babble) as url, connected(url) as client:
        with pytest.raises(RetryLater, match="unknown shape"):
            await client.call("node.ping", dict[str, int])


async def test_events_that_nobody_takes_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def flood(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        for _ in range(10):
            await socket.send_json({"type": "event", "event": {"source": "node", "event": "x"}})

    monkeypatch.setattr(socket_client, "MOST_WAITING_EVENTS", 5)
    async with server(flood) as url, connected(url) as client:
        with pytest.raises(RetryLater, match="faster"):
            await client.call("start_listening", dict[str, int])


@pytest.mark.parametrize(
    ("greeting", "error", "text"),
    [
        (GREETING | {"maxSchemaVersion": 35}, NeedsAttention, "speaks API schema 35"),
        (GREETING | {"minSchemaVersion": 60, "maxSchemaVersion": 70}, NeedsAttention, "update"),
        ({"type": "hello"}, NeedsAttention, "not a Z-Wave JS server"),
        (lambda socket: socket.send_str("SSH-2.0"), NeedsAttention, "not a Z-Wave JS server"),
        (lambda socket: socket.send_bytes(b"\x00"), NeedsAttention, "not a Z-Wave JS server"),
        (lambda socket: socket.close(code=1013), RetryLater, "not ready"),
    ],
)
async def test_the_greeting_tells_whom_we_speak_with(
    greeting: Any, error: type[Exception], text: str
) -> None:
    async with server(greeting=greeting) as url:
        with pytest.raises(error, match=text):
            async with connected(url):
                pass


async def test_a_web_server_that_is_no_websocket_needs_attention() -> None:
    async with server() as url:
        with pytest.raises(NeedsAttention, match="HTTP 404"):
            async with connected(f"{url}/elsewhere"):
                pass


async def test_nobody_at_the_address_is_retried_later() -> None:
    async with server() as url:
        pass
    with pytest.raises(RetryLater, match="cannot be reached"):
        async with connected(url):
            pass


async def test_a_server_that_says_nothing_is_retried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "connect_timeout", 0.05)
    async with server(greeting=lambda _: asyncio.sleep(0)) as url:
        with pytest.raises(RetryLater, match="does not answer"):
            async with connected(url):
                pass


async def test_a_client_that_never_connected_says_so() -> None:
    client = Client("ws://127.0.0.1:1")
    with pytest.raises(RetryLater):
        await client.call("node.ping", dict[str, int])
    await client.close()
    await client.close()


async def test_a_server_that_hangs_is_left_without_its_goodbye() -> None:
    reached = asyncio.Event()

    async def hang(_socket: web.WebSocketResponse, _message: dict[str, Any]) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with server(hang) as url, connected(url) as client:
        call = asyncio.create_task(client.call("anything", dict[str, int]))
        await reached.wait()
        async with asyncio.timeout(5):
            await client.close()
        with pytest.raises(RetryLater):
            await call
