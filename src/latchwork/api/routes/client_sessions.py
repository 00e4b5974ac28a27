"""/client_sessions: what the end users of a program may reach, each with a token of their own."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from latchwork.api import access_serializers as show
from latchwork.api import resources
from latchwork.api.endpoint import DELETE, READ, Call, Endpoint
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.credentials import (
    SESSION_TOKEN,
    ClientSession,
    made_secret,
    session_end,
)
from latchwork.domain.pin import Secret
from latchwork.storage.access import SessionFilter

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Ids = Annotated[list[str], msgspec.Meta(max_length=1000)]
TOKEN_BYTES = 30
MOST_LISTED = 1000
IDENTITIES = ("user_identity_id", "user_identity_ids", "customer_id")


class Create(msgspec.Struct):
    user_identifier_key: Key | None = None
    connected_account_ids: Ids | None = None
    connect_webview_ids: Ids | None = None
    expires_at: str | None = None
    customer_key: Key | None = None
    customer_id: str | None = None
    user_identity_id: str | None = None
    user_identity_ids: list[str] | None = None


class GetOrCreate(msgspec.Struct):
    user_identifier_key: Key | None = None
    connected_account_ids: Ids | None = None
    connect_webview_ids: Ids | None = None
    expires_at: str | None = None
    user_identity_id: str | None = None
    user_identity_ids: list[str] | None = None


class Get(msgspec.Struct):
    client_session_id: str | None = None
    user_identifier_key: str | None = None


class Grant(msgspec.Struct):
    client_session_id: str | None = None
    user_identifier_key: str | None = None
    connected_account_ids: Ids | None = None
    connect_webview_ids: Ids | None = None
    user_identity_id: str | None = None
    user_identity_ids: list[str] | None = None


class List(msgspec.Struct):
    client_session_id: str | None = None
    user_identifier_key: str | None = None
    connect_webview_id: str | None = None
    without_user_identifier_key: bool | None = None
    user_identity_id: str | None = None


class Named(msgspec.Struct):
    client_session_id: str


async def create(call: Call, asked: Create) -> dict[str, Any]:
    return await _create(call, asked, asked.customer_key)


async def _create(
    call: Call, asked: Create | GetOrCreate, customer_key: str | None = None
) -> dict[str, Any]:
    _no_identities(asked)
    accounts, webviews = await _granted(call, asked)
    if call.caller.is_publishable and asked.user_identifier_key is None:
        raise invalid(
            "With a publishable key, user_identifier_key is required.",
            user_identifier_key="Required",
        )
    session = ClientSession(
        client_session_id=call.new_id(),
        workspace_id=call.workspace_id,
        created_at=call.now,
        expires_at=session_end(instant("expires_at", asked.expires_at), call.now),
        user_identifier_key=asked.user_identifier_key,
        connected_account_ids=accounts,
        connect_webview_ids=webviews,
        customer_key=customer_key,
    )
    token = _new_token(call)
    await call.storage.add_session(session, token)
    return await _answer(call, session, token)


def _new_token(call: Call) -> Secret:
    return made_secret(SESSION_TOKEN, call.deps.entropy(TOKEN_BYTES))


def _no_identities(asked: msgspec.Struct) -> None:
    for name in IDENTITIES:
        if getattr(asked, name, None):
            raise invalid("Latchwork has no user identities.", **{name: "Not supported"})


async def _granted(
    call: Call, asked: Create | GetOrCreate | Grant
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The accounts and webviews to be granted, which must be the workspace's own."""
    accounts = tuple(dict.fromkeys(asked.connected_account_ids or ()))
    webviews = tuple(dict.fromkeys(asked.connect_webview_ids or ()))
    if call.caller.is_publishable and (accounts or webviews):
        raise ApiError(403, "forbidden", "A publishable key may not grant access to anything.")
    for account_id in accounts:
        if await call.storage.account(call.workspace_id, account_id) is None:
            raise not_found("connected_account")
    for webview_id in webviews:
        if await call.storage.webview(call.workspace_id, webview_id) is None:
            raise not_found("connect_webview")
    return accounts, webviews


async def _answer(
    call: Call, session: ClientSession, token: Secret | None = None
) -> dict[str, Any]:
    return {"client_session": await session_shown(call, session, token), "ok": True}


async def session_shown(
    call: Call, session: ClientSession, token: Secret | None = None
) -> dict[str, Any]:
    reached = list(session.connected_account_ids)
    for webview_id in session.connect_webview_ids:
        webview = await call.deps.storage.webview(session.workspace_id, webview_id)
        if webview is not None and webview.connected_account_id is not None:
            reached.append(webview.connected_account_id)
    count = await call.deps.storage.count_devices(tuple(dict.fromkeys(reached)))
    return show.client_session(session, count, token)


async def sessions_of_user(call: Call, user_identifier_key: str) -> Sequence[ClientSession]:
    """Newest first, ended ones too."""
    where = SessionFilter(user_identifier_key=user_identifier_key)
    return await call.storage.sessions(call.workspace_id, where, MOST_LISTED)


async def get_or_create(call: Call, asked: GetOrCreate) -> dict[str, Any]:
    """The user's live session with a further token, or a new one."""
    _no_identities(asked)
    if asked.user_identifier_key is None:
        return await _create(call, asked)
    live = [
        session
        for session in await sessions_of_user(call, asked.user_identifier_key)
        if session.expires_at > call.now
    ]
    if not live:
        return await _create(call, asked)
    accounts, webviews = await _granted(call, asked)
    session: ClientSession | None = live[0]
    if accounts or webviews:
        session = await call.storage.grant_session(
            call.workspace_id, live[0].client_session_id, accounts, webviews
        )
    if session is None:
        raise not_found("client_session")
    token = _new_token(call)
    await call.storage.add_session_token(session, token, call.now)
    return await _answer(call, session, token)


async def get(call: Call, asked: Get) -> dict[str, Any]:
    return await _answer(call, await _find(call, asked))


async def _find(call: Call, asked: Get | Grant) -> ClientSession:
    """By id or by user; a session's caller finds itself alone."""
    own = call.caller.session
    if own is not None:
        named = asked.client_session_id in (None, own.client_session_id)
        users = asked.user_identifier_key in (None, own.user_identifier_key)
        if named and users:
            return own
        raise not_found("client_session")
    found: ClientSession | None = None
    if asked.client_session_id is not None:
        found = await call.storage.session(call.workspace_id, asked.client_session_id)
    elif asked.user_identifier_key is not None:
        found = next(iter(await sessions_of_user(call, asked.user_identifier_key)), None)
    else:
        raise invalid(
            "Name a session by client_session_id or user_identifier_key.",
            client_session_id="Required",
        )
    if found is None or asked.user_identifier_key not in (None, found.user_identifier_key):
        raise not_found("client_session")
    return found


async def grant_access(call: Call, asked: Grant) -> dict[str, Any]:
    _no_identities(asked)
    session = await _find(call, asked)
    accounts, webviews = await _granted(call, asked)
    granted = await call.storage.grant_session(
        call.workspace_id, session.client_session_id, accounts, webviews
    )
    if granted is None:
        raise not_found("client_session")
    return await _answer(call, granted)


async def list_(call: Call, asked: List) -> dict[str, Any]:
    found: Sequence[ClientSession] = ()
    if asked.user_identity_id is None:
        where = SessionFilter(
            client_session_id=asked.client_session_id,
            user_identifier_key=asked.user_identifier_key,
            connect_webview_id=asked.connect_webview_id,
            without_user_identifier_key=bool(asked.without_user_identifier_key),
        )
        found = await call.storage.sessions(call.workspace_id, where, MOST_LISTED)
    return {
        "client_sessions": [await session_shown(call, session) for session in found],
        "ok": True,
    }


async def revoke(call: Call, asked: Named) -> dict[str, Any]:
    """Ends it and all its tokens at once; it can still be looked at."""
    if not await call.storage.end_session(call.workspace_id, asked.client_session_id, call.now):
        raise not_found("client_session")
    return {"ok": True}


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    if not await call.storage.delete_session(call.workspace_id, asked.client_session_id, call.now):
        raise not_found("client_session")
    return {"ok": True}


_ONE = {"client_session": resources.ClientSession}

ENDPOINTS = (
    Endpoint(
        "/client_sessions/create",
        ("POST", "PUT"),
        Create,
        create,
        answer=_ONE,
        summary="Begins a client session; its token is shown this once.",
    ),
    Endpoint(
        "/client_sessions/get",
        READ,
        Get,
        get,
        answer=_ONE,
        summary="Gets a client session, or with a session's token that session.",
    ),
    Endpoint(
        "/client_sessions/get_or_create",
        ("POST",),
        GetOrCreate,
        get_or_create,
        answer=_ONE,
        summary="Gets a user's live session with a new token, or begins one.",
    ),
    Endpoint(
        "/client_sessions/grant_access",
        ("POST", "PATCH"),
        Grant,
        grant_access,
        answer=_ONE,
        summary="Lets a client session reach further accounts.",
    ),
    Endpoint(
        "/client_sessions/list",
        READ,
        List,
        list_,
        answer={"client_sessions": list[resources.ClientSession]},
        summary="Lists client sessions, newest first.",
    ),
    Endpoint(
        "/client_sessions/revoke",
        ("POST",),
        Named,
        revoke,
        answer={},
        summary="Ends a client session and all its tokens.",
    ),
    Endpoint(
        "/client_sessions/delete",
        DELETE,
        Named,
        delete,
        answer={},
        summary="Ends and forgets a client session.",
    ),
)
