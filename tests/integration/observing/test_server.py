"""The way in: /metrics, /ready, and requests told by path."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from latchwork.api.app import ENDPOINTS
from latchwork.domain.pin import Secret
from latchwork.observing.metrics import Metrics
from latchwork.observing.server import Watch, WatchedApp
from latchwork.serving import Drain
from latchwork.storage.interface import StorageUnavailable
from support.api_house import KEY, ApiHouse, api_house


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as made:
        yield made


class Gone:
    """A database that does not answer."""

    async def healthy(self) -> None:
        raise StorageUnavailable("gone")

    async def backlog(self, _now: Any) -> Any:
        raise StorageUnavailable("gone")


def client(house: ApiHouse, metrics: Metrics | None, **watch: Any) -> httpx.AsyncClient:
    values: dict[str, Any] = {
        "storage": house.storage,
        "now": lambda: house.now,
        "metrics": metrics,
        "token": None,
        "tracing": None,
        "paths": [endpoint.path for endpoint in ENDPOINTS],
        "draining": lambda: False,
        **watch,
    }
    transport = httpx.ASGITransport(app=WatchedApp(house.app, Watch(**values)))
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


async def test_requests_are_told_by_path_and_class_of_status(house: ApiHouse) -> None:
    metrics = Metrics()
    async with client(house, metrics) as http:
        await http.post("/devices/list", json={})
        await http.post("/devices/get", json={"device_id": "none"})
        await http.get("/no/such/path/73917391")
        text = (await http.get("/metrics")).text
    count = "latchwork_api_request_seconds_count"
    told = metrics.registry.get_sample_value
    assert told(count, {"path": "/devices/list", "status": "2xx"}) == 1
    assert told(count, {"path": "/devices/get", "status": "4xx"}) == 1
    assert told(count, {"path": "other", "status": "4xx"}) == 1
    assert "73917391" not in text


async def test_what_waits_is_counted_when_asked(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock, code="4711")
    metrics = Metrics()
    async with client(house, metrics) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'latchwork_queue_depth{queue="visits"} 1.0' in answer.text
    assert 'latchwork_queue_depth{queue="webhooks"} 0.0' in answer.text


async def test_metrics_can_ask_for_a_token_or_be_switched_off(house: ApiHouse) -> None:
    token = "t" * 20
    async with client(house, Metrics(), token=Secret(token)) as http:
        assert (await http.get("/metrics")).status_code == 401
        right = {"authorization": f"Bearer {token}"}
        assert (await http.get("/metrics", headers=right)).status_code == 200
    async with client(house, None) as http:
        assert (await http.get("/metrics")).status_code == 404


async def test_it_is_ready_until_it_drains_or_the_database_is_gone(house: ApiHouse) -> None:
    drain = Drain()
    async with client(house, Metrics(), draining=lambda: drain.begun) as http:
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()) == (200, {"ok": True, "status": "ready"})
        stopped: list[bool] = []
        drain.begin(lambda: stopped.append(True))
        assert stopped == [True]
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
    metrics = Metrics()
    async with client(house, metrics, storage=Gone()) as http:
        answer = await http.get("/ready")
        assert answer.status_code == 503
        assert "database" in answer.json()["status"]
        answer = await http.get("/metrics")
        assert answer.status_code == 200
        assert "latchwork_queue_depth{" not in answer.text
