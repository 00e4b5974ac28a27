"""`latchwork doctor`: what is wrong, and what to do about it."""

import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import typer

from latchwork.cli.client import Refusal, ask, base_url, every
from latchwork.cli.say import UNREACHABLE

OLDEST_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
Finding = tuple[bool, str, str]
"""Whether it is well, what was looked at, and the remedy (or a remark)."""


def doctor() -> None:
    """Looks at database, key, clock, server, accounts, locks and codes."""
    bad = 0
    for well, what, remedy in _findings():
        bad += not well
        print(f"{'ok  ' if well else 'BAD '} {what}{f': {remedy}' if remedy else ''}")
    if bad:
        print(f"{bad} thing{'s' if bad > 1 else ''} to mend.")
        raise typer.Exit(1)
    print("All is well.")


def _findings() -> Iterator[Finding]:
    yield from _database()
    yield (
        datetime.now(UTC) > OLDEST_CLOCK,
        "clock",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; if that is wrong, set it (NTP)",
    )
    try:
        begin = time.monotonic()
        ask("/workspaces/get")
        yield (
            True,
            f"server at {base_url()}",
            f"answers in {(time.monotonic() - begin) * 1000:.0f} ms",
        )
    except Refusal as refusal:
        yield False, f"server at {base_url()}", f"{refusal} Check LATCHWORK_API_KEY."
        return
    except typer.Exit as ended:
        if ended.exit_code == UNREACHABLE:
            yield False, f"server at {base_url()}", "start it: latchwork serve"
        return
    yield from _accounts()
    yield from _devices()
    yield from _codes()


def _database() -> Iterator[Finding]:
    from latchwork import config
    from latchwork.domain.errors import LatchworkError

    try:
        settings = config.here()
    except LatchworkError as error:
        yield False, "settings", str(error)
        return
    path = settings.database
    if not path.exists():
        yield True, f"database {path}", "not on this machine (made at the first start)"
        return
    yield os.access(path, os.R_OK | os.W_OK), f"database {path}", "must be writable by this user"
    key = settings.secret_key_file
    if settings.secret_key is None and key.exists():
        private = not key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        yield private, f"key file {key}", "" if private else f"run: chmod 600 {key}"


def _accounts() -> Iterator[Finding]:
    found = list(every("/connected_accounts/list", "connected_accounts"))
    if not found:
        yield False, "accounts", "none is connected; try: latchwork connect zwave-js ws://host:3000"
    for account in found:
        problems = " ".join(p["message"] for p in account["errors"])
        yield not problems, f"account {account['display_name']}", problems


def _devices() -> Iterator[Finding]:
    found = list(every("/devices/list", "devices"))
    ill = 0
    for device in found:
        for problem in _problems(device):
            ill += 1
            yield False, f"lock {device['display_name']}", problem["message"]
    if not ill:
        yield True, f"{len(found)} locks", "online, with good batteries"


def _codes() -> Iterator[Finding]:
    late = 0
    for code in every("/access_codes/list", "access_codes"):
        own = [p for p in _problems(code) if not p.get("is_device_error")]
        for problem in own:
            late += 1
            yield False, f"code {code['name'] or code['access_code_id']}", problem["message"]
    if not late:
        yield True, "codes", "none is late or failing"


def _problems(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [*resource["errors"], *resource["warnings"]]
