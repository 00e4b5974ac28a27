"""The page behind a connect webview's link, over HTTP, as a browser without JavaScript sees it."""

import html
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings, FieldKind, SettingField
from latchwork.drivers import registry
from latchwork.drivers.protocol import Driver, DriverContext
from latchwork.drivers.simulator.driver import factory as simulator
from latchwork.pages.connect import ATTEMPTS, ConnectDeps, ConnectPages
from support.api_house import ApiHouse, api_house

CANARY = "hunter2-canary"


class _Cloud:
    """A provider with a user name, a secret and a number."""

    provider_display_name = "Some <Cloud>"
    setting_fields = (
        SettingField(name="user", label="User name", help="As you sign in."),
        SettingField(name="token", label="Token", kind=FieldKind.SECRET),
        SettingField(
            name="port", label="Port", kind=FieldKind.NUMBER, required=False, default="443"
        ),
    )

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return settings

    def __call__(self, context: DriverContext) -> Driver:
        raise AssertionError("the trial is the test's")


FACTORIES = {"simulator": simulator, "cloud": _Cloud()}


class Front:
    """The API house with the page, and what the provider answers."""

    def __init__(self) -> None:
        self.house: ApiHouse
        self.error: Exception | None = None
        self.tried: list[CheckedSettings] = []

    async def try_connection(self, checked: CheckedSettings) -> None:
        self.tried.append(checked)
        if self.error is not None:
            raise self.error

    async def open(self, **wish: Any) -> str:
        made = await self.house.ok("/connect_webviews/create", **wish)
        url = urlsplit(made["connect_webview"]["url"])
        return f"{url.path}?{url.query}"

    async def webview(self, link: str) -> dict[str, Any]:
        webview_id = parse_qs(urlsplit(link).query)["connect_webview_id"][0]
        found = await self.house.ok("/connect_webviews/get", connect_webview_id=webview_id)
        shown: dict[str, Any] = found["connect_webview"]
        return shown

    async def get(self, link: str) -> httpx.Response:
        return await self.house.client.get(link)

    async def submit(self, page: httpx.Response, **typed: str) -> httpx.Response:
        """Fills the form of a page in and sends it, as a browser would."""
        action = html.unescape(_found(r'<form method="post" action="([^"]+)"', page.text))
        fields = {
            "form_token": _found(r'name="form_token" value="([^"]+)"', page.text),
            **{f"setting.{name}": value for name, value in typed.items()},
        }
        return await self.house.client.post(action, data=fields)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} not in {text}"
    return match[1]


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    front = Front()

    async def page(request: Any) -> Any:
        return await pages.answer(request)

    providers = registry.providers(FACTORIES)
    async with api_house(page=page, providers=providers) as house:
        front.house = house
        pages = ConnectPages(
            ConnectDeps(
                storage=house.storage,
                now=lambda: house.now,
                sleep=house._sleep,
                new_id=house.new_id,
                providers=providers,
                check_settings=lambda name, values: registry.check_settings(
                    FACTORIES, name, values
                ),
                try_connection=front.try_connection,
            )
        )
        yield front


async def test_choosing_a_provider_and_connecting(front: Front) -> None:
    link = await front.open(custom_metadata={"house": "7"}, automatically_manage_new_devices=False)
    choice = await front.get(link)
    assert choice.status_code == 200
    assert "Some &lt;Cloud&gt;" in choice.text
    target = _found(r'href="([^"]*provider=cloud)"', choice.text)
    form = await front.get(html.unescape(target))
    assert "User name" in form.text
    assert 'type="password"' in form.text
    done = await front.submit(form, user="ana", token=CANARY, port="8443")
    assert done.status_code == 303
    shown = await front.get(done.headers["location"])
    assert "Connected" in shown.text
    [checked] = front.tried
    assert checked.settings == {"user": "ana", "port": 8443}
    assert checked.secrets == {"token": Secret(CANARY)}
    webview = await front.webview(link)
    assert (webview["status"], webview["login_successful"]) == ("authorized", True)
    assert webview["selected_provider"] == "cloud"
    account_id = webview["connected_account_id"]
    account = (await front.house.ok("/connected_accounts/get", connected_account_id=account_id))[
        "connected_account"
    ]
    assert account["custom_metadata"] == {"house": "7"}
    stored = await front.house.storage.account(front.house.workspace_id, account_id)
    assert stored is not None
    assert stored.automatically_manage_new_devices is False
    events = (await front.house.ok("/events/list", connected_account_id=account_id))["events"]
    assert {event["event_type"] for event in events} == {
        "connected_account.created",
        "connected_account.successful_login",
        "connect_webview.login_succeeded",
    }


async def test_the_page_is_for_frames_without_cookies_or_inline_scripts(front: Front) -> None:
    page = await front.get(await front.open(custom_redirect_url="https://shop.example:8443/x"))
    form = await front.get(await front.open(accepted_providers=["cloud"]))
    for response in (page, form):
        policy = response.headers["content-security-policy"]
        assert "frame-ancestors *" in policy
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert "x-frame-options" not in response.headers
        assert "set-cookie" not in response.headers
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", response.text)
        for reference in re.findall(r'(?:src|href)="(/connect_webviews/assets/[^"]+)"', page.text):
            assert (await front.get(reference)).status_code == 200
    answer = await front.house.client.post("/devices/list", json={})
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NeedsAttention("The password is wrong."), "The password is wrong."),
        (RetryLater("It did not answer within 20 seconds."), "did not answer"),
        (RuntimeError(f"defect with {CANARY}"), "Something went wrong on our side."),
    ],
)
async def test_a_failure_is_told_and_can_be_mended(
    front: Front, error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    link = await front.open(accepted_providers=["cloud"])
    front.error = error
    failed = await front.submit(await front.get(link), user="ana", token=CANARY, port="1")
    assert failed.status_code == 422
    assert 'role="alert"' in failed.text
    assert said in failed.text
    assert 'value="ana"' in failed.text
    assert CANARY not in failed.text
    webview = await front.webview(link)
    assert (webview["status"], webview["connected_account_id"]) == ("failed", None)
    accounts = (await front.house.ok("/connected_accounts/list"))["connected_accounts"]
    assert len(accounts) == 1
    [told] = (await front.house.ok("/events/list", event_type="connect_webview.login_failed"))[
        "events"
    ]
    assert told["connect_webview_id"] == webview["connect_webview_id"]
    assert CANARY not in capsys.readouterr().out
    front.error = None
    done = await front.submit(failed, user="ana", token=CANARY)
    assert done.status_code == 303
    assert (await front.webview(link))["login_successful"] is True


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"token": "x"}, "User name is missing."),
        ({"user": "ana"}, "Token is missing."),
        ({"user": "ana", "token": "x", "port": "many"}, "Port must be a number."),
        ({"user": "a" * 5000, "token": "x"}, "User name is too long."),
    ],
)
async def test_a_form_filled_in_wrongly_is_told_at_its_field(
    front: Front, typed: dict[str, str], said: str
) -> None:
    link = await front.open(accepted_providers=["cloud"])
    wrong = await front.submit(await front.get(link), **typed)
    assert wrong.status_code == 422
    assert said in wrong.text
    assert 'aria-invalid="true"' in wrong.text
    assert front.tried == []
    assert (await front.webview(link))["status"] == "pending"


async def test_redirects_carry_the_ids(front: Front) -> None:
    link = await front.open(
        accepted_providers=["cloud"],
        custom_redirect_url="https://shop.example/done?step=2#top",
        custom_redirect_failure_url="myapp://failed",
    )
    form = await front.get(link)
    policy = form.headers["content-security-policy"]
    assert "form-action 'self' https://shop.example myapp:;" in policy
    leave = html.unescape(_found(r'class="leave"><a href="([^"]+)"', form.text))
    webview_id = (await front.webview(link))["connect_webview_id"]
    assert leave == f"myapp://failed?connect_webview_id={webview_id}"
    done = await front.submit(form, user="ana", token="x")
    account_id = (await front.webview(link))["connected_account_id"]
    assert done.headers["location"] == (
        f"https://shop.example/done?step=2&connect_webview_id={webview_id}"
        f"&connected_account_id={account_id}#top"
    )
    assert "Continue" in (await front.get(link)).text


async def test_only_the_links_own_form_is_taken(front: Front) -> None:
    link = await front.open(accepted_providers=["cloud"])
    other = await front.open(accepted_providers=["cloud"])
    form = await front.get(link)
    action = html.unescape(_found(r'<form method="post" action="([^"]+)"', form.text))
    foreign = _found(r'name="form_token" value="([^"]+)"', (await front.get(other)).text)
    for token in ("", foreign):
        answer = await front.house.client.post(
            action, data={"form_token": token, "setting.user": "ana", "setting.token": "x"}
        )
        assert answer.status_code == 403
    assert front.tried == []


async def test_links_that_do_not_hold(front: Front) -> None:
    link = await front.open()
    webview_id = (await front.webview(link))["connect_webview_id"]
    wrong = await front.get(
        f"/connect_webviews/view?connect_webview_id={webview_id}&auth_token=wrong"
    )
    missing = await front.get("/connect_webviews/view")
    assert (wrong.status_code, missing.status_code) == (404, 404)
    assert re.sub(r"nonce-\S+", "", wrong.text) == re.sub(r"nonce-\S+", "", missing.text)
    front.house.now += timedelta(hours=24)
    expired = await front.get(link)
    assert (expired.status_code, "expired" in expired.text) == (410, True)
    await front.house.ok("/connect_webviews/delete", connect_webview_id=webview_id)
    assert (await front.get(link)).status_code == 404


async def test_a_suspended_workspace_connects_nothing(front: Front) -> None:
    link = await front.open(accepted_providers=["cloud"])
    form = await front.get(link)
    await front.house.ok("/workspaces/update", is_suspended=True)
    assert (await front.get(link)).status_code == 403
    assert (await front.submit(form, user="ana", token="x")).status_code == 403
    assert front.tried == []


async def test_attempts_are_limited(front: Front) -> None:
    link = await front.open(accepted_providers=["cloud"])
    front.error = RetryLater("No.")
    page = await front.get(link)
    for _ in range(ATTEMPTS):
        assert (await front.submit(page, user="ana", token="x")).status_code == 422
    assert (await front.submit(page, user="ana", token="x")).status_code == 429
    assert len(front.tried) == ATTEMPTS
    front.house.now += timedelta(minutes=1)
    front.error = None
    assert (await front.submit(page, user="ana", token="x")).status_code == 303


async def test_only_what_is_offered_can_be_connected(front: Front) -> None:
    link = await front.open(excluded_providers=["simulator"])
    form = await front.get(f"{link}&provider=simulator")
    assert "Connect Some &lt;Cloud&gt;" in form.text
    choice = await front.get(await front.open())
    assert "Simulator" in choice.text


async def test_looks(front: Front) -> None:
    await front.house.ok(
        "/workspaces/update",
        connect_partner_name="Villa & Sons",
        connect_webview_customization={
            "primary_button_color": "#123456",
            "success_message": "Thank you!",
        },
    )
    page = await front.get(await front.open())
    assert "Villa &amp; Sons" in page.text
    nonce = _found(r"'nonce-([^']+)'", page.headers["content-security-policy"])
    assert f'<style nonce="{nonce}">:root {{ --accent: #123456;' in page.text


async def test_too_large_a_form(front: Front) -> None:
    link = await front.open(accepted_providers=["cloud"])
    answer = await front.submit(await front.get(link), user="a" * 70_000, token="x")
    assert answer.status_code == 413
    assert (await front.house.client.put(link)).status_code == 405
