"""/latchwork/inbound/{token}: what reaches an account's driver, and how it is answered."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from latchwork.domain.errors import NeedsAttention, Rejected, RetryLater, Unsupported
from support.api_house import ApiHouse, api_house


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def deliver(house: ApiHouse, token: str | None = None, body: bytes = b"{}") -> httpx.Response:
    token = house.inbound.token(house.account_id) if token is None else token
    transport = httpx.ASGITransport(app=house.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://latchwork.test") as anybody:
        return await anybody.post(
            f"/latchwork/inbound/{token}", content=body, headers={"X-Signature": "abc"}
        )


async def test_a_delivery_needs_no_key_and_reaches_its_account(house: ApiHouse) -> None:
    answer = await deliver(house, body=b'{"event_type": "device.online"}')
    assert (answer.status_code, answer.text) == (200, "success")
    [(account_id, headers, body)] = house.delivered
    assert account_id == house.account_id
    assert headers["x-signature"] == "abc"
    assert body == b'{"event_type": "device.online"}'


async def test_the_address_is_told_to_the_workspaces_own_keys(house: ApiHouse) -> None:
    told = await house.ok(
        "/latchwork/connected_accounts/inbound_url", connected_account_id=house.account_id
    )
    prefix = "https://locks.example.com/latchwork/inbound/"
    assert told["inbound_url"] == prefix + house.inbound.token(house.account_id)
    await house.furnish_other()
    refused = await house.client.post(
        "/latchwork/connected_accounts/inbound_url",
        json={"connected_account_id": house.account_id},
    )
    assert refused.status_code == 404


@pytest.mark.parametrize("end", ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAA", "é"])
async def test_a_wrong_token_is_nothing(house: ApiHouse, end: str) -> None:
    right = house.inbound.token(house.account_id)
    answer = await deliver(house, f"{house.account_id}.{end}")
    assert answer.status_code == 404
    assert right not in answer.text
    assert not house.delivered


async def test_the_token_of_one_account_does_not_open_another(house: ApiHouse) -> None:
    mac = house.inbound.token(house.account_id).rpartition(".")[2]
    assert (await deliver(house, f"{house.new_id()}.{mac}")).status_code == 404


async def test_a_large_body_is_not_read_to_its_end(house: ApiHouse) -> None:
    answer = await deliver(house, body=b" " * (256 * 1024 + 1))
    assert answer.status_code == 413
    assert not house.delivered


async def test_only_post(house: ApiHouse) -> None:
    token = house.inbound.token(house.account_id)
    answer = await house.client.get(f"/latchwork/inbound/{token}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Rejected("signature", "Not signed."), 401),
        (Rejected("body", "No event."), 400),
        (Unsupported("Nothing is delivered here."), 404),
        (RetryLater("Not connected.", timedelta(seconds=30)), 503),
        (NeedsAttention("The lock is gone."), 503),
    ],
)
async def test_what_a_driver_raises_is_an_answer(
    house: ApiHouse, error: Exception, status: int
) -> None:
    house.refuse_delivery = error
    answer = await deliver(house)
    assert answer.status_code == status
    if isinstance(error, RetryLater):
        assert answer.headers["retry-after"] == "30"
