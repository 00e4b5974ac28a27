"""The API over a real SQLite database in memory, without an engine: what a wish stores."""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from latchwork.api.app import create_app
from latchwork.api.endpoint import ApiDeps
from latchwork.domain.device import (
    CodeConstraint,
    ConnectedAccount,
    Device,
    LockCapabilities,
    Workspace,
)
from latchwork.domain.ids import uuid7
from latchwork.domain.inbound_address import InboundAddresses
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings
from latchwork.drivers import registry
from latchwork.drivers.simulator.driver import factory as simulator
from latchwork.storage.interface import ApiKey
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault
from latchwork.webhooks.guard import AddressGuard
from latchwork.webhooks.signing import new_secret
from latchwork.webhooks.url import check_url
from support.answers import assert_described

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
KEY = "seam_test9house_aVery9Long2Key7Nobody4Guesses"


class ApiHouse:
    """Storage, the app on it, one workspace with locks, and a clock that stands still."""

    def __init__(self, storage: SqliteStorage, **deps: Any) -> None:
        self.storage = storage
        self.now = NOW
        self.workspace_id = ""
        self.account_id = ""
        self.inbound = InboundAddresses(Vault(bytes(32)).inbound_mac, "https://locks.example.com")
        self.delivered: list[tuple[str, dict[str, str], bytes]] = []
        self.refuse_delivery: Exception | None = None
        guard = AddressGuard()
        console = deps.pop("console", None)
        self.app = create_app(
            ApiDeps(
                storage=storage,
                now=lambda: self.now,
                sleep=self._sleep,
                entropy=os.urandom,
                randbelow=secrets.randbelow,
                check_url=lambda url: check_url(url, guard),
                new_webhook_secret=lambda: new_secret(os.urandom(32)),
                check_settings=self._check_settings,
                inbound=self.inbound,
                deliver=self._deliver,
                **{"providers": registry.providers(registry.load()), **deps},
            ),
            console,
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://latchwork.test",
            headers={"authorization": f"Bearer {KEY}"},
            event_hooks={"response": [assert_described]},
        )

    async def _deliver(self, account_id: str, headers: Mapping[str, str], body: bytes) -> None:
        if self.refuse_delivery is not None:
            raise self.refuse_delivery
        self.delivered.append((account_id, dict(headers), body))

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _check_settings(self, provider: str, settings: dict[str, Any]) -> CheckedSettings:
        return registry.check_settings({"simulator": simulator}, provider, settings)

    def new_id(self) -> str:
        return uuid7(self.now, os.urandom(10))

    async def furnish(self) -> None:
        self.workspace_id, self.account_id = self.new_id(), self.new_id()
        await self.storage.add_workspace(
            Workspace(workspace_id=self.workspace_id, name="Test", is_sandbox=True, created_at=NOW)
        )
        key = ApiKey(
            api_key_id=self.new_id(),
            workspace_id=self.workspace_id,
            name="test",
            hint=KEY[-4:],
            created_at=NOW,
        )
        await self.storage.add_api_key(key, Secret(KEY))
        account = ConnectedAccount(
            connected_account_id=self.account_id,
            workspace_id=self.workspace_id,
            provider="simulator",
            display_name="Simulator",
            created_at=NOW,
        )
        await self.storage.add_account(account, {"locks": "demo"}, {})
        connected = await self.storage.account(self.workspace_id, self.account_id)
        assert connected is not None
        await self.storage.set_account_state(
            ConnectedAccount(
                connected_account_id=self.account_id,
                workspace_id=self.workspace_id,
                provider="simulator",
                display_name="Simulator",
                created_at=NOW,
                connected=True,
            ),
            [],
            NOW,
        )

    async def furnish_other(self) -> None:
        """A second workspace; the client carries its key from now on."""
        workspace_id = self.new_id()
        await self.storage.add_workspace(
            Workspace(workspace_id=workspace_id, name="Other", is_sandbox=True, created_at=NOW)
        )
        key = ApiKey(
            api_key_id=self.new_id(),
            workspace_id=workspace_id,
            name="other",
            hint="ther",
            created_at=NOW,
        )
        await self.storage.add_api_key(key, Secret(KEY + "other"))
        self.act_as(f"{KEY}other")

    def act_as(self, credential: str) -> None:
        """The client carries this credential from now on."""
        self.client.headers["authorization"] = f"Bearer {credential}"

    async def add_account(self, count: int) -> str:
        """A further account, of `count` simulated locks, connected; its id."""
        account = ConnectedAccount(
            connected_account_id=self.new_id(),
            workspace_id=self.workspace_id,
            provider="simulator",
            display_name="Another",
            created_at=self.now,
            connected=True,
        )
        await self.storage.add_account(account, {"count": count}, {})
        return account.connected_account_id

    async def add_lock(self, *constraints: str | CodeConstraint, **fields: Any) -> str:
        """A lock with these constraints; its device_id."""
        capabilities = LockCapabilities(
            constraints=tuple(CodeConstraint(c) if isinstance(c, str) else c for c in constraints),
            **fields.pop("capabilities", {}),
        )
        device = Device(
            **{
                "device_id": self.new_id(),
                "workspace_id": self.workspace_id,
                "connected_account_id": self.account_id,
                "provider_key": secrets.token_hex(4),
                "device_type": "yale_lock",
                "display_name": "Front Door",
                "manufacturer": "yale",
                "model": "Assure",
                "capabilities": capabilities,
                "created_at": self.now,
                "locked": True,
                "battery_level": 0.8,
                **fields,
            }
        )
        await self.storage.upsert_device(device, [], self.now, due=False)
        return device.device_id

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(path, json=body)

    async def ok(self, path: str, **body: Any) -> dict[str, Any]:
        response = await self.post(path, **body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def contents(self) -> tuple[int, int]:
        """How many codes and events are stored: to see that refused input leaves nothing."""
        codes = await self.ok("/access_codes/list", limit=1000)
        events = await self.ok("/events/list", limit=1000)
        return len(codes["access_codes"]), len(events["events"])


@asynccontextmanager
async def api_house(**deps: Any) -> AsyncIterator[ApiHouse]:
    storage = await SqliteStorage.open(
        ":memory:",
        Vault(b"\x07" * 32),
        clock_now=lambda: house.now,
        entropy=os.urandom,
        inline=True,
    )
    house = ApiHouse(storage, **deps)
    await house.furnish()
    try:
        yield house
    finally:
        await house.client.aclose()
        await storage.aclose()
