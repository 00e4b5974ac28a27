"""/connect_webviews: made, looked at, listed, deleted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.api_house import KEY, ApiHouse, api_house


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house(public_url="https://locks.example") as house:
        yield house


async def made(house: ApiHouse, **wish: Any) -> dict[str, Any]:
    webview: dict[str, Any] = (await house.ok("/connect_webviews/create", **wish))[
        "connect_webview"
    ]
    return webview


async def test_a_new_webview(house: ApiHouse) -> None:
    webview = await made(house)
    assert webview["url"].startswith("https://locks.example/connect_webviews/view?")
    assert (webview["status"], webview["login_successful"]) == ("pending", False)
    assert webview["any_provider_allowed"] is True
    assert {"simulator", "zwave_js"} <= set(webview["accepted_providers"])
    found = await house.ok(
        "/connect_webviews/get", connect_webview_id=webview["connect_webview_id"]
    )
    assert found["connect_webview"] == webview


async def test_the_choice_of_providers(house: ApiHouse) -> None:
    one = await made(house, accepted_providers=["zwave-js"])
    assert (one["accepted_providers"], one["any_provider_allowed"]) == (["zwave_js"], False)
    rest = await made(house, excluded_providers=["simulator"], provider_category="stable")
    assert "simulator" not in rest["accepted_providers"]


@pytest.mark.parametrize(
    ("named", "wish"),
    [
        ("installed are", {"accepted_providers": ["august"]}),
        ("installed are", {"provider_category": "thermostats"}),
        ("custom_redirect_url", {"custom_redirect_url": "/done"}),
        ("custom_redirect_url", {"custom_redirect_url": "javascript:alert(1)"}),
        ("custom_redirect_failure_url", {"custom_redirect_failure_url": "data:text/html,x"}),
        ("custom_metadata", {"custom_metadata": {"a": 1}}),
        ("device_selection_mode", {"device_selection_mode": "all"}),
        ("accepted_capabilities", {"accepted_capabilities": ["flying"]}),
    ],
)
async def test_bad_wishes(house: ApiHouse, named: str, wish: dict[str, Any]) -> None:
    response = await house.post("/connect_webviews/create", **wish)
    assert response.status_code == 400
    assert named in response.text
    assert (await house.ok("/connect_webviews/list"))["connect_webviews"] == []


async def test_lists_and_deletion(house: ApiHouse) -> None:
    first = await made(house, custom_metadata={"house": "7"}, customer_key="ana")
    await made(house)
    assert first["customer_key"] == "ana"

    async def found(**where: Any) -> list[str]:
        listed = (await house.ok("/connect_webviews/list", **where))["connect_webviews"]
        return [webview["connect_webview_id"] for webview in listed]

    webview_id = first["connect_webview_id"]
    assert len(await found()) == 2
    assert await found(custom_metadata_has={"house": "7"}) == [webview_id]
    assert await found(customer_key="ana") == [webview_id]
    page = await house.ok("/connect_webviews/list", limit=1)
    assert page["pagination"]["has_next_page"] is True
    await house.ok("/connect_webviews/delete", connect_webview_id=webview_id)
    gone = await house.post("/connect_webviews/get", connect_webview_id=webview_id)
    assert gone.json()["error"]["type"] == "connect_webview_not_found"
    again = await house.post("/connect_webviews/delete", connect_webview_id=webview_id)
    assert again.status_code == 404


async def test_a_session_makes_webviews_of_its_own(house: ApiHouse) -> None:
    await made(house)
    session = (await house.ok("/client_sessions/create", user_identifier_key="ana"))[
        "client_session"
    ]
    house.act_as(session["token"])
    mine = await made(house)
    listed = (await house.ok("/connect_webviews/list"))["connect_webviews"]
    assert [w["connect_webview_id"] for w in listed] == [mine["connect_webview_id"]]
    house.act_as(KEY)
    by_user = await house.ok("/connect_webviews/list", user_identifier_key="ana")
    assert [w["connect_webview_id"] for w in by_user["connect_webviews"]] == [
        mine["connect_webview_id"]
    ]
