"""One wish, however often it is sent: one code, and one write to the lock."""

import asyncio
from typing import Any

import httpx

from latchwork.api.app import create_app
from latchwork.api.endpoint import ApiDeps
from latchwork.domain.pin import Secret
from latchwork.drivers import registry
from latchwork.drivers.simulator.driver import factory as simulator
from latchwork.storage.interface import ApiKey, CodeFilter
from support.delivery import on_virtual_time
from support.world import SECOND, World

KEY = "seam_test9world_aVery9Long2Key7Nobody4Guesses"


def _client(world: World) -> httpx.AsyncClient:
    deps = ApiDeps(
        storage=world.storage,
        now=world.clock.now,
        sleep=asyncio.sleep,
        entropy=world.rng.randbytes,
        randbelow=world.rng.randrange,
        check_url=lambda url: None,
        new_webhook_secret=lambda: Secret("whsec_x"),
        check_settings=lambda name, values: registry.check_settings(
            {"simulator": simulator}, name, values
        ),
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=create_app(deps)),
        base_url="http://latchwork.test",
        headers={"authorization": f"Bearer {KEY}", "idempotency-key": "stay-7"},
    )


@on_virtual_time
async def test_fifty_equal_wishes_write_to_the_lock_once() -> None:
    async with World() as world, _client(world) as client:
        key = ApiKey(
            api_key_id=world.new_id(),
            workspace_id=world.workspace_id,
            name="k",
            hint="sses",
            created_at=world.clock.now(),
        )
        await world.storage.add_api_key(key, Secret(KEY))
        [device] = await world.storage.devices_of_account(world.account.connected_account_id)
        wish = {"device_id": device.device_id, "code": "4711"}

        async def send() -> dict[str, Any]:
            while True:
                response = await client.post("/access_codes/create", json=wish)
                if response.status_code == 200:
                    answer: dict[str, Any] = response.json()
                    return answer
                assert response.json()["error"]["type"] == "idempotency_key_in_use"
                await asyncio.sleep(1)

        answers = await asyncio.gather(*(send() for _ in range(50)))
        assert len({answer["access_code"]["access_code_id"] for answer in answers}) == 1
        await world.wait(30 * SECOND)
        page = await world.storage.codes(world.workspace_id, CodeFilter(), limit=100, cursor=None)
        assert [view.code.status for view in page.items] == ["set"]
        assert world.lock().radio.write == 1
        assert world.keypad("4711")
