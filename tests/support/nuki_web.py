"""Nuki Web's API as its public documentation describes it, with locks in memory.

Written from https://developer.nuki.io and https://docs.nuki.io. Wishes are answered with 204 and
reach the lock a moment later. `lenient` lets PINs of any length and digits through, for suites
that bring their own PINs.
"""

import asyncio
import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

TOKEN = "nuki-token-of-a-test"
WEBHOOK_SECRET = "nuki-webhook-secret-of-a-test"
MEMBERS = frozenset(
    {
        "name", "code", "type", "enabled", "allowedFromDate", "allowedUntilDate",
        "allowedWeekDays", "allowedFromTime", "allowedUntilTime",
    }
)  # fmt: skip


class NukiLock:
    """`delay`: seconds that a wish takes to the lock. `carries_out`: cleared, wishes stay on their
    way."""

    def __init__(self, smartlock_id: int, name: str, *, keypad: bool = True, kind: int = 4) -> None:
        self.smartlock_id, self.name, self.keypad, self.kind = smartlock_id, name, keypad, kind
        self.reset()

    def reset(self) -> None:
        self.auths: dict[str, dict[str, Any]] = {}
        self.online, self.battery, self.state = True, 90, 1
        self.delay, self.operations = 0.02, 0
        self.carries_out = asyncio.Event()
        self.carries_out.set()
        self.ignore_next, self.lose_next = 0, 0
        self.busy_next = 0

    def shown(self) -> dict[str, Any]:
        return {
            "smartlockId": self.smartlock_id,
            "accountId": 1,
            "type": self.kind,
            "name": self.name,
            "config": {"keypadPaired": self.keypad, "keypad2Paired": False, "timezoneId": 0},
            "state": {
                "mode": 2, "state": self.state, "trigger": 6, "lastAction": 2,
                "batteryCritical": self.battery < 20, "batteryCharge": self.battery, "doorState": 0,
            },
            "serverState": 0 if self.online else 4,
        }  # fmt: skip


class NukiWeb:
    """The web application and its state."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.advanced = True
        self.lists_nothing = False
        self.locks = {n: NukiLock(n, f"Lock {n}") for n in (7001, 7002)}
        self.log: list[dict[str, Any]] = []
        self.webhooks: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.refuse_next: list[web.Response] = []
        self._work: set[asyncio.Task[None]] = set()
        self.app = web.Application(middlewares=[self._guard])
        lock = "/smartlock/{id:\\d+}"
        for method, path, handler in (
            ("GET", "/smartlock", self._list),
            ("GET", "/smartlock/log", self._logs),
            ("GET", lock, self._get),
            ("GET", f"{lock}/auth", self._auths),
            ("PUT", f"{lock}/auth", self._create),
            ("POST", f"{lock}/auth/{{auth}}", self._update),
            ("DELETE", f"{lock}/auth/{{auth}}", self._delete),
            ("POST", f"{lock}/action/{{action}}", self._act),
            ("PUT", "/api/decentralWebhook", self._register),
        ):
            self.app.router.add_route(method, path, handler)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.json_response({"detailMessage": "Not authorized"}, status=401)
        if self.refuse_next:
            return self.refuse_next.pop(0)
        answer: web.StreamResponse = await handler(request)
        if "id" in request.match_info and request.method in ("PUT", "POST", "DELETE"):
            lock = self._lock(request)
            if lock.lose_next:
                lock.lose_next -= 1
                assert request.transport is not None
                request.transport.close()
        return answer

    def _lock(self, request: web.Request) -> NukiLock:
        lock = self.locks.get(int(request.match_info["id"]))
        if lock is None:
            raise web.HTTPNotFound
        return lock

    async def _list(self, _: web.Request) -> web.Response:
        listed = () if self.lists_nothing else self.locks.values()
        return web.json_response([lock.shown() for lock in listed])

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._lock(request).shown())

    async def _auths(self, request: web.Request) -> web.Response:
        return web.json_response(list(self._lock(request).auths.values()))

    async def _logs(self, request: web.Request) -> web.Response:
        since = datetime.fromisoformat(request.query["fromDate"])
        found = [e for e in self.log if datetime.fromisoformat(e["date"]) >= since]
        if (after := request.query.get("id")) is not None:
            found = found[: [entry["id"] for entry in found].index(after)]
        return web.json_response(found[::-1][: int(request.query["limit"])])

    async def _create(self, request: web.Request) -> web.Response:
        lock, body = self._lock(request), await request.json()
        if not body.keys() <= MEMBERS - {"enabled"} or None in body.values():
            return _bad("body")
        if body.get("type") != 13 or not lock.keypad:
            return _bad("type")
        if (refused := self._check(lock, body, None)) is not None:
            return refused
        auth = {
            "id": secrets.token_hex(12), "smartlockId": lock.smartlock_id, "enabled": True,
            "authId": secrets.randbelow(10**6), "remoteAllowed": False, "lockCount": 0, **body,
        }  # fmt: skip
        self._later(lock, lambda: lock.auths.update({auth["id"]: auth}), auth)
        return web.Response(status=204)

    async def _update(self, request: web.Request) -> web.Response:
        lock, body = self._lock(request), await request.json()
        auth = lock.auths.get(request.match_info["auth"])
        if auth is None:
            return web.json_response({}, status=404)
        if not body.keys() <= MEMBERS - {"type"}:
            return _bad("body")
        if (refused := self._check(lock, body, auth["id"])) is not None:
            return refused
        self._later(lock, lambda: auth.update(body), auth)
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        lock = self._lock(request)
        auth = lock.auths.get(request.match_info["auth"])
        if auth is None:
            return web.json_response({}, status=404)
        self._later(lock, lambda: lock.auths.pop(auth["id"], None), auth)
        return web.Response(status=204)

    def _check(self, lock: NukiLock, body: dict[str, Any], but: str | None) -> web.Response | None:
        if lock.busy_next:
            lock.busy_next -= 1
            return web.json_response({}, status=423)
        pin = str(body["code"])
        if not self.lenient and (len(pin) != 6 or "0" in pin or pin.startswith("12")):
            return _bad("code")
        if len(body["name"]) > 20:
            return _bad("name")
        if any(a["code"] == body["code"] for i, a in lock.auths.items() if i != but):
            return web.json_response({"detailMessage": "Conflict"}, status=409)
        return None

    def _later(self, lock: NukiLock, act: Any, auth: dict[str, Any]) -> None:
        async def reach() -> None:
            await asyncio.sleep(lock.delay)
            await lock.carries_out.wait()
            while not lock.online:
                await asyncio.sleep(0.02)
            lock.operations += 1
            if lock.ignore_next:
                lock.ignore_next -= 1
                return
            act()
            await self.tell({"feature": "DEVICE_AUTHS", "deleted": False, "smartlockAuth": auth})

        task = asyncio.get_running_loop().create_task(reach())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _act(self, request: web.Request) -> web.Response:
        lock = self._lock(request)
        locked = request.match_info["action"] == "lock"
        lock.state = 1 if locked else 3
        await self._happened(lock, action=2 if locked else 1, trigger=4)
        return web.Response(status=204)

    async def _register(self, request: web.Request) -> web.Response:
        if not self.advanced:
            return web.json_response({}, status=403)
        body = await request.json()
        made = {"id": len(self.webhooks) + 1, "secret": WEBHOOK_SECRET, **body}
        self.webhooks.append(made)
        return web.json_response(made)

    # The world

    async def settle(self) -> None:
        """Returns when every wish has reached its lock."""
        await asyncio.gather(*self._work)

    async def type_pin(self, lock: NukiLock, pin: str) -> bool:
        now = datetime.now(UTC)
        for auth in lock.auths.values():
            starts, ends = auth.get("allowedFromDate"), auth.get("allowedUntilDate")
            within = (not starts or datetime.fromisoformat(starts) <= now) and (
                not ends or now < datetime.fromisoformat(ends)
            )
            if str(auth["code"]) == pin and auth["enabled"] and within:
                lock.state = 3
                await self._happened(lock, action=1, trigger=255, source=1, authId=auth["id"])
                return True
        return False

    async def _happened(self, lock: NukiLock, **members: Any) -> None:
        entry = {
            "id": secrets.token_hex(12), "smartlockId": lock.smartlock_id, "state": 0,
            "date": (datetime.now(UTC) + timedelta(0)).isoformat(), "autoUnlock": False, **members,
        }  # fmt: skip
        self.log.append(entry)
        await self.tell({"feature": "DEVICE_LOGS", "deleted": False, "smartlockLog": entry})

    async def tell_status(self, lock: NukiLock) -> None:
        shown = lock.shown()
        members = {name: shown[name] for name in ("smartlockId", "state", "serverState")}
        await self.tell({"feature": "DEVICE_STATUS", **members})

    async def tell(self, body: dict[str, Any], secret: str = WEBHOOK_SECRET) -> list[int]:
        """A webhook to every address; what was answered, 0 where nobody listens."""
        raw = json.dumps(body).encode()
        signature = hmac.new(secret.encode(), raw, "sha256").hexdigest()
        answers = []
        async with aiohttp.ClientSession() as session:
            for webhook in self.webhooks:
                if body["feature"] in webhook["webhookFeatures"]:
                    headers = {"X-Nuki-Signature-SHA256": signature}
                    try:
                        async with session.post(
                            webhook["webhookUrl"], data=raw, headers=headers
                        ) as answer:
                            answers.append(answer.status)
                    except aiohttp.ClientConnectionError:
                        answers.append(0)
        return answers


def _bad(parameter: str) -> web.Response:
    text = f"The supplied value 'x' for parameter '{parameter}' is not valid"
    return web.json_response({"detailMessage": text, "stackTrace": []}, status=400)
