"""TTLock's open platform as its public documentation describes it, with locks in memory.

Written from https://euopen.ttlock.com/document: paths, form parameters, answers, error codes,
callbacks. What the documentation leaves open is kept strict: an unknown parameter is refused.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web

CLIENT_ID, CLIENT_SECRET = "client-of-a-test", "client-secret-of-a-test"
USERNAME, PASSWORD = "+31612345678", "password-of-a-test"
FIVE_MINUTES = 300_000
GATEWAY, ASYNCHRONOUS = "2", "4"


class Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class TtLock:
    def __init__(self, lock_id: int, name: str, capacity: int = 250) -> None:
        self.lock_id, self.name, self.capacity = lock_id, name, capacity
        self.reset()

    def reset(self) -> None:
        self.codes: dict[int, dict[str, Any]] = {}
        self.records: list[dict[str, Any]] = []
        self.battery, self.operations = 90, 0
        self.gateway = True
        self.fail_next: list[int] = []
        self.ignore_next, self.lose_next = 0, 0
        self.saves_power = False

    def check_reach(self) -> None:
        self.operations += 1
        if not self.gateway:
            raise Refused(-3002)
        if self.fail_next:
            raise Refused(self.fail_next.pop(0))

    def check_pin(self, pin: str, but: int | None = None) -> None:
        if not pin.isdigit() or not 4 <= len(pin) <= 9:
            raise Refused(-3006)
        if len(set(pin)) == 1 or pin in "0123456789" or pin in "9876543210":
            raise Refused(-2032)
        if any(c["keyboardPwd"] == pin for i, c in self.codes.items() if i != but):
            raise Refused(-3007)

    def opens(self, pin: str) -> dict[str, Any] | None:
        now = time.time() * 1000
        for code in self.codes.values():
            forever = code["keyboardPwdType"] == 2
            within = forever or code["startDate"] <= now < code["endDate"]
            if code["keyboardPwd"] == pin and within and code["status"] == 1:
                return code
        return None


class TtlockPlatform:
    """The web application and its state. `callback`: where it tells what happens."""

    def __init__(self) -> None:
        self.locks = {n: TtLock(n, f"Lock {n}") for n in (501, 502)}
        self.callback: str | None = None
        self.lists_nothing = False
        self.now: Callable[[], float] = time.time
        self.tokens: set[str] = set()
        self.refresh_tokens: set[str] = set()
        self.grants: list[str] = []
        self.calls: list[str] = []
        self.fail_calls: list[int] = []
        self.app = web.Application()
        self.app.router.add_post("/oauth2/token", self._token)
        for path, handler in self._paths().items():
            self.app.router.add_post(path, self._guarded(handler))

    def _paths(self) -> Mapping[str, Callable[[dict[str, str]], Any]]:
        return {
            "/v3/lock/list": self._list_locks,
            "/v3/lock/listKeyboardPwd": self._list_codes,
            "/v3/lock/queryOpenState": self._state,
            "/v3/lock/lock": self._move,
            "/v3/lock/unlock": self._move,
            "/v3/lockRecord/list": self._list_records,
            "/v3/keyboardPwd/add": self._add,
            "/v3/keyboardPwd/change": self._change,
            "/v3/keyboardPwd/delete": self._delete,
        }

    async def _token(self, request: web.Request) -> web.Response:
        form = await _form(request)
        grant = form.get("grant_type", "password")
        self.grants.append(grant)
        if form.get("clientId") != CLIENT_ID or form.get("clientSecret") != CLIENT_SECRET:
            return _error(10001)
        if grant == "refresh_token":
            if form.get("refresh_token") not in self.refresh_tokens:
                return _error(10011)
        elif (form.get("username"), form.get("password")) != (
            USERNAME,
            hashlib.md5(PASSWORD.encode()).hexdigest(),
        ):
            return _error(10007)
        token, refresh = secrets.token_hex(16), secrets.token_hex(16)
        self.tokens.add(token)
        self.refresh_tokens.add(refresh)
        return web.json_response(
            {"access_token": token, "uid": 1, "refresh_token": refresh, "expires_in": 7776000}
        )

    def _guarded(
        self, handler: Callable[[dict[str, str]], Any]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            self.calls.append(request.path)
            form = await _form(request)
            if self.fail_calls:
                return _error(self.fail_calls.pop(0))
            if form.pop("clientId", None) != CLIENT_ID:
                return _error(10000)
            if form.pop("accessToken", None) not in self.tokens:
                return _error(10004)
            if abs(int(form.pop("date", "0")) - self.now() * 1000) > FIVE_MINUTES:
                return _error(80000)
            try:
                body = handler(form)
            except Refused as refused:
                return _error(refused.code)
            if "/keyboardPwd/" in request.path and self._lock(form).lose_next:
                self._lock(form).lose_next -= 1
                assert request.transport is not None
                request.transport.close()
            return web.json_response(body)

        return answer

    def _lock(self, form: Mapping[str, str]) -> TtLock:
        lock = self.locks.get(int(form["lockId"]))
        if lock is None:
            raise Refused(-1003)
        return lock

    def _list_locks(self, form: dict[str, str]) -> Any:
        return _page(
            form,
            1000,
            [
                {
                    "lockId": lock.lock_id,
                    "lockName": f"S31_{lock.lock_id}",
                    "lockAlias": lock.name,
                    "lockMac": "AA:BB:CC:DD:EE:FF",
                    "electricQuantity": lock.battery,
                    "featureValue": "F44354CD5F3",
                    "hasGateway": int(lock.gateway),
                }
                for lock in (() if self.lists_nothing else self.locks.values())
            ],
        )

    def _list_codes(self, form: dict[str, str]) -> Any:
        return _page(form, 100, list(self._lock(form).codes.values()))

    def _list_records(self, form: dict[str, str]) -> Any:
        since, until = int(form.pop("startDate")), int(form.pop("endDate"))
        lock = self._lock(form)
        return _page(form, 200, [r for r in lock.records if since <= r["lockDate"] <= until])

    def _state(self, form: dict[str, str]) -> Any:
        self._lock(form).check_reach()
        return {"state": 0}

    def _move(self, form: dict[str, str]) -> Any:
        self._lock(form).check_reach()
        return {"errcode": 0, "errmsg": "none error message"}

    def _add(self, form: dict[str, str]) -> Any:
        _only(form, "lockId", "keyboardPwd", "keyboardPwdName", "keyboardPwdType", "startDate",
              "endDate", "addType")  # fmt: skip
        lock = self._lock(form)
        status = self._way(lock, form["addType"])
        lock.check_pin(form["keyboardPwd"])
        if len(lock.codes) >= lock.capacity:
            raise Refused(-3009)
        code_id = secrets.randbelow(10**9)
        kind = int(form.get("keyboardPwdType", "3"))
        if kind not in (2, 3) or (kind == 3 and not (form.get("startDate") and form["endDate"])):
            raise Refused(-3)
        if lock.ignore_next:
            lock.ignore_next -= 1
            return {"keyboardPwdId": code_id}
        lock.codes[code_id] = {
            "keyboardPwdId": code_id,
            "lockId": lock.lock_id,
            "keyboardPwd": form["keyboardPwd"],
            "keyboardPwdName": form.get("keyboardPwdName"),
            "keyboardPwdVersion": 4,
            "keyboardPwdType": kind,
            "startDate": int(form["startDate"]),
            "endDate": int(form["endDate"]),
            "isCustom": 1,
            "status": 4 if status == ASYNCHRONOUS else 1,
        }
        return {"keyboardPwdId": code_id}

    def _change(self, form: dict[str, str]) -> Any:
        _only(form, "lockId", "keyboardPwdId", "keyboardPwdName", "newKeyboardPwd", "startDate",
              "endDate", "changeType")  # fmt: skip
        lock = self._lock(form)
        self._way(lock, form["changeType"])
        code = lock.codes.get(int(form["keyboardPwdId"]))
        if code is None:
            raise Refused(-2009)
        if "newKeyboardPwd" in form:
            lock.check_pin(form["newKeyboardPwd"], but=code["keyboardPwdId"])
        if lock.ignore_next:
            lock.ignore_next -= 1
            return {"errcode": 0}
        code["keyboardPwd"] = form.get("newKeyboardPwd", code["keyboardPwd"])
        code["keyboardPwdName"] = form.get("keyboardPwdName", code["keyboardPwdName"])
        if form.get("startDate") and form.get("endDate"):
            code["startDate"], code["endDate"] = int(form["startDate"]), int(form["endDate"])
            code["keyboardPwdType"] = 3
        return {"errcode": 0}

    def _delete(self, form: dict[str, str]) -> Any:
        _only(form, "lockId", "keyboardPwdId", "deleteType")
        lock = self._lock(form)
        self._way(lock, form["deleteType"])
        if int(form["keyboardPwdId"]) not in lock.codes:
            raise Refused(-2009)
        if lock.ignore_next:
            lock.ignore_next -= 1
        else:
            del lock.codes[int(form["keyboardPwdId"])]
        return {"errcode": 0}

    def _way(self, lock: TtLock, way: str) -> str:
        if way not in (GATEWAY, ASYNCHRONOUS):
            raise Refused(-3)
        if way == GATEWAY and lock.saves_power:
            raise Refused(-3035)
        lock.check_reach()
        return way

    # The world

    async def type_pin(self, lock: TtLock, pin: str) -> bool:
        code = lock.opens(pin)
        now = round(self.now() * 1000)
        record = {
            "recordType": 4,
            "success": int(code is not None),
            "username": None if code is None else code["keyboardPwdName"],
            "keyboardPwd": pin,
            "lockDate": now,
            "serverDate": now,
            "electricQuantity": lock.battery,
        }
        lock.records.append({"recordId": len(lock.records), "lockId": lock.lock_id, **record})
        await self.tell({"notifyType": 1, "lockId": lock.lock_id, "records": json.dumps([record])})
        return code is not None

    async def tell(self, form: dict[str, Any]) -> str | None:
        """A callback; what was answered."""
        if self.callback is None:
            return None
        async with aiohttp.ClientSession() as session:
            data = {name: str(value) for name, value in form.items()}
            async with session.post(self.callback, data=data) as answer:
                return await answer.text()


async def _form(request: web.Request) -> dict[str, str]:
    assert request.content_type == "application/x-www-form-urlencoded"
    return {name: str(value) for name, value in (await request.post()).items()}


def _only(form: Mapping[str, str], *names: str) -> None:
    if not form.keys() <= set(names):
        raise Refused(-3)


def _page(form: Mapping[str, str], most: int, items: list[Any]) -> Any:
    number, size = int(form["pageNo"]), int(form["pageSize"])
    if size > most:
        raise Refused(-3)
    pages = max(1, -(-len(items) // size))
    start = (number - 1) * size
    return {
        "list": items[start : start + size],
        "pageNo": number,
        "pageSize": size,
        "pages": pages,
        "total": len(items),
    }


def _error(code: int) -> web.Response:
    return web.json_response({"errcode": code, "errmsg": "x", "description": "y"})
