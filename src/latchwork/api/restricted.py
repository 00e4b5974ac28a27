"""Storage as a client session sees it: its accounts, and what belongs to them.

What is not named here cannot be reached by a session at all: a new query has to be let in on
purpose, with its own restriction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec

from latchwork.api.endpoint import Caller
from latchwork.api.errors import ApiError
from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.commands import Command
from latchwork.domain.connect_webview import ConnectWebview
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.events import Event, NewEvent
from latchwork.domain.pin import Pin
from latchwork.storage.access import WebviewFilter
from latchwork.storage.interface import (
    CodeFilter,
    CodeView,
    DeviceChange,
    DeviceFilter,
    DeviceView,
    Duplicate,
    EventFilter,
    Page,
    Storage,
    UnmanagedFilter,
    UnmanagedView,
)


def reachable(storage: Storage, caller: Caller) -> Storage:
    """`storage`; for a client session with nothing in it but what its accounts and webviews
    bring."""
    if caller.session is None or caller.workspace is None:
        return storage
    return cast(
        "Storage",
        _Restricted(
            storage,
            caller.workspace.workspace_id,
            caller.account_ids or (),
            caller.session.connect_webview_ids,
        ),
    )


class _Restricted:
    def __init__(
        self,
        storage: Storage,
        workspace_id: str,
        account_ids: Sequence[str],
        webview_ids: Sequence[str],
    ) -> None:
        self._storage = storage
        self._workspace_id = workspace_id
        self._accounts = tuple(account_ids)
        self._webviews = tuple(webview_ids)

    def __getattr__(self, name: str) -> Any:
        raise ApiError(403, "forbidden", "A client session may not do this.")

    def _narrowed(self, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
        if wanted is None:
            return self._accounts
        return tuple(account_id for account_id in wanted if account_id in self._accounts)

    async def _has_device(self, device_id: str | None) -> bool:
        return (
            device_id is not None
            and await self.device(self._workspace_id, device_id=device_id, is_managed=None)
            is not None
        )

    async def account(self, workspace_id: str, account_id: str) -> ConnectedAccount | None:
        if account_id not in self._accounts:
            return None
        return await self._storage.account(workspace_id, account_id)

    async def device(
        self,
        workspace_id: str,
        *,
        device_id: str | None = None,
        name: str | None = None,
        is_managed: bool | None = True,
    ) -> DeviceView | None:
        if device_id is None and name is not None:
            return await self._device_named(workspace_id, name, is_managed=is_managed)
        view = await self._storage.device(
            workspace_id, device_id=device_id, name=name, is_managed=is_managed
        )
        if view is None or view.device.connected_account_id not in self._accounts:
            return None
        return view

    async def _device_named(
        self, workspace_id: str, name: str, *, is_managed: bool | None
    ) -> DeviceView | None:
        """The oldest of this name that is in reach, whatever others of the name there are."""
        where, cursor = DeviceFilter(search=name, is_managed=is_managed), None
        found: list[DeviceView] = []
        while True:
            page = await self.devices(workspace_id, where, limit=1000, cursor=cursor)
            found += [v for v in page.items if name in (v.device.nickname, v.device.display_name)]
            cursor = page.next_cursor
            if cursor is None:
                return found[-1] if found else None

    async def devices(
        self, workspace_id: str, where: DeviceFilter, *, limit: int, cursor: str | None
    ) -> Page[DeviceView]:
        narrowed = msgspec.structs.replace(
            where, connected_account_ids=self._narrowed(where.connected_account_ids)
        )
        return await self._storage.devices(workspace_id, narrowed, limit=limit, cursor=cursor)

    async def code(
        self,
        workspace_id: str,
        *,
        access_code_id: str | None = None,
        device_id: str | None = None,
        pin: Pin | None = None,
    ) -> CodeView | None:
        view = await self._storage.code(
            workspace_id, access_code_id=access_code_id, device_id=device_id, pin=pin
        )
        if view is None or view.code.connected_account_id not in self._accounts:
            return None
        return view

    async def codes(
        self, workspace_id: str, where: CodeFilter, *, limit: int, cursor: str | None
    ) -> Page[CodeView]:
        narrowed = msgspec.structs.replace(
            where, connected_account_ids=self._narrowed(where.connected_account_ids)
        )
        return await self._storage.codes(workspace_id, narrowed, limit=limit, cursor=cursor)

    async def pins_on(self, device_id: str) -> Sequence[Pin]:
        return await self._storage.pins_on(device_id) if await self._has_device(device_id) else ()

    async def create_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        self._check(code)
        return await self._storage.create_code(code, attempt, events, due_at)

    async def update_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        self._check(code)
        return await self._storage.update_code(code, attempt, events, due_at)

    async def unmanaged_code(
        self,
        workspace_id: str,
        *,
        access_code_id: str | None = None,
        device_id: str | None = None,
        pin: Pin | None = None,
    ) -> UnmanagedView | None:
        view = await self._storage.unmanaged_code(
            workspace_id, access_code_id=access_code_id, device_id=device_id, pin=pin
        )
        if view is None or view.account.connected_account_id not in self._accounts:
            return None
        return view

    async def unmanaged_codes(
        self, workspace_id: str, where: UnmanagedFilter, *, limit: int, cursor: str | None
    ) -> Page[UnmanagedView]:
        narrowed = msgspec.structs.replace(
            where, connected_account_ids=self._narrowed(where.connected_account_ids)
        )
        return await self._storage.unmanaged_codes(
            workspace_id, narrowed, limit=limit, cursor=cursor
        )

    async def change_device(
        self, device_id: str, change: DeviceChange, now: datetime
    ) -> Device | None:
        if not await self._has_device(device_id):
            return None
        return await self._storage.change_device(device_id, change, now)

    async def create_codes(self, commands: Sequence[Command]) -> Sequence[Duplicate | None]:
        for command in commands:
            self._check(command.code)
        return await self._storage.create_codes(commands)

    async def update_codes(self, commands: Sequence[Command]) -> Sequence[Duplicate | None]:
        for command in commands:
            self._check(command.code)
        return await self._storage.update_codes(commands)

    def _check(self, code: AccessCode) -> None:
        if code.connected_account_id not in self._accounts:
            raise ApiError(403, "forbidden", "A client session may not do this.")

    async def add_attempt(self, attempt: ActionAttempt) -> None:
        if not await self._has_device(attempt.device_id):
            raise ApiError(403, "forbidden", "A client session may not do this.")
        await self._storage.add_attempt(attempt)

    async def attempt(self, workspace_id: str, attempt_id: str) -> ActionAttempt | None:
        found = await self._storage.attempt(workspace_id, attempt_id)
        if found is None or not await self._has_device(found.device_id):
            return None
        return found

    async def event(
        self,
        workspace_id: str,
        *,
        event_id: str | None = None,
        event_type: str | None = None,
        device_id: str | None = None,
    ) -> Event | None:
        if event_id is not None:
            found = await self._storage.event(workspace_id, event_id=event_id)
            if found is None or found.connected_account_id not in self._accounts:
                return None
            return found
        where = EventFilter(
            event_types=None if event_type is None else (event_type,),
            device_ids=None if device_id is None else (device_id,),
        )
        page = await self.events(workspace_id, where, limit=1, cursor=None)
        return page.items[0] if page.items else None

    async def events(
        self, workspace_id: str, where: EventFilter, *, limit: int, cursor: str | None
    ) -> Page[Event]:
        wanted = where.connected_account_id
        narrowed = msgspec.structs.replace(
            where,
            connected_account_id=None,
            connected_account_ids=self._narrowed(None if wanted is None else (wanted,)),
        )
        return await self._storage.events(workspace_id, narrowed, limit=limit, cursor=cursor)

    async def add_webview(self, webview: ConnectWebview) -> None:
        await self._storage.add_webview(webview)

    async def webview(self, workspace_id: str, webview_id: str) -> ConnectWebview | None:
        if webview_id not in self._webviews:
            return None
        return await self._storage.webview(workspace_id, webview_id)

    async def webviews(
        self, workspace_id: str, where: WebviewFilter, *, limit: int, cursor: str | None
    ) -> Page[ConnectWebview]:
        wanted = self._webviews if where.ids is None else where.ids
        narrowed = msgspec.structs.replace(
            where, ids=tuple(w for w in wanted if w in self._webviews)
        )
        return await self._storage.webviews(workspace_id, narrowed, limit=limit, cursor=cursor)

    async def count_devices(self, account_ids: Sequence[str]) -> int:
        return await self._storage.count_devices(self._narrowed(tuple(account_ids)))
