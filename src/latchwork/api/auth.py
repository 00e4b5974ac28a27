"""Who calls: an API key, a personal token with a workspace, a client session, or a browser with a
publishable key; and what each of them may call."""

from datetime import datetime
from typing import Final

from starlette.requests import Request

from latchwork.api.endpoint import READ, Caller, Endpoint
from latchwork.api.errors import ApiError
from latchwork.api.parsing import bearer
from latchwork.domain import audit
from latchwork.domain.pin import Secret
from latchwork.storage.interface import Storage

SESSION_PATHS: Final = frozenset(
    (
        "/access_codes/create",
        "/access_codes/create_multiple",
        "/access_codes/delete",
        "/access_codes/generate_code",
        "/access_codes/get",
        "/access_codes/get_timeline",
        "/access_codes/list",
        "/access_codes/pull_backup_access_code",
        "/access_codes/report_device_constraints",
        "/access_codes/simulate/create_unmanaged_access_code",
        "/access_codes/unmanaged/convert_to_managed",
        "/access_codes/unmanaged/delete",
        "/access_codes/unmanaged/get",
        "/access_codes/unmanaged/list",
        "/access_codes/unmanaged/update",
        "/access_codes/update",
        "/access_codes/update_multiple",
        "/action_attempts/get",
        "/client_sessions/get",
        "/connect_webviews/create",
        "/connect_webviews/get",
        "/connect_webviews/list",
        "/connected_accounts/get",
        "/devices/get",
        "/devices/list",
        "/devices/list_device_providers",
        "/devices/unmanaged/get",
        "/devices/update",
        "/events/get",
        "/events/list",
        "/locks/configure_auto_lock",
        "/locks/get",
        "/locks/list",
        "/locks/lock_door",
        "/locks/unlock_door",
        "/workspaces/get",
        "/workspaces/list",
    )
)
"""What an end user's session may call; all else is refused to it."""
PUBLISHABLE_PATHS: Final = frozenset(("/client_sessions/create", "/client_sessions/get_or_create"))
PERSONAL_PATHS: Final = frozenset(("/workspaces/create",))
"""What only a personal token may call."""
WHILE_SUSPENDED: Final = frozenset(("/workspaces/update",))

PUBLISHABLE_KEY: Final = "seam-publishable-key"
SESSION_TOKENS: Final = ("client-session-token", "seam-client-session-token")
WORKSPACE: Final = "seam-workspace"


async def authenticated(
    request: Request, endpoint: Endpoint, storage: Storage, now: datetime
) -> Caller:
    """The caller, who may call this endpoint. Raises 401 for nobody, 403 for one who may not."""
    caller = await _caller(request, storage, now)
    if caller is None:
        raise unauthorized()
    check_may_call(caller, endpoint)
    return caller


def check_may_call(caller: Caller, endpoint: Endpoint) -> None:
    """Raises 403 for one who may not."""
    _check_kind(caller, endpoint.path)
    suspended = caller.workspace is not None and caller.workspace.is_suspended
    if suspended and endpoint.methods != READ and endpoint.path not in WHILE_SUSPENDED:
        raise ApiError(403, "workspace_suspended", "The workspace is suspended: it can be read.")


def _check_kind(caller: Caller, path: str) -> None:
    if caller.session is not None and path not in SESSION_PATHS:
        raise _forbidden("A client session may not call this endpoint.")
    if caller.is_publishable and path not in PUBLISHABLE_PATHS:
        raise _forbidden("A publishable key may not call this endpoint.")
    if caller.person is None and path in PERSONAL_PATHS:
        raise _forbidden("Only a personal access token (seam_at...) may call this endpoint.")


async def _caller(request: Request, storage: Storage, now: datetime) -> Caller | None:
    secret = bearer(request)
    headers = request.headers
    if secret is None and (key := headers.get(PUBLISHABLE_KEY)):
        return await _browser(key, storage)
    if secret is None:
        token = next((headers[name] for name in SESSION_TOKENS if name in headers), "")
        return await _session(Secret(token), storage, now)
    text = secret.reveal()
    if text.startswith("seam_cst"):
        return await _session(secret, storage, now)
    if text.startswith("seam_at"):
        return await _person(secret, headers.get(WORKSPACE), storage)
    return await _key(secret, storage)


async def _key(secret: Secret, storage: Storage) -> Caller | None:
    found = await storage.authenticate(secret)
    if found is None:
        return None
    key, workspace = found
    return Caller(credential_id=key.api_key_id, workspace=workspace, api_version=key.api_version)


async def _session(token: Secret, storage: Storage, now: datetime) -> Caller | None:
    found = await storage.authenticate_session(token, now)
    if found is None:
        return None
    session, account_ids = found
    return Caller(
        credential_id=session.client_session_id,
        workspace=await storage.workspace(session.workspace_id),
        session=session,
        account_ids=account_ids,
        kind=audit.CLIENT_SESSION,
    )


async def _person(secret: Secret, workspace_id: str | None, storage: Storage) -> Caller | None:
    person = await storage.authenticate_person(secret)
    if person is None:
        return None
    workspace = None if workspace_id is None else await storage.workspace(workspace_id)
    if workspace_id is not None and (workspace is None or not person.opens(workspace_id)):
        # The same whether the workspace is another's or nobody's.
        raise ApiError(403, "forbidden", "The token does not open this workspace.")
    return Caller(
        credential_id=person.personal_token_id,
        workspace=workspace,
        person=person,
        kind=audit.PERSON,
    )


async def _browser(key: str, storage: Storage) -> Caller | None:
    workspace = await storage.workspace_of_publishable_key(key)
    if workspace is None or not workspace.is_publishable_key_auth_enabled:
        return None
    return Caller(
        credential_id=key, workspace=workspace, is_publishable=True, kind=audit.PUBLISHABLE_KEY
    )


def _forbidden(message: str) -> ApiError:
    return ApiError(403, "forbidden", message)


def unauthorized() -> ApiError:
    return ApiError(
        401,
        "unauthorized",
        "Send a valid API key: Authorization: Bearer seam_...",
        headers={"www-authenticate": "Bearer"},
    )
