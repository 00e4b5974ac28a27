"""`latchwork connect`: a provider, through the running server."""

import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from latchwork.cli import devices
from latchwork.cli.client import call, every
from latchwork.cli.say import fail

LOOK_EVERY = 0.25
SETTLE = 1.0
"""Seconds without a new lock after which the list is taken for whole."""


def connect(
    provider: Annotated[str, typer.Argument(help="Such as zwave-js.")],
    address: Annotated[str | None, typer.Argument(help="Such as ws://host:3000.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", help="A further setting: name=value. Repeatable.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="The name of a secret setting; its value is asked for. Repeatable."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.")] = 60.0,
) -> None:
    """Connects a provider of locks and shows the locks that it brings."""
    settings = _settings(address, given or (), secret or ())
    made = call("/latchwork/connected_accounts/connect", provider=provider, settings=settings)[
        "connected_account"
    ]
    account_id = made["connected_account_id"]
    at = "" if address is None else f" at {address}"
    print(f"Connecting to {made['account_type_display_name']}{at} ...", flush=True)
    deadline = time.monotonic() + timeout
    _until_connected(account_id, deadline)
    print("Connected. Looking for locks ...", flush=True)
    found = _settled(account_id, deadline)
    if not found:
        fail("Connected, but no lock has shown up yet. See later: latchwork devices list")
    devices.show(found)


def _settings(address: str | None, given: Iterable[str], secrets: Iterable[str]) -> dict[str, str]:
    """Secrets are asked for, so that no shell remembers them."""
    settings = {} if address is None else {"url": address}
    for setting in given:
        name, sign, value = setting.partition("=")
        if not sign or not name:
            fail(f"--set takes name=value, not {setting!r}.")
        settings[name] = value
    for name in secrets:
        settings[name] = typer.prompt(name, hide_input=True)
    return settings


def _until_connected(account_id: str, deadline: float) -> None:
    while time.monotonic() < deadline:
        account = call("/connected_accounts/get", connected_account_id=account_id)
        standing = account["connected_account"]
        if standing["errors"]:
            fail(standing["errors"][0]["message"])
        events = call(
            "/events/list",
            connected_account_id=account_id,
            event_types=["connected_account.connected"],
            limit=1,
        )["events"]
        if events:
            return
        time.sleep(LOOK_EVERY)
    fail("No connection in time; it goes on being tried. See: latchwork doctor")


def _settled(account_id: str, deadline: float) -> list[dict[str, Any]]:
    """The locks, once no further one shows up."""
    found: list[dict[str, Any]] = []
    since = time.monotonic()
    while time.monotonic() < deadline:
        now = list(every("/devices/list", "devices", connected_account_id=account_id))
        if len(now) != len(found):
            found, since = now, time.monotonic()
        elif found and time.monotonic() - since > SETTLE:
            break
        time.sleep(LOOK_EVERY)
    return found
