"""A storage with a workspace, an account and locks in it, on a clock that stands still; and
short ways to make what goes in. Written against the interface alone."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar

import msgspec

from latchwork.domain.access_code import AccessCode, CodeStatus, CodeType
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.device import ConnectedAccount, Device, LockCapabilities, Workspace
from latchwork.domain.events import CREATED, NewEvent
from latchwork.domain.ids import uuid7
from latchwork.domain.pin import Pin, Secret
from latchwork.domain.slots import ForeignCode, LedgerEntry
from latchwork.domain.visit import VisitChanges
from latchwork.domain.webhook import Webhook
from latchwork.storage.interface import Duplicate, Lease, Page, Storage
from latchwork.storage.vault import Vault

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=3)
MASTER_KEY = bytes(range(32))

T = TypeVar("T")


class Clock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant

    def go(self, span: timedelta) -> datetime:
        self.instant += span
        return self.instant


class Stored:
    """`open_storage(vault, now, entropy)` opens the same database each time it is called."""

    def __init__(
        self,
        open_storage: Callable[
            [Vault, Callable[[], datetime], Callable[[int], bytes]], Awaitable[Storage]
        ],
    ) -> None:
        self.clock = Clock()
        self.vault = Vault(MASTER_KEY)
        self._random = Random(7)
        self._open = open_storage
        self._numbers = count(1)
        self.storage: Storage

    async def open(self) -> None:
        self.storage = await self._open(self.vault, self.clock.now, self._random.randbytes)

    async def reopen(self) -> None:
        await self.storage.aclose()
        await self.open()

    async def furnish(self) -> None:
        """Workspace `ws`, account `acc`, lock `dev`."""
        await self.workspace("ws")
        await self.account("acc")
        await self.lock("dev")

    def new_id(self) -> str:
        return uuid7(self.clock.now(), self._random.randbytes(10))

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def workspace(self, workspace_id: str) -> None:
        await self.storage.add_workspace(
            Workspace(
                workspace_id=workspace_id,
                name=f"Workspace {workspace_id}",
                is_sandbox=True,
                created_at=self.now,
            )
        )

    async def account(
        self, account_id: str, *, workspace_id: str = "ws", **fields: Any
    ) -> ConnectedAccount:
        account = msgspec.structs.replace(an_account(account_id, workspace_id), **fields)
        return await self.storage.add_account(account, {"url": f"ws://{account_id}"}, {})

    async def lock(self, device_id: str, *, due: bool = False, **fields: Any) -> Device:
        device = a_device(device_id, created_at=self.now, **fields)
        await self.storage.upsert_device(device, [], self.now, due=due)
        return device

    def code(self, pin: str | None = None, **fields: Any) -> AccessCode:
        """A wish with a PIN of its own, ongoing, or time-bound with `ends_at`."""
        bound = fields.get("ends_at") is not None
        return AccessCode(
            **{
                "access_code_id": self.new_id(),
                "workspace_id": "ws",
                "device_id": "dev",
                "connected_account_id": "acc",
                "type": CodeType.TIME_BOUND if bound else CodeType.ONGOING,
                "name": "Guest",
                "pin": Pin(pin or f"{next(self._numbers) + 100_000}"),
                "created_at": self.now,
                "changed_at": self.now,
                "status": CodeStatus.UNSET if bound else CodeStatus.SETTING,
                **fields,
            }
        )

    def attempt(self, code: AccessCode, **fields: Any) -> ActionAttempt:
        return ActionAttempt(
            **{
                "action_attempt_id": self.new_id(),
                "workspace_id": code.workspace_id,
                "action_type": ActionType.CREATE_ACCESS_CODE,
                "created_at": self.now,
                "status": AttemptStatus.SUCCESS,
                "device_id": code.device_id,
                "access_code_id": code.access_code_id,
                "generation": code.generation,
                **fields,
            }
        )

    def command(self, kind: ActionType = ActionType.UNLOCK_DOOR, **fields: Any) -> ActionAttempt:
        """For the engine to carry out on a lock."""
        return ActionAttempt(
            **{
                "action_attempt_id": self.new_id(),
                "workspace_id": "ws",
                "action_type": kind,
                "created_at": self.now,
                "device_id": "dev",
                **fields,
            }
        )

    def event(self, event_type: str = CREATED, **fields: Any) -> NewEvent:
        return NewEvent(event_type=event_type, occurred_at=self.now, **fields)

    async def try_create(
        self, code: AccessCode, due_at: datetime | None = None
    ) -> Duplicate | None:
        event = self.event(device_id=code.device_id, access_code_id=code.access_code_id)
        return await self.storage.create_code(code, self.attempt(code), [event], due_at or self.now)

    async def create(
        self, pin: str | None = None, *, due_at: datetime | None = None, **fields: Any
    ) -> AccessCode:
        code = self.code(pin, **fields)
        assert await self.try_create(code, due_at) is None
        return code

    async def update(
        self, code: AccessCode, *, due_at: datetime | None = None, **fields: Any
    ) -> Duplicate | None:
        """The next generation of `code`, with a pending attempt."""
        changed = msgspec.structs.replace(code, generation=code.generation + 1, **fields)
        deleting = changed.delete_requested_at is not None
        attempt = self.attempt(
            changed,
            action_type=ActionType.DELETE_ACCESS_CODE
            if deleting
            else ActionType.UPDATE_ACCESS_CODE,
            status=AttemptStatus.PENDING,
        )
        return await self.storage.update_code(changed, attempt, [], due_at or self.now)

    async def stored_code(self, code: AccessCode) -> AccessCode | None:
        view = await self.storage.code("ws", access_code_id=code.access_code_id)
        return None if view is None else view.code

    async def claim(self, limit: int = 100, **fields: Any) -> Sequence[Lease]:
        return await self.storage.claim_due(self.now, LEASE, limit, **{"rooms": {}, **fields})

    async def claim_one(self) -> Lease:
        (lease,) = await self.claim()
        return lease

    async def write(self, lease: Lease, **changes: Any) -> Lease:
        return await self.storage.checkpoint(
            lease, VisitChanges(**changes), self.now, self.now + LEASE
        )

    async def release(self, lease: Lease, due_at: datetime | None = None, **changes: Any) -> None:
        await self.storage.release(lease, VisitChanges(**changes), self.now, due_at)

    async def visit(self, **changes: Any) -> None:
        """One whole visit of the only due lock that writes `changes`."""
        await self.release(await self.claim_one(), **changes)

    async def webhook(self, *event_types: str, **fields: Any) -> Webhook:
        webhook = Webhook(
            **{
                "webhook_id": self.new_id(),
                "workspace_id": "ws",
                "url": "https://hooks.example.com/in",
                "event_types": event_types or ("*",),
                "secret": Secret("whsec_c2VjcmV0"),
                "created_at": self.now,
                **fields,
            }
        )
        await self.storage.add_webhook(webhook)
        return webhook


def an_account(account_id: str, workspace_id: str = "ws") -> ConnectedAccount:
    return ConnectedAccount(
        connected_account_id=account_id,
        workspace_id=workspace_id,
        provider="simulator",
        display_name=f"Account {account_id}",
        created_at=NOW,
        connected=True,
    )


def a_device(device_id: str, **fields: Any) -> Device:
    return Device(
        **{
            "device_id": device_id,
            "workspace_id": "ws",
            "connected_account_id": "acc",
            "provider_key": f"key of {device_id}",
            "device_type": "yale_lock",
            "display_name": f"Door {device_id}",
            "manufacturer": "yale",
            "model": "Assure",
            "capabilities": LockCapabilities(positions=5),
            "created_at": NOW,
            **fields,
        }
    )


def an_entry(code: AccessCode, position: int = 1, **fields: Any) -> LedgerEntry:
    return LedgerEntry(
        **{
            "device_id": code.device_id,
            "position": position,
            "access_code_id": code.access_code_id,
            "generation": code.generation,
            "pin": code.pin,
            **fields,
        }
    )


def a_foreign_code(position: int = 9, pin: str | None = "9876", **fields: Any) -> ForeignCode:
    return ForeignCode(
        **{
            "unmanaged_access_code_id": f"foreign-{position}",
            "device_id": "dev",
            "position": position,
            "pin": None if pin is None else Pin(pin),
            "created_at": NOW,
            **fields,
        }
    )


async def all_pages(fetch: Callable[[str | None], Awaitable[Page[T]]]) -> list[T]:
    """Every item of a list, page after page."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await fetch(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
