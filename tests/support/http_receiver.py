"""A real HTTP server on loopback that receives webhooks and remembers them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Received(msgspec.Struct):
    path: str
    headers: dict[str, str]
    body: bytes


class HttpReceiver:
    """Answers each path by its handler in `paths`, every other path with 204."""

    def __init__(self, server: TestServer, received: list[Received]) -> None:
        self.server = server
        self.received = received
        self.paths: dict[str, Handler] = {}
        self.changed = asyncio.Event()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.port}{path}"

    async def wait_for(self, count: int) -> None:
        """Until so many requests have come; fails after 5 s."""
        async with asyncio.timeout(5):
            while len(self.received) < count:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def receiving() -> AsyncIterator[HttpReceiver]:
    received: list[Received] = []

    async def receive(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received.append(Received(request.path, dict(request.headers), body))
        receiver.changed.set()
        handler = receiver.paths.get(request.path)
        return await handler(request) if handler else web.Response(status=204)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receive)
    server = TestServer(app, host="127.0.0.1")
    receiver = HttpReceiver(server, received)
    await server.start_server(shutdown_timeout=0)
    try:
        yield receiver
    finally:
        await server.close()
