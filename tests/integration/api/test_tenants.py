"""What one workspace holds does not exist for another."""

from collections.abc import AsyncIterator

import pytest

from latchwork.api.app import ENDPOINTS
from support.api_house import KEY, ApiHouse, api_house
from support.foreign import NOBODY, assert_answered_as_nobodys, assert_not_shown, one_of_each

PATHS = frozenset(endpoint.path for endpoint in ENDPOINTS) - {"/workspaces/get"}


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def test_a_foreign_id_is_answered_as_nobodys_on_every_route(house: ApiHouse) -> None:
    foreign = await one_of_each(house)
    await house.furnish_other()
    assert await assert_answered_as_nobodys(house, foreign, PATHS) >= 50
    for wanted in foreign.values():
        found = await house.ok("/workspaces/find_anything", search=wanted)
        assert found == await house.ok("/workspaces/find_anything", search=NOBODY)
    house.act_as(KEY)
    for name, path in (
        ("access_code_id", "/access_codes/get"),
        ("device_id", "/devices/get"),
        ("webhook_id", "/webhooks/get"),
        ("client_session_id", "/client_sessions/get"),
        ("connect_webview_id", "/connect_webviews/get"),
        ("connected_account_id", "/connected_accounts/get"),
    ):
        await house.ok(path, **{name: foreign[name]})


async def test_no_list_shows_what_is_foreign(house: ApiHouse) -> None:
    foreign = await one_of_each(house)
    await house.furnish_other()
    await assert_not_shown(house, foreign, PATHS)
