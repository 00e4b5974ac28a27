"""The audit log: who did what, and when."""

from typing import Final

from starlette.responses import Response

from latchwork.console.rendering import page
from latchwork.console.routing import Route
from latchwork.console.telling import named
from latchwork.console.visit import Visit
from latchwork.domain import audit
from latchwork.domain.audit import AuditEntry

ENTRIES: Final = 60
DONE: Final = {
    "sign_in": "Signed in",
    "sign_out": "Signed out",
    "reveal_pin": "Looked at a PIN",
    "reveal_webhook_secret": "Looked at a webhook's secret",
    "create_api_key": "Made an API key",
    "revoke_api_key": "Revoked an API key",
    "/access_codes/create": "Created a code",
    "/access_codes/create_multiple": "Created codes",
    "/access_codes/update": "Changed a code",
    "/access_codes/delete": "Deleted a code",
    "/access_codes/unmanaged/convert_to_managed": "Took over a code of another hand",
    "/access_codes/unmanaged/delete": "Deleted a code of another hand",
    "/devices/update": "Changed a lock",
    "/locks/lock_door": "Locked a door",
    "/locks/unlock_door": "Unlocked a door",
    "/webhooks/create": "Added a webhook",
    "/webhooks/delete": "Deleted a webhook",
    "/latchwork/webhooks/rotate_secret": "Gave a webhook a new secret",
    "/latchwork/webhooks/resend": "Sent an event again",
    "/connect_webviews/create": "Began to connect an account",
    "/connected_accounts/delete": "Forgot an account",
    "/latchwork/devices/simulate": "Played with a simulated lock",
    "/access_codes/simulate/create_unmanaged_access_code": "Programmed a simulated lock by hand",
    "/devices/simulate/connect": "Brought a simulated lock back",
    "/devices/simulate/disconnect": "Took a simulated lock out of reach",
    "/devices/simulate/remove": "Took a simulated lock off its account",
    "/locks/simulate/keypad_code_entry": "Typed a PIN on a simulated lock",
    "/connected_accounts/sync": "Had an account's locks listed anew",
}
ACTORS: Final = {
    audit.CLIENT_SESSION: "A client session",
    audit.PERSON: "A personal token",
    audit.PUBLISHABLE_KEY: "A publishable key",
    audit.LINK: "Somebody with a one-time link",
}


async def log(visit: Visit) -> Response:
    found = await visit.storage.audit_entries(
        visit.workspace_id, limit=ENTRIES + 1, before=visit.asked("after") or None
    )
    shown = found[:ENTRIES]
    keys = {key.api_key_id: key for key in await visit.storage.api_keys()}
    locks, codes = await named(
        visit,
        [entry.about["device_id"] for entry in shown if _has(entry, "device_id")],
        [
            *(entry.about["access_code_id"] for entry in shown if _has(entry, "access_code_id")),
            *(made for entry in shown for made in entry.made),
        ],
    )

    def actor(entry: AuditEntry) -> str:
        if entry.actor_kind != audit.API_KEY:
            return ACTORS.get(entry.actor_kind, entry.actor_kind)
        key = keys.get(entry.actor_id)
        return "A key that is gone" if key is None else f"{key.name} (…{key.hint})"

    return page(
        visit,
        "audit.html",
        entries=[(entry, DONE.get(entry.action, entry.action), actor(entry)) for entry in shown],
        locks=locks,
        codes=codes,
        next_after=shown[-1].audit_id if len(found) > ENTRIES else None,
    )


def _has(entry: AuditEntry, name: str) -> bool:
    return isinstance(entry.about.get(name), str)


ROUTES: Final = (Route("GET", "/audit", log),)
