"""Connect webviews, and the accounts that they bring."""

from datetime import timedelta

import msgspec

from latchwork.domain.connect_webview import ConnectWebview, WebviewWish, failed
from latchwork.domain.credentials import ClientSession
from latchwork.domain.device import ConnectedAccount
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings, Provider
from latchwork.storage.access import WebviewFilter
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, NOW, Stored

WEBVIEW = ConnectWebview(
    connect_webview_id="w",
    workspace_id="ws",
    created_at=NOW,
    token=Secret("canary-token"),
    wish=WebviewWish(accepted_providers=("zwave_js",), custom_redirect_url="https://a.example/x"),
    custom_metadata={"house": "7"},
    customer_key="anna",
)
CHECKED = CheckedSettings(
    provider=Provider(name="nuki", display_name="Nuki"),
    settings={"user": "ana"},
    secrets={"token": Secret("one")},
)
ACCOUNT = ConnectedAccount(
    connected_account_id="new",
    workspace_id="ws",
    provider="nuki",
    display_name="Nuki",
    created_at=NOW,
    custom_metadata={"house": "7"},
    automatically_manage_new_devices=False,
)


async def told(stored: Stored) -> list[tuple[str, str | None, dict[str, object]]]:
    events = await stored.storage.events("ws", EventFilter(), limit=100, cursor=None)
    return [
        (e.event_type, e.connected_account_id, e.payload)
        for e in reversed(events.items)
        if "connect_webview_id" in e.payload
    ]


async def test_a_webview_comes_back_as_it_was_stored(stored: Stored) -> None:
    await stored.storage.add_webview(WEBVIEW)
    assert await stored.storage.webview("ws", "w") == WEBVIEW
    assert await stored.storage.webview("other", "w") is None
    assert await stored.storage.webview_by_id("w") == WEBVIEW
    assert WEBVIEW.expires_at == NOW + 24 * HOUR
    assert not await stored.storage.delete_webview("other", "w")
    assert await stored.storage.delete_webview("ws", "w")
    assert await stored.storage.webview("ws", "w") is None


async def test_lists(stored: Stored) -> None:
    for number in range(4):
        await stored.storage.add_webview(
            msgspec.structs.replace(
                WEBVIEW,
                connect_webview_id=f"w-{number}",
                created_at=NOW + timedelta(seconds=number),
                custom_metadata={"house": str(number), "big": number == 3},
                customer_key=None if number else "anna",
            )
        )

    async def found(where: WebviewFilter, limit: int = 10) -> list[str]:
        page = await stored.storage.webviews("ws", where, limit=limit, cursor=None)
        return [webview.connect_webview_id for webview in page.items]

    assert await found(WebviewFilter()) == ["w-3", "w-2", "w-1", "w-0"]
    assert await found(WebviewFilter(customer_key="anna")) == ["w-0"]
    assert await found(WebviewFilter(custom_metadata_has={"house": "2"})) == ["w-2"]
    assert await found(WebviewFilter(custom_metadata_has={"big": True})) == ["w-3"]
    assert await found(WebviewFilter(ids=("w-1", "nobody"))) == ["w-1"]
    assert await found(WebviewFilter(search="HOUSE")) == ["w-3", "w-2", "w-1", "w-0"]
    first = await stored.storage.webviews("ws", WebviewFilter(), limit=3, cursor=None)
    rest = await stored.storage.webviews("ws", WebviewFilter(), limit=3, cursor=first.next_cursor)
    assert [w.connect_webview_id for w in rest.items] == ["w-0"]


async def test_success_stores_account_state_and_events_at_once(stored: Stored) -> None:
    await stored.storage.add_webview(WEBVIEW)
    done, account = await stored.storage.authorize_webview(WEBVIEW, ACCOUNT, CHECKED, NOW)
    assert account == ACCOUNT
    assert done.login_successful
    assert (done.connected_account_id, done.selected_provider) == ("new", "nuki")
    assert done.authorized_at == NOW
    assert await stored.storage.webview("ws", "w") == done
    assert await stored.storage.account("ws", "new") == ACCOUNT
    assert await told(stored) == [
        ("connected_account.created", "new", {"connect_webview_id": "w"}),
        ("connected_account.successful_login", "new", {"connect_webview_id": "w"}),
        (
            "connect_webview.login_succeeded",
            "new",
            {"connect_webview_id": "w", "customer_key": "anna"},
        ),
    ]


async def test_the_same_account_again_gets_its_new_secrets(stored: Stored) -> None:
    again = msgspec.structs.replace(WEBVIEW, connect_webview_id="again")
    for webview in (WEBVIEW, again):
        await stored.storage.add_webview(webview)
    await stored.storage.authorize_webview(WEBVIEW, ACCOUNT, CHECKED, NOW)
    newer = msgspec.structs.replace(CHECKED, secrets={"token": Secret("two")})
    other = msgspec.structs.replace(ACCOUNT, connected_account_id="other")
    done, account = await stored.storage.authorize_webview(again, other, newer, NOW)
    assert account == ACCOUNT
    assert done.connected_account_id == "new"
    assert await stored.storage.account_settings("new") == (
        {"user": "ana"},
        {"token": Secret("two")},
    )
    assert [kind for kind, _, _ in await told(stored)].count("connected_account.created") == 1


async def test_failures_are_told_and_never_undo_a_success(stored: Stored) -> None:
    await stored.storage.add_webview(WEBVIEW)
    await stored.storage.fail_webview(failed(WEBVIEW, "nuki"), NOW)
    found = await stored.storage.webview("ws", "w")
    assert found is not None
    assert (found.status, found.selected_provider) == ("failed", "nuki")
    await stored.storage.authorize_webview(WEBVIEW, ACCOUNT, CHECKED, NOW)
    await stored.storage.fail_webview(failed(WEBVIEW, "nuki"), NOW)
    found = await stored.storage.webview("ws", "w")
    assert found is not None
    assert found.login_successful
    assert [kind for kind, _, _ in await told(stored)].count("connect_webview.login_failed") == 1


async def test_a_session_reaches_the_account_that_its_webview_brought(stored: Stored) -> None:
    session = ClientSession(
        client_session_id="s", workspace_id="ws", created_at=NOW, expires_at=NOW + HOUR
    )
    await stored.storage.add_session(session, Secret("seam_cst1x"))
    mine = msgspec.structs.replace(WEBVIEW, client_session_id="s")
    await stored.storage.add_webview(mine)
    found = await stored.storage.authenticate_session(Secret("seam_cst1x"), NOW)
    assert found is not None
    assert (found[0].connect_webview_ids, found[1]) == (("w",), ())
    await stored.storage.authorize_webview(mine, ACCOUNT, CHECKED, NOW)
    found = await stored.storage.authenticate_session(Secret("seam_cst1x"), NOW)
    assert found is not None
    assert found[1] == ("new",)
