"""The webhook endpoints, kept in memory: every event asks which of them want it."""

from collections.abc import Sequence

import msgspec

from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Webhook
from latchwork.storage.instants import from_us, to_us
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
)
_FROM = "FROM webhook w"
_OLDEST_FIRST = "ORDER BY w.created_at, w.webhook_id"
_ALL = sql.select(sql.of("w", COLUMNS), _FROM, _OLDEST_FIRST)
_BY_ID = sql.select(sql.of("w", COLUMNS), _FROM, "WHERE w.webhook_id = ?")
_OF_WORKSPACE = sql.select(sql.of("w", COLUMNS), _FROM, "WHERE w.workspace_id = ?", _OLDEST_FIRST)
_TYPES = msgspec.json.Decoder(tuple[str, ...])


def values_of(vault: Vault, webhook: Webhook) -> Row:
    secret = webhook.secret.reveal().encode()
    return (
        webhook.webhook_id,
        webhook.workspace_id,
        webhook.url,
        types_text(webhook.event_types),
        vault.seal("webhook", "secret", webhook.webhook_id, secret),
        to_us(webhook.created_at),
        webhook.disabled,
    )


def types_text(event_types: tuple[str, ...]) -> str:
    return msgspec.json.encode(event_types).decode()


def _webhook_of(vault: Vault, row: Row) -> Webhook:
    webhook_id, workspace_id, url, event_types, secret, created_at, disabled = row
    return Webhook(
        webhook_id=webhook_id,
        workspace_id=workspace_id,
        url=url,
        event_types=_TYPES.decode(event_types),
        secret=Secret(vault.unseal("webhook", "secret", webhook_id, secret).decode()),
        created_at=from_us(created_at),
        disabled=bool(disabled),
    )


async def stored(session: Session, workspace_id: str) -> list[Webhook]:
    """The endpoints of a workspace, oldest first."""
    rows = await session.all(_OF_WORKSPACE, (workspace_id,))
    return [_webhook_of(session.vault, row) for row in rows]


async def stored_one(session: Session, webhook_id: str) -> Webhook:
    row = await session.one(_BY_ID, (webhook_id,))
    if row is None:
        raise KeyError(webhook_id)
    return _webhook_of(session.vault, row)


class Endpoints:
    """As of the last `load`; whoever runs units sees to it that it is never out of date in one."""

    def __init__(self) -> None:
        self._by_id: dict[str, Webhook] = {}
        self._by_workspace: dict[str, tuple[Webhook, ...]] = {}

    async def load(self, session: Session) -> None:
        self.hold([_webhook_of(session.vault, row) for row in await session.all(_ALL)])

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
            if not webhook.disabled
            and ("*" in webhook.event_types or event_type in webhook.event_types)
        ]
