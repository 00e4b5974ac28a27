"""The only place that wires the house together."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from random import SystemRandom
from typing import Any

import msgspec
import structlog
from starlette.types import ASGIApp

from latchwork.api import serializers
from latchwork.api.app import ENDPOINTS, create_app
from latchwork.api.endpoint import ApiDeps
from latchwork.api.health import create_health_app
from latchwork.api.inbound import Deliver
from latchwork.config import Role, Settings
from latchwork.console.app import Console
from latchwork.console.live import Live
from latchwork.console.sessions import new_link
from latchwork.console.visit import ConsoleDeps
from latchwork.domain.console_session import LONGEST_LINK
from latchwork.domain.device import ConnectedAccount, Workspace
from latchwork.domain.errors import NeedsAttention
from latchwork.domain.events import Event
from latchwork.domain.ids import uuid7
from latchwork.domain.inbound_address import InboundAddresses
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings
from latchwork.domain.webhook import Webhook
from latchwork.drivers import registry
from latchwork.drivers.protocol import DriverFactory
from latchwork.engine.clock import SystemClock
from latchwork.engine.connections import Connections
from latchwork.engine.deliveries import Deliveries
from latchwork.engine.housekeeping import keep_house
from latchwork.engine.ownership import SharedOwnership, among_others, beat
from latchwork.engine.reconciler import Reconciler
from latchwork.engine.trial import try_connection
from latchwork.engine.worker import Worker
from latchwork.observing.observer import Observer, tracing_if_wished
from latchwork.observing.server import Watch, WatchedApp
from latchwork.observing.visits import WatchedVisits
from latchwork.pages.connect import ConnectDeps, ConnectPages
from latchwork.serving import Drain, background, serve_until_stopped, web_server
from latchwork.storage.interface import ApiKey
from latchwork.storage.sql.storage import SqlStorage
from latchwork.storage.sqlite.files import left_behind
from latchwork.storage.sqlite.process_lock import acquire_process_lock
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault, load_or_create_key, parse_key
from latchwork.webhooks.deliver import Deliverer
from latchwork.webhooks.guard import AddressGuard
from latchwork.webhooks.post import HttpSender
from latchwork.webhooks.signing import new_secret
from latchwork.webhooks.url import check_url

log = structlog.get_logger(__name__)

KEY_BYTES = 30
ONE_PROCESS = (
    "On SQLite one process does everything. Set LATCHWORK_DATABASE_URL to a PostgreSQL "
    "database to divide the work."
)
DEMO_NAME = "Latchwork Demo"
ANSWERING = (Role.ALL, Role.API)
WORKING = (Role.ALL, Role.WORKER)
DELIVERING = (Role.ALL, Role.WEBHOOKS)

clock = SystemClock()
rng = SystemRandom()


class Started(msgspec.Struct, frozen=True):
    """What a person is told when the server is up. `new_key`: shown once, unless it is a demo's;
    `console`: a link that opens the console once, of a demo alone."""

    url: str
    workspace: Workspace
    new_key: Secret | None
    console: str | None = None


def new_id() -> str:
    return uuid7(clock.now(), os.urandom(10))


def new_api_key() -> Secret:
    """240 random bits behind Seam's prefix."""
    return Secret(f"seam_lw{secrets.token_hex(KEY_BYTES)}")


def open_vault(settings: Settings) -> Vault:
    """The key from the environment, else from its file, made at the first start."""
    if settings.secret_key is not None:
        return Vault(parse_key(settings.secret_key.reveal()))
    return Vault(load_or_create_key(settings.secret_key_file))


async def open_storage(settings: Settings) -> SqlStorage:
    if settings.postgres is not None:
        from latchwork.storage.postgres import PostgresStorage

        return await PostgresStorage.open(
            settings.postgres.reveal(), open_vault(settings), clock.now, os.urandom
        )
    return await SqliteStorage.open(
        settings.database, open_vault(settings), clock_now=clock.now, entropy=os.urandom
    )


async def add_key(
    storage: SqlStorage,
    workspace_id: str,
    name: str,
    secret: Secret,
    api_version: str | None = None,
) -> ApiKey:
    """Stores a key; its secret is kept as a hash alone."""
    key = ApiKey(
        api_key_id=new_id(),
        workspace_id=workspace_id,
        name=name,
        hint=secret.reveal()[-4:],
        created_at=clock.now(),
        api_version=api_version,
    )
    await storage.add_api_key(key, secret)
    return key


async def first_workspace(storage: SqlStorage, *, demo: bool) -> Workspace:
    """The workspace of this kind (sandbox or not), made at the first start."""
    return await storage.first_workspace(
        Workspace(
            workspace_id=new_id(),
            name=DEMO_NAME if demo else "Latchwork",
            is_sandbox=demo,
            created_at=clock.now(),
        )
    )


async def serve(settings: Settings, started: Callable[[Started], None]) -> None:
    """Runs the whole server until SIGTERM or SIGINT; `started` is called when it is ready.

    Raises when a part of it fails for good: a half-dead server is worse than none.
    """
    if settings.postgres is None and settings.role is not Role.ALL:
        raise NeedsAttention(ONE_PROCESS)
    alone = acquire_process_lock(settings.database) if settings.postgres is None else None
    with alone or contextlib.nullcontext():
        if alone is not None and (size := left_behind(settings.database)):
            log.warning("storage.recovered", unclosed_log_bytes=size)
        async with _furnished(settings) as (storage, workspace, new_key):
            presence = among_others(storage, clock) if settings.postgres is not None else None
            async with presence or contextlib.nullcontext():
                await _run(settings, storage, workspace, new_key, started)


@asynccontextmanager
async def _furnished(
    settings: Settings,
) -> AsyncIterator[tuple[SqlStorage, Workspace, Secret | None]]:
    """Storage with a workspace and a key that opens it."""
    storage = await open_storage(settings)
    try:
        if settings.postgres is None:
            await storage.clear_leases()
        workspace = await first_workspace(storage, demo=settings.demo)
        yield storage, workspace, await _first_key(settings, storage, workspace)
    finally:
        await storage.aclose()


async def _first_key(
    settings: Settings, storage: SqlStorage, workspace: Workspace
) -> Secret | None:
    """The key to show: a demo's always, another's when it was made just now."""
    if settings.bootstrap_api_key is not None:
        await add_key(storage, workspace.workspace_id, "bootstrap", settings.bootstrap_api_key)
        return settings.bootstrap_api_key if settings.demo else None
    if settings.demo:
        secret = _demo_key(settings)
        await add_key(storage, workspace.workspace_id, "demo", secret)
        return secret
    if any(key.revoked_at is None for key in await storage.api_keys()):
        return None
    secret = new_api_key()
    await add_key(storage, workspace.workspace_id, "first", secret)
    return secret


def _demo_key(settings: Settings) -> Secret:
    """Kept beside the database, readable by its owner alone: a demo shows it at every start."""
    path = settings.database.with_name(f"{settings.database.name}.demo-api-key")
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(new_api_key().reveal())
    return Secret(path.read_text().strip())


async def _demo_link(storage: SqlStorage, workspace: Workspace) -> str:
    return await new_link(storage, workspace.workspace_id, clock.now(), LONGEST_LINK)


async def _run(
    settings: Settings,
    storage: SqlStorage,
    workspace: Workspace,
    new_key: Secret | None,
    started: Callable[[Started], None],
) -> None:
    observer = Observer(tracing=tracing_if_wished(wished=settings.tracing))
    factories = observer.factories(registry.load())
    inbound = InboundAddresses(open_vault(settings).inbound_mac, settings.public_url)
    ownership = None
    if settings.postgres is not None and settings.role in WORKING:
        ownership = SharedOwnership(storage, clock)
    connections = Connections(
        storage, factories, clock, rng, new_id, inbound_url=inbound.url, ownership=ownership
    )
    await _connect_accounts(settings, storage, workspace, factories)
    guard = AddressGuard(settings.webhook_allow)
    sender = HttpSender(guard)
    deliverer = Deliverer(
        storage, clock, render_webhook, observer.sender(sender), jitter=rng.random
    )
    live = Live(storage, asyncio.sleep)
    deliveries = Deliveries(storage, connections)
    if settings.role in ANSWERING:
        app = _app(settings, storage, guard, factories, inbound, deliveries.give, observer, live)
    else:
        app = create_health_app(storage)
    delivering = [deliverer.run()] if settings.role in DELIVERING else []
    parts = _parts(settings, storage, connections, observer, owns=ownership is not None)
    if ownership is not None:
        parts.append(deliveries.run())
    drain = Drain(settings.drain)
    app = _watched(settings, storage, app, observer, drain)
    try:
        async with background(parts, delivering) as failed:
            link = await _demo_link(storage, workspace) if settings.demo else None
            up = Started(f"http://{settings.host}:{settings.port}", workspace, new_key, link)
            await serve_until_stopped(
                web_server(settings, app), failed, lambda: started(up), drain, live.stop
            )
            deliverer.stop()
    finally:
        await sender.aclose()
        await asyncio.to_thread(observer.close)


def _parts(
    settings: Settings,
    storage: SqlStorage,
    connections: Connections,
    observer: Observer,
    *,
    owns: bool,
) -> list[Coroutine[Any, Any, None]]:
    """What runs beside the server, deliveries apart."""
    parts: list[Coroutine[Any, Any, None]] = []
    if settings.role in WORKING:
        visit_storage = observer.visit_storage(storage, settings.policy)
        reconciler = Reconciler(visit_storage, connections, clock, settings.policy, rng, new_id)
        visits = WatchedVisits(reconciler, observer.metrics, observer.tracing)
        worker = Worker(storage, connections, clock, visits)
        parts += [connections.run(), worker.run(), keep_house(storage, clock, settings.kept)]
    if settings.postgres is not None and not owns:
        parts.append(beat(storage, clock))
    return parts


def render_webhook(event: Event, _webhook: Webhook) -> bytes:
    """The body of a webhook: the event as the API answers it."""
    return msgspec.json.encode(serializers.event(event))


async def _connect_accounts(
    settings: Settings,
    storage: SqlStorage,
    workspace: Workspace,
    factories: Mapping[str, DriverFactory],
) -> None:
    """Accounts of the configuration; those that stand are left as they are."""
    wanted: list[tuple[str, dict[str, Any]]] = [
        (provider, {"url": address}) for provider, address in settings.connect
    ]
    if settings.demo:
        wanted.append(("simulator", {"locks": "demo"}))
    for asked, values in wanted:
        checked = registry.check_settings(factories, asked, values)
        account = ConnectedAccount(
            connected_account_id=new_id(),
            workspace_id=workspace.workspace_id,
            provider=checked.provider.name,
            display_name=checked.provider.display_name,
            created_at=clock.now(),
            lead_time=settings.lead_time,
        )
        await storage.add_account(account, checked.settings, checked.secrets, checked.identity)


def _app(
    settings: Settings,
    storage: SqlStorage,
    guard: AddressGuard,
    factories: Mapping[str, DriverFactory],
    inbound: InboundAddresses,
    deliver: Deliver,
    observer: Observer,
    live: Live,
) -> ASGIApp:
    console = ConsoleDeps(
        live=live,
        new_api_key=lambda workspace_id, name: _added_key(storage, workspace_id, name),
        is_secure=(settings.public_url or "").startswith("https://"),
    )
    return create_app(
        ApiDeps(
            storage=storage,
            now=clock.now,
            sleep=asyncio.sleep,
            entropy=os.urandom,
            randbelow=secrets.randbelow,
            check_url=lambda url: check_url(url, guard),
            new_webhook_secret=lambda: new_secret(os.urandom(32)),
            check_settings=lambda provider, values: registry.check_settings(
                factories, provider, values
            ),
            providers=registry.providers(factories),
            requests_a_minute=settings.requests_a_minute,
            public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
            inbound=inbound,
            deliver=deliver,
            page=_connect_pages(storage, factories).answer,
            wakes=observer.wakes if settings.role is Role.ALL else None,
        ),
        lambda desk: Console(desk, console).answer,
    )


async def _added_key(storage: SqlStorage, workspace_id: str, name: str) -> Secret:
    secret = new_api_key()
    await add_key(storage, workspace_id, name, secret)
    return secret


def _watched(
    settings: Settings, storage: SqlStorage, app: ASGIApp, observer: Observer, drain: Drain
) -> ASGIApp:
    return WatchedApp(
        app,
        Watch(
            storage=storage,
            now=clock.now,
            metrics=observer.metrics if settings.metrics else None,
            token=settings.metrics_token,
            tracing=observer.tracing,
            paths=[endpoint.path for endpoint in ENDPOINTS],
            draining=lambda: drain.begun,
        ),
    )


def _connect_pages(storage: SqlStorage, factories: Mapping[str, DriverFactory]) -> ConnectPages:
    async def tried(checked: CheckedSettings) -> None:
        name = checked.provider.name
        await try_connection(
            factories[name], name, new_id(), checked.settings, checked.secrets, clock
        )

    return ConnectPages(
        ConnectDeps(
            storage=storage,
            now=clock.now,
            sleep=asyncio.sleep,
            new_id=new_id,
            providers=registry.providers(factories),
            check_settings=lambda provider, values: registry.check_settings(
                factories, provider, values
            ),
            try_connection=tried,
        )
    )
