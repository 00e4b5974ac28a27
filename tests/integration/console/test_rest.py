"""Events, webhooks, accounts and keys in the console; and what tells pages of changes."""

import asyncio

from latchwork.console.live import Live
from support.browser import MADE_KEY, Browser, found

PIN = "739173"


async def test_events_are_told_in_words_without_pins(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    made = await house.ok("/access_codes/create", device_id=lock, name="Ada", code=PIN)
    code_id = made["access_code"]["access_code_id"]
    await house.ok("/access_codes/update", access_code_id=code_id, code="824682")
    page = await inside.get("/events")
    assert "The code was wished for." in page
    assert "The PIN was changed." in page
    assert "Ada" in page
    assert PIN not in page
    assert "The PIN was changed." not in await inside.get("/events?about=doors")
    assert "The PIN was changed." in await inside.get(f"/events?about=codes&device={lock}")
    for event in (await house.ok("/events/list"))["events"]:
        one = await inside.get(f"/events/{event['event_id']}")
        assert event["event_type"] in one
        assert PIN not in one
        assert "824682" not in one
    await inside.get("/events/none", status=404)


async def test_a_webhook_from_its_making_to_its_end(inside: Browser) -> None:
    house = inside.house
    response = await inside.post("/webhooks", url="https://hooks.example.com/in")
    secret = found(r'id="secret">(whsec_[^<]+)<', response.text)
    [webhook] = (await house.ok("/webhooks/list"))["webhooks"]
    assert webhook["secret"] == secret
    path = f"/webhooks/{webhook['webhook_id']}"
    assert secret not in await inside.get("/webhooks")
    assert secret not in await inside.get(path)
    assert secret in (await inside.post(f"{path}/secret")).text
    rotated = (await inside.post(f"{path}/rotate")).text
    assert secret not in rotated
    assert "signs too until" in rotated
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock)
    [event] = (await house.ok("/events/list", event_type="access_code.created"))["events"]
    assert "sent again" in await inside.done(f"{path}/resend", event_id=event["event_id"])
    assert "sent again" in await inside.done(f"{path}/replay")
    assert "The webhook is gone" in await inside.done(f"{path}/delete")
    await inside.get(path, status=404)
    entries = await house.storage.audit_entries(house.workspace_id, limit=50, before=None)
    actions = [entry.action for entry in entries if entry.via == "console"]
    assert "reveal_webhook_secret" in actions
    assert "/latchwork/webhooks/rotate_secret" in actions
    log = await inside.get("/audit")
    assert "Gave a webhook a new secret" in log
    assert "whsec_" not in log


async def test_a_webhook_that_may_not_be_called(inside: Browser) -> None:
    response = await inside.post("/webhooks", url="http://127.0.0.1/")
    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert await inside.house.storage.webhooks(inside.house.workspace_id) == []


async def test_accounts_are_connected_on_the_page_that_tries_them(inside: Browser) -> None:
    page = await inside.get("/accounts")
    assert "Simulator" in page
    response = await inside.post("/accounts")
    assert response.headers["location"].startswith("/connect_webviews/view?")
    [webview] = (await inside.house.ok("/connect_webviews/list"))["connect_webviews"]
    back = "http://latchwork.test/console/accounts?told=connected"
    assert webview["custom_redirect_url"] == back
    account = inside.house.account_id
    assert "listed anew" in await inside.done(f"/accounts/{account}/sync")
    assert "is forgotten" in await inside.done(f"/accounts/{account}/delete")
    assert "No account is connected yet" in await inside.get("/accounts")


async def test_a_key_is_made_shown_once_and_revoked(inside: Browser) -> None:
    house = inside.house
    made = await inside.post("/keys", name="booking <system>")
    assert MADE_KEY in made.text
    page = await inside.get("/keys")
    assert MADE_KEY not in page
    assert "booking &lt;system&gt;" in page
    keys = {key.name: key.api_key_id for key in await house.storage.api_keys()}
    await inside.done(f"/keys/{keys['booking <system>']}/revoke")
    assert "revoked" in await inside.get("/keys")
    response = await inside.post("/keys/none/revoke")
    assert response.status_code == 404
    log = await inside.get("/audit")
    assert "Made an API key" in log
    assert "Revoked an API key" in log
    assert MADE_KEY not in log
    response = await inside.post(f"/keys/{keys['test']}/revoke")
    assert (await inside.client.get("/console/keys")).status_code == 303


async def test_nobody_revokes_the_key_of_another_workspace(inside: Browser) -> None:
    house = inside.house
    [ours] = await house.storage.api_keys()
    await house.furnish_other()
    await inside.sign_in(house.client.headers["authorization"].partition(" ")[2])
    assert (await inside.post(f"/keys/{ours.api_key_id}/revoke")).status_code == 404
    assert ours.name not in found(r"(?s)<main(.*)</main>", await inside.get("/keys"))
    assert "Signed in" in await inside.get("/audit")


async def test_a_change_is_told_once_to_those_who_watch(inside: Browser) -> None:
    house = inside.house
    turns: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(_seconds: float) -> None:
        await turns.get()

    async def allowed() -> bool:
        return True

    live = Live(house.storage, sleep)
    stream = live.stream(house.workspace_id, None, allowed)
    assert (await anext(stream)).startswith(b"retry")
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock)
    turns.put_nowait(None)
    assert await waiting == b": \n\n"
    newest = await house.storage.newest_event(house.workspace_id)
    assert f"id: {newest}\nevent: changed".encode() in await anext(stream)
    live.stop()
    assert [line async for line in stream] in ([], [b": \n\n"])


async def test_what_changed_before_a_page_began_to_watch_is_told_at_once(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock)
    seen = found(r'data-live="/console/live\?seen=([^"]*)"', await inside.get())
    await house.ok("/access_codes/create", device_id=lock)

    async def allowed() -> bool:
        return True

    live = Live(house.storage, house._sleep)
    stream = live.stream(house.workspace_id, seen, allowed)
    assert (await anext(stream)).startswith(b"retry")
    newest = await house.storage.newest_event(house.workspace_id)
    assert newest != seen
    assert f"id: {newest}\n".encode() in await anext(stream)
    live.stop()
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_stream_ends_with_the_session(inside: Browser) -> None:
    house = inside.house

    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def allowed() -> bool:
        return False

    live = Live(house.storage, sleep)
    lines = [line async for line in live.stream(house.workspace_id, None, allowed)]
    assert lines == [b"retry: 2000\n\n"]
