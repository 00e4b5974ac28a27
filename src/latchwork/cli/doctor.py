"""`latchwork doctor`: what is wrong, and what to do about it."""

import os
import stat
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import typer

from latchwork.cli.client import Refusal, ask, base_url, every
from latchwork.cli.say import UNREACHABLE, as_json
from latchwork.cli.shared import Json

if TYPE_CHECKING:
    from latchwork.config import Settings

OLDEST_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK_SKEW = 5.0
"""Seconds that the clocks of this machine and of the server's may differ."""
LATELY = 50
"""Deliveries that are looked at."""
Finding = tuple[bool, str, str]
"""Whether it is well, what was looked at, and the remedy (or a remark)."""


def doctor(json: Json = False) -> None:
    """Looks at settings, database, key, clock, server, accounts, locks, codes and webhooks."""
    found = []
    for finding in _findings():
        found.append(finding)
        well, what, remedy = finding
        if not json:
            mark = "ok  " if well else "BAD "
            print(f"{mark} {what}{f': {remedy}' if remedy else ''}", flush=True)
    bad = sum(not well for well, _, _ in found)
    if json:
        as_json([{"ok": well, "what": what, "remedy": remedy} for well, what, remedy in found])
    elif bad:
        print(f"{bad} thing{'s' if bad > 1 else ''} to mend.")
    else:
        print("All is well.")
    if bad:
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    yield from _settings()
    yield from _clock()
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
    yield from _webhooks()


def _settings() -> Iterator[Finding]:
    from latchwork import config
    from latchwork.domain.errors import LatchworkError

    for name in config.unknown_variables(os.environ):
        yield False, name, "no setting of Latchwork; see: latchwork config show"
    try:
        settings = config.here()
    except LatchworkError as error:
        yield False, "settings", f"{error} See: latchwork config check"
        return
    yield from _database(settings)
    key = settings.secret_key_file
    if settings.secret_key is None and key.exists():
        private = not key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        yield private, f"key file {key}", "" if private else f"run: chmod 600 {key}"


def _database(settings: "Settings") -> Iterator[Finding]:
    if settings.postgres is not None:
        yield _postgres(settings.postgres.reveal())
        return
    path = settings.database
    if not path.exists():
        yield True, f"database {path}", "not on this machine (made at the first start)"
        return
    well = os.access(path, os.R_OK | os.W_OK)
    yield well, f"database {path}", "" if well else "must be writable by this user"
    free = os.statvfs(path.parent)
    megabytes = free.f_bavail * free.f_frsize // 1_000_000
    yield (
        megabytes > 200,
        f"disk below {path.parent}",
        f"{megabytes:,} MB free" + ("" if megabytes > 200 else ": make room, or writes will fail"),
    )


def _postgres(url: str) -> Finding:
    import asyncio

    import asyncpg

    async def version() -> str:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    try:
        return True, "database PostgreSQL", f"answers, release {asyncio.run(version())}"
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        reason = f"does not let us in ({type(error).__name__})"
        return False, "database PostgreSQL", f"{reason}: check LATCHWORK_DATABASE_URL"


def _clock() -> Iterator[Finding]:
    now = datetime.now(UTC)
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < OLDEST_CLOCK:
        yield False, "clock", f"{told} is wrong: set it (NTP)"
        return
    skew = _skew()
    if skew is not None and abs(skew) > CLOCK_SKEW:
        yield False, "clock", f"{abs(skew):.0f} s off the server's: run NTP on both machines"
        return
    yield True, "clock", told


def _skew() -> float | None:
    """Seconds that this machine is ahead of the server; None: nobody answers."""
    try:
        with urllib.request.urlopen(f"{base_url()}/health", timeout=5) as answer:  # noqa: S310
            told = parsedate_to_datetime(answer.headers["date"])
    except (OSError, ValueError, TypeError):
        return None
    return (datetime.now(UTC) - told).total_seconds()


def _accounts() -> Iterator[Finding]:
    found = list(every("/connected_accounts/list", "connected_accounts"))
    if not found:
        yield False, "accounts", "none is connected; try: latchwork connect zwave-js ws://host:3000"
    for account in found:
        problems = " ".join(p["message"] for p in _problems(account))
        provider = account["account_type_display_name"]
        yield not problems, f"account {account['display_name']} ({provider})", problems


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


def _webhooks() -> Iterator[Finding]:
    found = ask("/webhooks/list")["webhooks"]
    for webhook in found:
        name, webhook_id = f"webhook {webhook['url']}", webhook["webhook_id"]
        if webhook["latchwork_delivery"]["is_disabled"]:
            reason = webhook["latchwork_delivery"]["disabled_reason"] or "by hand"
            yield False, name, f"disabled ({reason}); latchwork webhooks enable {webhook_id}"
            continue
        path = "/latchwork/webhooks/list_attempts"
        lately = ask(path, webhook_id=webhook_id, limit=LATELY)["webhook_attempts"]
        yield _delivery(name, webhook_id, lately)
    if not found:
        yield True, "webhooks", "there are none"


def _delivery(name: str, webhook_id: str, lately: list[dict[str, Any]]) -> Finding:
    """By its newest attempt: what failed before and works now is well."""
    if not lately:
        return True, name, "nothing was sent there yet"
    newest = lately[0]
    status = newest["status_code"]
    if status is not None and 200 <= status < 300:
        return True, name, "takes what is sent"
    told = f"answers {status}" if status is not None else str(newest["error"])
    return False, name, f"{told} See: latchwork webhooks attempts {webhook_id}"


def _problems(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [*resource["errors"], *resource["warnings"]]
