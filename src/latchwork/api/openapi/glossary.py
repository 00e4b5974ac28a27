"""What parameters, keys, tags, statuses and credentials mean: said once, for every endpoint."""

from typing import Any, Final

from latchwork.api.openapi.words import FILTERS, SPECIAL, WORDS

ABOUT: Final = """\
Latchwork speaks Seam's API, so Seam's clients work with it as they are. Send
`Authorization: Bearer seam_...` with each request. Parameters go into a JSON body, with GET into
the query, with DELETE into either: a list is a repeated key, an object `name[key]=value`. With
`_strict=true` in the query, unknown parameters are refused, otherwise passed over.

Every answer carries `seam-request-id`, and every body `ok`. Instants are ISO 8601 with an offset
or `Z`, and answered in UTC. Lists answer `pagination`; send its `next_page_cursor` as
`page_cursor` for the next page.
"""

TAGS: Final = {
    "access_codes": "PINs on locks: wished for, changed, removed, and proven.",
    "devices": "Locks and how they are.",
    "locks": "Locks, and moving their bolts.",
    "events": "All that happened, in order.",
    "action_attempts": "Commands on their way to a lock.",
    "webhooks": "Where events are sent as they happen.",
    "connected_accounts": "Connections to the providers of locks.",
    "connect_webviews": "Pages on which a person connects a provider.",
    "client_sessions": "Tokens for a user interface, for some accounts alone.",
    "workspaces": "What keys, accounts, devices and codes belong to.",
    "latchwork": "Latchwork's own, beside Seam's API.",
}

STATUSES: Final = {
    400: "The request breaks a rule, which the message names; nothing was done.",
    401: "There is no valid credential.",
    403: "The credential may not do this.",
    404: "There is no such thing, or not for this credential.",
    409: "The request conflicts with what stands, or with another one at the same time.",
    405: "The path does not take this method; `Allow` names those it takes.",
    411: "The body has no length.",
    413: "The body is too large.",
    429: "Too many requests; `Retry-After` says for how many seconds to wait.",
    500: "Something went wrong on the server.",
    503: "Not possible now; `Retry-After`, where it is there, says for how many seconds to wait.",
}

SECURITY: Final[dict[str, dict[str, Any]]] = {
    "api_key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of a workspace, made with `latchwork keys create`.",
    },
    "client_session": {
        "type": "http",
        "scheme": "bearer",
        "description": "A client session's token (`seam_cst...`), for its accounts alone.",
    },
    "client_session_token": {
        "type": "apiKey",
        "in": "header",
        "name": "client-session-token",
        "description": "The same token in a header of its own; `seam-client-session-token` too.",
    },
    "publishable_key": {
        "type": "apiKey",
        "in": "header",
        "name": "seam-publishable-key",
        "description": "A key that may be seen in a browser, to begin a client session with.",
    },
    "personal_access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A person's token (`seam_at...`), with the workspace in `seam-workspace`.",
    },
}


def meaning(path: str, name: str) -> str | None:
    """What a parameter of `path`, or a key of an answer (path ""), means."""
    if found := SPECIAL.get((path, name)):
        return found
    if path.endswith("/list") and (found := FILTERS.get(name)):
        return found
    return WORDS.get(name)
