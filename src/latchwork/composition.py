"""The only place that wires the house together."""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from random import SystemRandom
from typing import Any

import msgspec
import structlog
import uvicorn

from latchwork.api import serializers
from latchwork.api.app import create_app
from latchwork.api.endpoint import ApiDeps
from latchwork.config import Settings
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
from latchwork.engine.housekeeping import keep_house
from latchwork.engine.reconciler import Reconciler
from latchwork.engine.trial import try_connection
from latchwork.engine.worker import Worker
from latchwork.pages.connect import ConnectDeps, ConnectPages
from latchwork.storage.interface import ApiKey
from latchwork.storage.sqlite.process_lock import acquire_process_lock
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault, load_or_create_key, parse_key
from latchwork.webhooks.deliver import Deliverer
from latchwork.webhooks.guard import AddressGuard
from latchwork.webhooks.post import HttpSender
from latchwork.webhooks.signing import new_secret
from latchwork.webhooks.url import check_url

log = structlog.get_logger(__name__)

STOP_WITHIN = 5.0
"""Seconds that requests and deliveries under way get at the end."""
KEY_BYTES = 30
DEMO_NAME = "Latchwork Demo"

clock = SystemClock()
rng = SystemRandom()


class Started(msgspec.Struct, frozen=True):
    """What a person is told when the server is up. `new_key`: shown once, unless it is a demo's."""

    url: str
    workspace: Workspace
    new_key: Secret | None


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


async def open_storage(settings: Settings) -> SqliteStorage:
    return await SqliteStorage.open(
        settings.database, open_vault(settings), clock_now=clock.now, entropy=os.urandom
    )


async def add_key(
    storage: SqliteStorage,
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


async def first_workspace(storage: SqliteStorage, *, demo: bool) -> Workspace:
    """The workspace of this kind (sandbox or not), made at the first start."""
    for workspace in await storage.workspaces():
        if workspace.is_sandbox == demo:
            return workspace
    workspace = Workspace(
        workspace_id=new_id(),
        name=DEMO_NAME if demo else "Latchwork",
        is_sandbox=demo,
        created_at=clock.now(),
    )
    await storage.add_workspace(workspace)
    return workspace


async def serve(settings: Settings, started: Callable[[Started], None]) -> None:
    """Runs the whole server until SIGTERM or SIGINT; `started` is called when it is ready.

    Raises when a part of it fails for good: a half-dead server is worse than none.
    """
    with acquire_process_lock(settings.database):
        async with _furnished(settings) as (storage, workspace, new_key):
            await _run(settings, storage, workspace, new_key, started)


@asynccontextmanager
async def _furnished(
    settings: Settings,
) -> AsyncIterator[tuple[SqliteStorage, Workspace, Secret | None]]:
    """Storage with a workspace and a key that opens it."""
    storage = await open_storage(settings)
    try:
        await storage.clear_leases()
        workspace = await first_workspace(storage, demo=settings.demo)
        yield storage, workspace, await _first_key(settings, storage, workspace)
    finally:
        await storage.aclose()


async def _first_key(
    settings: Settings, storage: SqliteStorage, workspace: Workspace
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


async def _run(
    settings: Settings,
    storage: SqliteStorage,
    workspace: Workspace,
    new_key: Secret | None,
    started: Callable[[Started], None],
) -> None:
    factories = registry.load()
    inbound = InboundAddresses(open_vault(settings).inbound_mac, settings.public_url)
    connections = Connections(storage, factories, clock, rng, new_id, inbound_url=inbound.url)
    reconciler = Reconciler(storage, connections, clock, settings.policy, rng, new_id)
    worker = Worker(storage, connections, clock, reconciler)
    await _connect_accounts(settings, storage, workspace, factories)
    guard = AddressGuard(settings.webhook_allow)
    sender = HttpSender(guard)
    deliverer = Deliverer(storage, clock, render_webhook, sender, jitter=rng.random)
    server = _server(settings, storage, guard, factories, connections, inbound)
    try:
        async with _background(
            connections.run(), worker.run(), keep_house(storage, clock), deliverer.run()
        ) as failed:
            url = f"http://{settings.host}:{settings.port}"
            await _serve_until_stopped(
                server, failed, lambda: started(Started(url, workspace, new_key))
            )
            deliverer.stop()
    finally:
        await sender.aclose()


def render_webhook(event: Event, _webhook: Webhook) -> bytes:
    """The body of a webhook: the event as the API answers it."""
    return msgspec.json.encode(serializers.event(event))


async def _connect_accounts(
    settings: Settings,
    storage: SqliteStorage,
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


def _server(
    settings: Settings,
    storage: SqliteStorage,
    guard: AddressGuard,
    factories: Mapping[str, DriverFactory],
    connections: Connections,
    inbound: InboundAddresses,
) -> uvicorn.Server:
    app = create_app(
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
            accounts_changed=connections.accounts_changed,
            providers=registry.providers(factories),
            requests_a_minute=settings.requests_a_minute,
            public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
            inbound=inbound,
            deliver=connections.deliver,
            page=_connect_pages(storage, factories, connections).answer,
        )
    )
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=int(STOP_WITHIN),
        )
    )


def _connect_pages(
    storage: SqliteStorage, factories: Mapping[str, DriverFactory], connections: Connections
) -> ConnectPages:
    async def tried(checked: CheckedSettings) -> None:
        factory = factories[checked.provider.name]
        await try_connection(factory, new_id(), checked.settings, checked.secrets, clock)

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
            account_changed=connections.reconnect,
        )
    )


@asynccontextmanager
async def _background(
    *parts: Coroutine[Any, Any, None],
) -> AsyncIterator["asyncio.Future[BaseException]"]:
    """Runs the parts beside the server; the future says which failure ended one of them."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[BaseException] = loop.create_future()
    tasks = [loop.create_task(part) for part in parts]

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not failed.done():
            failed.set_result(error)

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield failed
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await asyncio.wait(tasks[3:])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve_until_stopped(
    server: uvicorn.Server,
    failed: "asyncio.Future[BaseException]",
    ready: Callable[[], None],
) -> None:
    config = server.config
    socket = _bound(config)
    # uvicorn would raise the signal anew once it has stopped; the process is to end with 0.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    serving = loop.create_task(server.serve(sockets=[socket]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells by a flag
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    ends: set[asyncio.Future[Any]] = {serving, failed}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        log.error("server.part_failed", exc_info=failed.result())
        server.should_exit = True
        await serving
        raise failed.result()
    await serving
    log.info("server.stopped")


def _bound(config: uvicorn.Config) -> Any:
    try:
        return config.bind_socket()
    except SystemExit:
        raise NeedsAttention(
            f"Port {config.port} on {config.host} is not free. Set LATCHWORK_PORT to another."
        ) from None
