"""Who comes into the console, who does not, and what another site can do: nothing."""

from datetime import timedelta

import pytest

from latchwork.console.sessions import ATTEMPTS, COOKIE, new_link
from latchwork.domain.console_session import LINK_LASTS, SESSION_LASTS
from support.api_house import KEY
from support.browser import OWN, Browser, browser, found


async def actions(browser: Browser) -> list[tuple[str, str, str]]:
    entries = await browser.house.storage.audit_entries(
        browser.house.workspace_id, limit=100, before=None
    )
    return [(entry.action, entry.actor_kind, entry.via) for entry in entries]


async def test_a_key_opens_the_console_and_stays_out_of_the_cookie(outside: Browser) -> None:
    assert (await outside.client.get("/console")).headers["location"] == "/console/sign-in"
    response = await outside.sign_in()
    assert (response.status_code, response.headers["location"]) == (303, "/console")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/console" in cookie
    assert KEY not in cookie
    assert "Test" in await outside.get()
    assert await actions(outside) == [("sign_in", "api_key", "console")]


@pytest.mark.parametrize("key", ["", "seam_nobodys", KEY + "x"])
async def test_a_wrong_key_is_told_and_opens_nothing(outside: Browser, key: str) -> None:
    response = await outside.sign_in(key)
    assert response.status_code == 422
    assert "not an API key of this server" in response.text
    assert "set-cookie" not in response.headers
    assert key not in response.text or not key
    assert await actions(outside) == []


async def test_wrong_keys_are_slowed_down(outside: Browser) -> None:
    for _ in range(ATTEMPTS):
        assert (await outside.sign_in("seam_wrong")).status_code == 422
    assert (await outside.sign_in()).status_code == 429
    outside.house.now += timedelta(minutes=1)
    assert (await outside.sign_in()).status_code == 303


async def test_a_proxy_may_ask_by_another_name() -> None:
    async with browser(public_url="https://locks.example.com") as made:
        sent = {"sec-fetch-site": "same-origin", "origin": "https://locks.example.com"}
        answer = await made.client.post("/console/sign-in", data={"key": KEY}, headers=sent)
        assert answer.status_code == 303
        other = {**sent, "origin": "https://other.example.com"}
        answer = await made.client.post("/console/sign-in", data={"key": KEY}, headers=other)
        assert answer.status_code == 403


async def test_a_link_opens_the_console_once(outside: Browser) -> None:
    house = outside.house
    path = await new_link(house.storage, house.workspace_id, house.now, LINK_LASTS)
    page = await outside.client.get(path)
    page = await outside.client.get(path)  # Looking at it, as previews do, takes nothing away.
    link = found(r'name="link" value="([^"]+)"', page.text)
    enter = {"link": link}
    first = await outside.client.post("/console/enter", data=enter, headers=OWN)
    assert first.status_code == 303
    assert "Test" in await outside.get()
    assert await actions(outside) == [("sign_in", "console_link", "console")]
    again = await outside.client.post("/console/enter", data=enter, headers=OWN)
    assert again.status_code == 422
    assert "used already, or has expired" in again.text


async def test_a_link_runs_out(outside: Browser) -> None:
    house = outside.house
    path = await new_link(house.storage, house.workspace_id, house.now, LINK_LASTS)
    house.now += LINK_LASTS
    link = {"link": path.partition("=")[2]}
    response = await outside.client.post("/console/enter", data=link, headers=OWN)
    assert response.status_code == 422


async def test_a_session_ends_by_signing_out_by_time_and_with_its_key(inside: Browser) -> None:
    token = inside.client.cookies[COOKIE]
    response = await inside.post("/sign-out")
    assert response.headers["location"] == "/console/sign-in"
    inside.client.cookies.set(COOKIE, token, domain="latchwork.test", path="/console")
    assert (await inside.client.get("/console")).status_code == 303

    await inside.sign_in()
    assert await inside.get()
    [key] = await inside.house.storage.api_keys()
    await inside.house.storage.revoke_api_key(key.api_key_id, inside.house.now)
    assert (await inside.client.get("/console")).status_code == 303


async def test_a_session_runs_out(inside: Browser) -> None:
    inside.house.now += SESSION_LASTS
    response = await inside.client.get("/console", headers={"hx-request": "true"})
    assert response.status_code == 401
    assert response.headers["hx-redirect"] == "/console/sign-in"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "", "origin": ""},
    ],
)
async def test_what_another_site_sends_does_nothing(
    inside: Browser, headers: dict[str, str]
) -> None:
    data = {"form_token": await inside.token()}
    response = await inside.client.post("/console/sign-out", data=data, headers=headers)
    assert response.status_code == 403
    assert await inside.get()
    signing_in = await inside.client.post("/console/sign-in", data={"key": KEY}, headers=headers)
    assert signing_in.status_code == 403


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_a_form_without_the_sessions_token_does_nothing(inside: Browser, token: str) -> None:
    sent = {"form_token": token}
    response = await inside.client.post("/console/sign-out", data=sent, headers=OWN)
    assert response.status_code == 403
    assert await inside.get()


async def test_a_link_from_another_site_leads_in_by_way_of_our_own(outside: Browser) -> None:
    """The cookie is not sent with it, but with the next request, which is ours."""
    cross = {"sec-fetch-site": "cross-site"}
    response = await outside.client.get("/console", headers=cross)
    assert response.status_code == 200
    assert 'http-equiv="refresh"' in response.text


async def test_pages_carry_their_headers(inside: Browser) -> None:
    response = await inside.client.get("/console")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["cache-control"] == "no-store"
    for path in {found(r'(/console/assets/console\.css[^"]*)', response.text)}:
        asset = await inside.client.get(path)
        assert "immutable" in asset.headers["cache-control"]
    assert (await inside.client.get("/console/assets/../app.py")).status_code in {303, 404}
    assert (await inside.client.delete("/console")).status_code == 405
    await inside.get("/nowhere", status=404)
