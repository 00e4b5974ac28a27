"""Storage in SQL, whatever the database."""

from latchwork.storage.sql.accounts import AccountQueries
from latchwork.storage.sql.attempts import AttemptQueries
from latchwork.storage.sql.audit import AuditQueries
from latchwork.storage.sql.backlog import BacklogQueries
from latchwork.storage.sql.codes import CodeQueries
from latchwork.storage.sql.console_sessions import ConsoleSessionQueries
from latchwork.storage.sql.deletions import DeletionQueries
from latchwork.storage.sql.devices import DeviceQueries
from latchwork.storage.sql.endpoint_care import EndpointCareQueries
from latchwork.storage.sql.engine import EngineQueries
from latchwork.storage.sql.events import EventQueries
from latchwork.storage.sql.glances import GlanceQueries
from latchwork.storage.sql.idempotency import IdempotencyQueries
from latchwork.storage.sql.inbound import InboundQueries
from latchwork.storage.sql.keys import KeyQueries
from latchwork.storage.sql.ownership import OwnershipQueries
from latchwork.storage.sql.retention import RetentionQueries
from latchwork.storage.sql.sessions import SessionQueries
from latchwork.storage.sql.unmanaged import UnmanagedQueries
from latchwork.storage.sql.webhooks import WebhookQueries
from latchwork.storage.sql.webviews import WebviewQueries
from latchwork.storage.sql.workspaces import ProfileQueries, WorkspaceQueries


class SqlStorage(
    KeyQueries,
    WorkspaceQueries,
    SessionQueries,
    WebviewQueries,
    ProfileQueries,
    IdempotencyQueries,
    AccountQueries,
    DeviceQueries,
    DeletionQueries,
    CodeQueries,
    UnmanagedQueries,
    AttemptQueries,
    EngineQueries,
    OwnershipQueries,
    RetentionQueries,
    InboundQueries,
    BacklogQueries,
    WebhookQueries,
    EndpointCareQueries,
    EventQueries,
    ConsoleSessionQueries,
    AuditQueries,
    GlanceQueries,
):
    """See Storage. Used from one event loop."""

    async def healthy(self) -> None:
        await self._db.check()

    async def aclose(self) -> None:
        """Stores what is queued and closes the database. Idempotent."""
        await self._db.aclose()
