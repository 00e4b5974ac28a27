"""A lock cloud in one process: the contract, and `/test` for what happens at the door.

Run: python server.py --port 8900
"""

import argparse
import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from hooks import Hooks
from locks import Code, Lock, Refused, demo_locks, kept, new_id, restore
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]
LISTED_AT_ONCE = 5


class LockCloud:
    """State and handlers. `static_token` never expires; a refresh token gets others."""

    def __init__(self, static_token: str, refresh_token: str, keep: Path | None = None) -> None:
        self.static_token = static_token
        self.refresh_token = refresh_token
        self.tokens: set[str] = set()
        self.keep = keep
        self.locks = demo_locks()
        self.hooks = Hooks()
        self.refusals: tuple[int, int] = (0, 0)
        """How many calls are still to be refused, and with which status."""
        self.lists_nothing = False
        self.work: set[asyncio.Task[None]] = set()

    # The contract

    async def list_locks(self, _: Request) -> Response:
        if self.lists_nothing:
            return JSONResponse({"locks": []})
        return JSONResponse({"locks": [lock.shown() for lock in self.locks.values()]})

    async def get_lock(self, request: Request) -> Response:
        return JSONResponse(self._lock(request).shown())

    async def act(self, request: Request) -> Response:
        lock = self._lock(request)
        asked = await _json(request)
        action = asked.get("action")
        if action not in ("lock", "unlock"):
            raise Refused(422, "NOT_SUPPORTED", "The action is lock or unlock.")
        lock.check_online()
        action_id = new_id("act")
        self._start(self._move(lock, action, action_id, asked.get("custom_id")))
        return JSONResponse(
            {"action_id": action_id, "status": "pending", "lock_id": lock.lock_id, "action": action}
        )

    async def _move(self, lock: Lock, action: str, action_id: str, custom_id: Any) -> None:
        await lock.reached()
        lock.locked = action == "lock"
        self.hooks.tell(
            "lock.action_completed",
            device_id=lock.lock_id,
            action_id=action_id,
            custom_id=custom_id,
            action=action,
            status="success",
            performed_via="remote_api",
        )

    async def list_codes(self, request: Request) -> Response:
        lock = self._lock(request)
        start = int(request.query_params.get("cursor", "0"))
        codes = sorted(lock.codes.values(), key=lambda code: code.access_code_id)
        end = start + LISTED_AT_ONCE
        return JSONResponse(
            {
                "access_codes": [c.shown(masked=lock.faults.masked) for c in codes[start:end]],
                "next_cursor": str(end) if end < len(codes) else None,
            }
        )

    async def create_code(self, request: Request) -> Response:
        lock = self._lock(request)
        wished = _wished(await _json(request), {})
        lock.check_online()
        lock.check(wished)
        code = Code(new_id("ac"), lock.lock_id, wished)
        lock.codes[code.access_code_id] = code
        self._start(self._store(lock, code, "access_code.created"))
        return self._answer(lock, code)

    async def update_code(self, request: Request) -> Response:
        lock, code = self._code(request)
        wished = _wished(await _json(request), code.wished)
        lock.check_online()
        lock.check(wished, but=code.access_code_id)
        code.wished = wished
        self._start(self._store(lock, code, "access_code.updated"))
        return self._answer(lock, code)

    async def delete_code(self, request: Request) -> Response:
        lock, code = self._code(request)
        lock.check_online()
        code.leaving = True
        self._start(self._remove(lock, code))
        return self._answer(lock, code)

    async def _store(self, lock: Lock, code: Code, event_type: str) -> None:
        wished = code.wished
        await lock.reached()
        if code.leaving or code.wished is not wished:
            return
        told = {"device_id": lock.lock_id, "access_code_id": code.access_code_id}
        if lock.faults.reject_late is not None:
            error, lock.faults.reject_late = lock.faults.reject_late, None
            if code.on_lock is None:
                code.error_code = error
            else:
                code.wished = code.on_lock
            self.hooks.tell(event_type, **told, status="failed", error_code=error)
            return
        if lock.faults.ignore:
            lock.faults.ignore -= 1
            # The lock lied: the cloud finds nothing there and drops what it was told.
            if code.on_lock is None:
                del lock.codes[code.access_code_id]
            else:
                code.wished = code.on_lock
        else:
            code.on_lock = wished
        self.hooks.tell(event_type, **told, status="success")

    async def _remove(self, lock: Lock, code: Code) -> None:
        await lock.reached()
        if lock.faults.ignore:
            lock.faults.ignore -= 1
        else:
            lock.codes.pop(code.access_code_id, None)
        code.leaving = False
        self.hooks.tell(
            "access_code.deleted",
            device_id=lock.lock_id,
            access_code_id=code.access_code_id,
            status="success",
        )

    def _answer(self, lock: Lock, code: Code) -> Response:
        if lock.faults.drop_answer:
            lock.faults.drop_answer -= 1
            raise ConnectionAbortedError
        return JSONResponse(code.shown(masked=False), status_code=202)

    async def register(self, request: Request) -> Response:
        asked = await _json(request)
        return JSONResponse(self.hooks.register(str(asked["url"]), list(asked["events"])))

    async def token(self, request: Request) -> Response:
        form = await request.form()
        if form.get("refresh_token") != self.refresh_token:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 3600,
                "refresh_token": self.refresh_token,
                "user_id": "user_1",
            }
        )

    # The world

    async def truth(self, request: Request) -> Response:
        lock = self._lock(request)
        return JSONResponse(
            {
                "codes": {c.access_code_id: c.on_lock for c in lock.codes.values() if c.on_lock},
                "locked": lock.locked,
                "operations": lock.operations,
                "faults": vars(lock.faults),
            }
        )

    async def set_faults(self, request: Request) -> Response:
        lock = self._lock(request)
        was_offline = lock.faults.offline
        for name, value in (await _json(request)).items():
            if name not in vars(lock.faults):
                raise Refused(422, "NO_SUCH_FAULT", name)
            setattr(lock.faults, name, value)
        lock.released.set()
        if lock.faults.offline != was_offline:
            kind = "device.offline" if lock.faults.offline else "device.online"
            self.hooks.tell(kind, device_id=lock.lock_id)
        return JSONResponse({})

    async def type_pin(self, request: Request) -> Response:
        lock = self._lock(request)
        code = lock.opens(str((await _json(request))["pin"]), datetime.now(UTC))
        if code is None:
            self.hooks.tell("access_code.incorrect_attempt", device_id=lock.lock_id)
        else:
            lock.locked = False
            self.hooks.tell(
                "access_code.used", device_id=lock.lock_id, access_code_id=code.access_code_id
            )
        return JSONResponse({"opened": code is not None})

    async def other_code(self, request: Request) -> Response:
        lock = self._lock(request)
        wished = _wished(await _json(request), {})
        lock.check(wished)
        code = Code(new_id("ac"), lock.lock_id, wished, on_lock=wished)
        lock.codes[code.access_code_id] = code
        self._tell(request, lock, code, "access_code.created")
        return JSONResponse(code.shown(masked=False))

    async def change_by_hand(self, request: Request) -> Response:
        lock, code = self._code(request)
        code.wished = code.on_lock = _wished(await _json(request), code.wished)
        self._tell(request, lock, code, "access_code.updated")
        return JSONResponse({})

    async def remove_by_hand(self, request: Request) -> Response:
        lock, code = self._code(request)
        del lock.codes[code.access_code_id]
        self._tell(request, lock, code, "access_code.deleted")
        return JSONResponse({})

    def _tell(self, request: Request, lock: Lock, code: Code, event_type: str) -> None:
        if request.query_params.get("told") == "0":
            return
        told = {"device_id": lock.lock_id, "access_code_id": code.access_code_id}
        self.hooks.tell(event_type, **told, status="success")

    async def set_battery(self, request: Request) -> Response:
        lock = self._lock(request)
        lock.battery = float((await _json(request))["level"])
        self.hooks.tell("device.low_battery", device_id=lock.lock_id, battery_level=lock.battery)
        return JSONResponse({})

    async def reset(self, request: Request) -> Response:
        fresh = demo_locks()[self._lock(request).lock_id]
        self.locks[fresh.lock_id] = fresh
        return JSONResponse({})

    async def expire_tokens(self, _: Request) -> Response:
        self.tokens.clear()
        return JSONResponse({})

    async def refuse_calls(self, request: Request) -> Response:
        asked = await _json(request)
        self.refusals = int(asked["count"]), int(asked["status"])
        return JSONResponse({})

    async def list_nothing(self, request: Request) -> Response:
        self.lists_nothing = bool((await _json(request))["on"])
        return JSONResponse({})

    # What they share

    def _lock(self, request: Request) -> Lock:
        lock = self.locks.get(request.path_params["lock_id"])
        if lock is None:
            raise Refused(404, "LOCK_NOT_FOUND", "There is no such lock.")
        return lock

    def _code(self, request: Request) -> tuple[Lock, Code]:
        for lock in self.locks.values():
            code = lock.codes.get(request.path_params["access_code_id"])
            if code is not None:
                return lock, code
        raise Refused(404, "ACCESS_CODE_NOT_FOUND", "There is no such code.")

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    def guarded(self, handler: Handler) -> Handler:
        """With the access token checked, and refusals in the contract's shape."""

        async def answer(request: Request) -> Response:
            left, status = self.refusals
            if left:
                self.refusals = left - 1, status
                return JSONResponse({}, status_code=status, headers={"retry-after": "1"})
            sent = request.headers.get("authorization", "").removeprefix("Bearer ")
            if sent != self.static_token and sent not in self.tokens:
                return JSONResponse({"error_code": "UNAUTHORIZED"}, status_code=401)
            return await open_to_all(handler)(request)

        return answer

    def app(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            if self.keep is not None and self.keep.exists():
                restore(self.locks, self.keep.read_text())
            yield
            if self.keep is not None:
                self.keep.write_text(kept(self.locks))
            self.hooks.close()

        return Starlette(routes=self._routes(), lifespan=lifespan)

    def _routes(self) -> list[Route]:
        guarded, code, there = self.guarded, "/access_codes/{access_code_id}", "/locks/{lock_id}"
        door = f"/test{there}"
        contract = (
            ("GET", "/locks", self.list_locks),
            ("GET", there, self.get_lock),
            ("POST", f"{there}/actions", self.act),
            ("GET", f"{there}/access_codes", self.list_codes),
            ("POST", f"{there}/access_codes", self.create_code),
            ("PATCH", code, self.update_code),
            ("DELETE", code, self.delete_code),
            ("POST", "/webhooks", self.register),
        )
        world = (
            ("GET", door, self.truth),
            ("POST", f"{door}/faults", self.set_faults),
            ("POST", f"{door}/keypad", self.type_pin),
            ("POST", f"{door}/codes", self.other_code),
            ("PATCH", f"{door}/codes/{{access_code_id}}", self.change_by_hand),
            ("DELETE", f"{door}/codes/{{access_code_id}}", self.remove_by_hand),
            ("POST", f"{door}/battery", self.set_battery),
            ("POST", f"{door}/reset", self.reset),
            ("POST", "/test/tokens/expire", self.expire_tokens),
            ("POST", "/test/calls/refuse", self.refuse_calls),
            ("POST", "/test/locks/list_nothing", self.list_nothing),
        )
        return [
            *(
                Route(path, guarded(handler), methods=[method])
                for method, path, handler in contract
            ),
            *(Route(path, open_to_all(h), methods=[method]) for method, path, h in world),
            Route("/oauth/token", self.token, methods=["POST"]),
        ]


def open_to_all(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return JSONResponse(refused.body, status_code=refused.status)
        except ConnectionAbortedError:
            return Lost()

    return answer


class Lost(Response):
    """An answer that never arrives: the connection ends in the middle of it."""

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionAbortedError


async def _json(request: Request) -> dict[str, Any]:
    return dict(await request.json())


def _wished(asked: dict[str, Any], standing: dict[str, Any]) -> dict[str, Any]:
    """Members that are left out stay as they are."""
    return {
        name: asked.get(name, standing.get(name))
        for name in ("name", "code", "starts_at", "ends_at")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A lock cloud to try the contract on.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--token", default="demo-token", help="an access token without an end")
    parser.add_argument("--refresh-token", default="demo-refresh-token")
    parser.add_argument("--keep", type=Path, help="a file that keeps the codes over a restart")
    given = parser.parse_args()
    cloud = LockCloud(given.token, given.refresh_token, given.keep)
    uvicorn.run(cloud.app(), host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
