"""What a process that serves no API answers: whether it is well."""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from latchwork.domain.errors import LatchworkError
from latchwork.storage.interface import Storage


def create_health_app(storage: Storage) -> Starlette:
    async def health(_request: Request) -> Response:
        try:
            await storage.healthy()
        except LatchworkError as error:
            return _json(503, {"ok": False, "status": str(error)})
        return _json(200, {"ok": True, "status": "ready"})

    return Starlette(routes=[Route("/health", health)])


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
