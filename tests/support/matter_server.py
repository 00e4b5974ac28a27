"""A small websocket server that greets like a Matter server and answers as a test wants."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

GREETING = {
    "fabric_id": 1,
    "compressed_fabric_id": 12424014760786688163,
    "schema_version": 11,
    "min_supported_schema_version": 9,
    "sdk_version": "2025.7.0",
    "wifi_credentials_set": False,
}
Behaviour = Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]]


async def agree(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    await socket.send_json({"message_id": message["message_id"], "result": {}})


async def ignore(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    pass


@asynccontextmanager
async def server(behave: Behaviour = agree, greeting: Any = GREETING) -> AsyncIterator[str]:
    """Answers every command as `behave` does."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await (socket.send_json(greeting) if isinstance(greeting, dict) else greeting(socket))
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await behave(socket, json.loads(frame.data))
        return socket

    app = web.Application()
    app.router.add_get("/ws", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    finally:
        await runner.cleanup()
