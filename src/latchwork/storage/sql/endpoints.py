"""The webhook endpoints, kept in memory: every event asks which of them want it."""

from collections.abc import Sequence

import msgspec

from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Disabled, Failing, Webhook
from latchwork.storage.instants import from_us, from_us_or_none, to_us
from latchwork.storage.sql import sql
from latchwork.storage.sql.session import Row, Session
from latchwork.storage.vault import Vault

COLUMNS = (
    "webhook_id",
    "workspace_id",
    "url",
    "event_types",
    "secret",
    "created_at",
    "disabled",
    "previous_secret",
    "previous_secret_until",
    "failing_since",
    "failing_last",
    "disabled_at",
    "disabled_reason",
)
_FROM = "FROM webhook w"
_OLDEST_FIRST = "ORDER BY w.created_at, w.webhook_id"
_ALL = sql.select(sql.of("w", COLUMNS), _FROM, _OLDEST_FIRST)
_BY_ID = sql.select(sql.of("w", COLUMNS), _FROM, "WHERE w.webhook_id = ?")
_OF_WORKSPACE = sql.select(sql.of("w", COLUMNS), _FROM, "WHERE w.workspace_id = ?", _OLDEST_FIRST)
ADD_MESSAGE = sql.Disjoint(
    sql.insert(
        "webhook_message", ("message_id", "workspace_id", "webhook_id", "event_id", "due_at")
    )
)
_TYPES = msgspec.json.Decoder(tuple[str, ...])


def values_of(vault: Vault, webhook: Webhook) -> Row:
    """Of a new one."""
    return (
        webhook.webhook_id,
        webhook.workspace_id,
        webhook.url,
        types_text(webhook.event_types),
        sealed(vault, "secret", webhook.webhook_id, webhook.secret),
        to_us(webhook.created_at),
        webhook.disabled,
        *(None,) * 6,
    )


def sealed(vault: Vault, column: str, webhook_id: str, secret: Secret) -> bytes:
    return vault.seal("webhook", column, webhook_id, secret.reveal().encode())


def _opened(vault: Vault, column: str, webhook_id: str, value: bytes) -> Secret:
    return Secret(vault.unseal("webhook", column, webhook_id, value).decode())


def types_text(event_types: tuple[str, ...]) -> str:
    return msgspec.json.encode(event_types).decode()


def webhook_of(vault: Vault, row: Row) -> Webhook:
    webhook_id, workspace_id, url, event_types, secret, created_at, disabled = row[:7]
    previous, previous_until, failing_since, failing_last, disabled_at, reason = row[7:]
    return Webhook(
        webhook_id=webhook_id,
        workspace_id=workspace_id,
        url=url,
        event_types=_TYPES.decode(event_types),
        secret=_opened(vault, "secret", webhook_id, secret),
        created_at=from_us(created_at),
        previous_secret=None
        if previous is None
        else _opened(vault, "previous_secret", webhook_id, previous),
        previous_secret_until=from_us_or_none(previous_until),
        failing=None
        if failing_since is None
        else Failing(from_us(failing_since), from_us(failing_last)),
        disabled=bool(disabled),
        disabled_at=from_us_or_none(disabled_at),
        disabled_reason=None if reason is None else Disabled(reason),
    )


async def stored(session: Session, workspace_id: str) -> list[Webhook]:
    """The endpoints of a workspace, oldest first."""
    rows = await session.all(_OF_WORKSPACE, (workspace_id,))
    return [webhook_of(session.vault, row) for row in rows]


async def stored_one(session: Session, webhook_id: str) -> Webhook:
    row = await session.one(_BY_ID, (webhook_id,))
    if row is None:
        raise KeyError(webhook_id)
    return webhook_of(session.vault, row)


async def stored_of(session: Session, workspace_id: str, webhook_id: str) -> Webhook | None:
    """None: the workspace has no such endpoint."""
    row = await session.one(_BY_ID + " AND w.workspace_id = ?", (webhook_id, workspace_id))
    return None if row is None else webhook_of(session.vault, row)


class Endpoints:
    """As of the last `load`; whoever runs units sees to it that it is never out of date in one."""

    def __init__(self) -> None:
        self._by_id: dict[str, Webhook] = {}
        self._by_workspace: dict[str, tuple[Webhook, ...]] = {}

    async def load(self, session: Session) -> None:
        self.hold([webhook_of(session.vault, row) for row in await session.all(_ALL)])

    def hold(self, found: Sequence[Webhook]) -> None:
        """Those, oldest first, and no others."""
        self._by_id = {webhook.webhook_id: webhook for webhook in found}
        self._by_workspace = {}
        for webhook in found:
            others = self._by_workspace.get(webhook.workspace_id, ())
            self._by_workspace[webhook.workspace_id] = (*others, webhook)

    def get(self, webhook_id: str) -> Webhook:
        return self._by_id[webhook_id]

    def wanting(self, workspace_id: str, event_type: str) -> list[str]:
        """The ids of the endpoints that a new event of this type goes to."""
        standing = self._by_workspace.get(workspace_id)
        if standing is None:
            return []
        return [
            webhook.webhook_id
            for webhook in standing
            if not webhook.disabled and webhook.wants(event_type)
        ]
