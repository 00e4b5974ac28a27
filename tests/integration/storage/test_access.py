"""Sessions, personal tokens, workspaces and profiles."""

from datetime import timedelta

import msgspec

from latchwork.domain.credentials import TOKENS_OF_SESSION, ClientSession, PersonalToken
from latchwork.domain.customization import CustomizationProfile, WebviewCustomization
from latchwork.domain.pin import Secret
from latchwork.storage.access import SessionFilter
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, NOW, Stored

SESSION = ClientSession(
    client_session_id="session",
    workspace_id="ws",
    created_at=NOW,
    expires_at=NOW + HOUR,
    user_identifier_key="ana",
    connected_account_ids=("account",),
)
TOKEN = Secret("seam_cst1secret")


async def test_a_session_comes_back_by_its_token_until_it_ends(stored: Stored) -> None:
    storage = stored.storage
    await storage.add_session(SESSION, TOKEN)
    assert await storage.authenticate_session(TOKEN, NOW) == (SESSION, ("account",))
    assert await storage.authenticate_session(Secret("seam_cst1other"), NOW) is None
    assert await storage.authenticate_session(TOKEN, NOW + HOUR) is None
    assert await storage.session("ws", "session") == SESSION
    assert await storage.session("other", "session") is None


async def test_granting_ending_and_deleting_a_session(stored: Stored) -> None:
    storage = stored.storage
    await storage.add_session(SESSION, TOKEN)
    granted = await storage.grant_session("ws", "session", ("account", "b"), ("w",))
    assert granted is not None
    assert granted.connected_account_ids == ("account", "b")
    assert await storage.session("ws", "session") == granted
    assert await storage.grant_session("other", "session", ("c",), ()) is None
    assert not await storage.end_session("other", "session", NOW)
    assert await storage.authenticate_session(TOKEN, NOW) is not None
    assert await storage.end_session("ws", "session", NOW)
    assert await storage.authenticate_session(TOKEN, NOW) is None
    assert not await storage.delete_session("other", "session", NOW)
    assert await storage.delete_session("ws", "session", NOW)
    assert not await storage.delete_session("ws", "session", NOW)
    events = await storage.events("ws", EventFilter(), limit=10, cursor=None)
    told = [e.payload for e in events.items if e.event_type == "client_session.deleted"]
    assert told == [{"client_session_id": "session"}]


async def test_only_the_newest_tokens_of_a_session_work(stored: Stored) -> None:
    await stored.storage.add_session(SESSION, TOKEN)
    tokens = [Secret(f"seam_cst1n{n}") for n in range(TOKENS_OF_SESSION)]
    for number, token in enumerate(tokens):
        at = NOW + timedelta(seconds=number + 1)
        await stored.storage.add_session_token(SESSION, token, at)
    assert await stored.storage.authenticate_session(TOKEN, NOW) is None
    for token in tokens:
        assert await stored.storage.authenticate_session(token, NOW) is not None


async def test_finding_sessions(stored: Stored) -> None:
    later = msgspec.structs.replace(
        SESSION,
        client_session_id="later",
        created_at=NOW + HOUR,
        user_identifier_key=None,
        connect_webview_ids=("w-1",),
    )
    await stored.storage.add_session(SESSION, TOKEN)
    await stored.storage.add_session(later, Secret("seam_cst1later"))

    async def found(**where: object) -> list[str]:
        sessions = await stored.storage.sessions("ws", SessionFilter(**where), 10)  # type: ignore[arg-type]
        return [session.client_session_id for session in sessions]

    assert await found() == ["later", "session"]
    assert await found(user_identifier_key="ana") == ["session"]
    assert await found(without_user_identifier_key=True) == ["later"]
    assert await found(connect_webview_id="w-1") == ["later"]
    assert await found(connect_webview_id="w") == []
    assert await found(client_session_id="session") == ["session"]


async def test_locks_are_counted(stored: Stored) -> None:
    await stored.lock("another")
    account_ids = [a.connected_account_id for a in await stored.storage.all_accounts()]
    devices = [await stored.storage.devices_of_account(a) for a in account_ids]
    assert await stored.storage.count_devices(account_ids) == sum(map(len, devices)) > 0
    assert await stored.storage.count_devices([]) == 0


async def test_personal_tokens(stored: Stored) -> None:
    storage = stored.storage
    some = PersonalToken(
        personal_token_id="t", name="Ana", hint="cret", created_at=NOW, workspace_ids=("ws",)
    )
    every = msgspec.structs.replace(some, personal_token_id="all", workspace_ids=None)
    await storage.add_personal_token(some, Secret("seam_at1secret"))
    await storage.add_personal_token(every, Secret("seam_at1every"))
    assert await storage.authenticate_person(Secret("seam_at1secret")) == some
    assert await storage.authenticate_person(Secret("seam_at1secreT")) is None
    assert (some.opens("ws"), some.opens("other"), every.opens("other")) == (True, False, True)
    await storage.open_workspace_to("t", "other")
    await storage.open_workspace_to("all", "other")
    opened = {t.personal_token_id: t.workspace_ids for t in await storage.personal_tokens()}
    assert opened == {"t": ("ws", "other"), "all": None}
    assert await storage.revoke_personal_token("t", NOW)
    assert not await storage.revoke_personal_token("t", NOW)
    assert await storage.authenticate_person(Secret("seam_at1secret")) is None


async def test_a_workspace_is_changed(stored: Stored) -> None:
    workspace = await stored.storage.workspace("ws")
    assert workspace is not None
    changed = msgspec.structs.replace(
        workspace,
        name="New",
        connect_partner_name="Partner",
        is_suspended=True,
        publishable_key="seam_pk1x",
        is_publishable_key_auth_enabled=True,
        webview_customization=WebviewCustomization(primary_button_color="#123456"),
    )
    await stored.storage.update_workspace(changed)
    assert await stored.storage.workspace("ws") == changed
    assert await stored.storage.workspace_of_publishable_key("seam_pk1x") == changed
    assert await stored.storage.workspace_of_publishable_key("seam_pk1y") is None


async def test_profiles_and_their_logos(stored: Stored) -> None:
    storage = stored.storage
    profile = CustomizationProfile(
        customization_profile_id="p",
        workspace_id="ws",
        created_at=NOW,
        name="Blue",
        primary_color="#00f",
        customer_portal_theme={"font_family": "serif"},
    )
    await storage.add_profile(profile)
    assert await storage.profiles("ws") == [profile]
    assert await storage.profile("other", "p") is None
    changed = msgspec.structs.replace(profile, name=None, message_overrides={"a": "b"})
    assert await storage.update_profile(changed)
    assert await storage.profile("ws", "p") == changed
    assert not await storage.update_profile(msgspec.structs.replace(changed, workspace_id="other"))
    assert await storage.logo("p") is None
    assert not await storage.set_logo("other", "p", b"png", "image/png")
    assert await storage.set_logo("ws", "p", b"png", "image/png")
    assert await storage.logo("p") == (b"png", "image/png")
    assert (await storage.profiles("ws"))[0].has_logo
