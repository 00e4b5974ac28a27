"""Settings from the environment and a file, each checked, each mistake named in one line."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from latchwork import settings_file
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret
from latchwork.domain.policy import Policy
from latchwork.engine.housekeeping import Kept

T = TypeVar("T")
D = TypeVar("D")

PREFIX: Final = "LATCHWORK_"
CLIENT_VARIABLES: Final = frozenset(("LATCHWORK_URL", "LATCHWORK_API_KEY", settings_file.VARIABLE))
"""Not settings of a server."""
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
OTHER_TOKENS: Final = ("seam_at", "seam_cst", "seam_pk")
"""Prefixes that Seam's SDKs refuse as API keys."""
SHORTEST_KEY: Final = 20
LEAST_DAYS: Final = 7
"""Longer than webhooks are tried for."""
DEMO_DELAY_AFTER: Final = timedelta(seconds=5)
DEMO_FAILURE_DEADLINE: Final = timedelta(seconds=20)


class Role(StrEnum):
    """What a process does. Any but `all` needs PostgreSQL."""

    ALL = "all"
    API = "api"
    WORKER = "worker"
    WEBHOOKS = "webhooks"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a server is told from outside."""

    host: str = "127.0.0.1"
    port: int = 8700
    database: Path
    postgres: Secret | None = None
    """A PostgreSQL URL, which may hold a password; None: `database` is a SQLite file."""
    role: Role = Role.ALL
    secret_key: Secret | None = None
    secret_key_file: Path
    bootstrap_api_key: Secret | None = None
    log_level: str = "INFO"
    log_format: str | None = None
    """`console` or `json`; None: console on a terminal."""
    webhook_allow: tuple[str, ...] = ()
    connect: tuple[tuple[str, str], ...] = ()
    """(provider, address) of accounts to connect at the start."""
    public_url: str | None = None
    """Where others reach this server, such as https://locks.example.com; None: not known."""
    demo: bool = False
    requests_a_minute: int | None = 1200
    """Of one API key; None: no limits, per device neither."""
    policy: Policy = Policy()
    lead_time: timedelta | None = None
    kept: Kept = Kept()
    metrics: bool = True
    metrics_token: Secret | None = None
    """What /metrics asks for; None: nothing."""
    tracing: bool = False
    drain: timedelta = timedelta(0)
    """How long a process that is told to stop goes on answering while it says it is not ready."""


def from_environment(environment: Mapping[str, str], *, demo: bool = False) -> Settings:
    """Raises Rejected whose rule is the variable's name, for the first that is wrong."""
    read = _Reader(environment)
    settings = _settings(read, environment, demo=demo)
    if read.wrong:
        raise read.wrong[0]
    return settings


def mistakes(environment: Mapping[str, str]) -> list[Rejected]:
    """All that `from_environment` would refuse, one after the other."""
    read = _Reader(environment)
    _settings(read, environment, demo=False)
    return read.wrong


def _settings(read: "_Reader", environment: Mapping[str, str], *, demo: bool) -> Settings:
    demo = demo or read("DEMO", _switch, False)
    stored = read("DATABASE_URL", _database, None)
    database = stored if isinstance(stored, Path) else _default_database(environment)
    policy = Policy()
    if demo:
        policy = msgspec.structs.replace(
            policy, delay_after=DEMO_DELAY_AFTER, failure_deadline=DEMO_FAILURE_DEADLINE
        )
    allow = read("WEBHOOK_ALLOW", _networks, ())
    return Settings(
        host=read("HOST", _text, "127.0.0.1"),
        port=read("PORT", _port, 8700),
        database=database,
        postgres=stored if isinstance(stored, Secret) else None,
        role=read("ROLE", _role, Role.ALL),
        secret_key=read("SECRET_KEY", Secret, None),
        secret_key_file=read("SECRET_KEY_FILE", Path, Path(f"{database}.key")),
        bootstrap_api_key=read("BOOTSTRAP_API_KEY", _api_key, None),
        log_level=read("LOG_LEVEL", _level, "INFO"),
        log_format=read("LOG_FORMAT", _one_of("console", "json"), None),
        webhook_allow=(*allow, "127.0.0.0/8", "::1/128") if demo else allow,
        connect=read("CONNECT", _connections, ()),
        public_url=read("PUBLIC_URL", _public_url, None),
        demo=demo,
        requests_a_minute=read("RATE_LIMIT_PER_KEY", _rate, 1200)
        if read("RATE_LIMITS", _switch, not demo)
        else None,
        policy=msgspec.structs.replace(
            policy,
            delay_after=read("DELAY_AFTER", _seconds, policy.delay_after),
            failure_deadline=read("FAILURE_DEADLINE", _seconds, policy.failure_deadline),
        ),
        lead_time=read("LEAD_TIME", _seconds, None),
        kept=Kept(
            events=read("KEEP_EVENTS", _days, Kept().events),
            deliveries=read("KEEP_DELIVERIES", _days, Kept().deliveries),
            attempts=read("KEEP_ATTEMPTS", _days, Kept().attempts),
            audit=read("KEEP_AUDIT", _days, Kept().audit),
            codes=read("KEEP_CODES", _days, Kept().codes),
        ),
        metrics=read("METRICS", _switch, True),
        metrics_token=read("METRICS_TOKEN", _token, None),
        tracing=read("TRACING", _switch, False),
        drain=read("DRAIN", _seconds, timedelta(0)),
    )


KNOWN: Final = frozenset(
    PREFIX + name
    for name in (
        "HOST", "PORT", "DATABASE_URL", "ROLE", "SECRET_KEY", "SECRET_KEY_FILE",
        "BOOTSTRAP_API_KEY", "LOG_LEVEL", "LOG_FORMAT", "WEBHOOK_ALLOW", "CONNECT", "DEMO",
        "DELAY_AFTER", "FAILURE_DEADLINE", "LEAD_TIME", "KEEP_EVENTS", "KEEP_DELIVERIES",
        "KEEP_ATTEMPTS", "KEEP_AUDIT", "KEEP_CODES", "PUBLIC_URL", "RATE_LIMITS",
        "RATE_LIMIT_PER_KEY",
        "METRICS", "METRICS_TOKEN", "TRACING", "DRAIN",
    )
)  # fmt: skip


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables of our prefix that mean nothing: most likely misspelt."""
    ours = {name for name in environment if name.startswith(PREFIX)}
    return sorted(ours - KNOWN - CLIENT_VARIABLES)


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.wrong: list[Rejected] = []

    def __call__(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        text = self._environment.get(PREFIX + name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.wrong.append(Rejected(PREFIX + name, f"{PREFIX}{name} {error}"))
            return default


def _text(text: str) -> str:
    return text


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}.")
        return text.lower()

    return parse


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}.")
    return text.upper()


def _switch(text: str) -> bool:
    words = {"1": True, "true": True, "on": True, "yes": True}
    words |= {"0": False, "false": False, "off": False, "no": False}
    if text.lower() not in words:
        raise ValueError("must be on or off.")
    return words[text.lower()]


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError("must be a port from 1 to 65535.")
    return int(text)


def _rate(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise ValueError("must be a number of requests a minute, from 1 to 1000000.")
    return int(text)


def _seconds(text: str) -> timedelta:
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError("must be a number of seconds.") from None
    if not 0 <= seconds <= 86400 * 30:
        raise ValueError("must be from 0 seconds to 30 days.")
    return timedelta(seconds=seconds)


def _days(text: str) -> timedelta | None:
    if text.lower() in ("off", "forever"):
        return None
    if not text.isdigit() or not LEAST_DAYS <= int(text) <= 36_500:
        raise ValueError(f"must be a number of days, {LEAST_DAYS} at least, or off.")
    return timedelta(days=int(text))


def _database(text: str) -> Path | Secret:
    if text.startswith(("postgresql://", "postgres://")):
        return Secret(text)
    scheme, _, path = text.partition(":///")
    if scheme != "sqlite" or not path:
        raise ValueError(
            "must be a SQLite or PostgreSQL URL, such as "
            "sqlite:////var/lib/latchwork/latchwork.sqlite3 or postgresql://user@host/latchwork."
        )
    return Path(path).expanduser()


def _role(text: str) -> Role:
    if text.lower() not in tuple(Role):
        raise ValueError(f"must be one of {', '.join(Role)}.")
    return Role(text.lower())


def _default_database(environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME") or "~").expanduser()
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return data / "latchwork" / "latchwork.sqlite3"


def _api_key(text: str) -> Secret:
    if not text.startswith("seam_") or text.startswith(OTHER_TOKENS) or len(text) < SHORTEST_KEY:
        raise ValueError(
            f"must start with seam_ (not {', '.join(OTHER_TOKENS)}) and have at least "
            f"{SHORTEST_KEY} characters."
        )
    if not text.isascii() or not text.replace("_", "").isalnum():
        raise ValueError("may only hold letters, digits and underscores.")
    return Secret(text)


def _token(text: str) -> Secret:
    if len(text) < SHORTEST_KEY or not text.isascii() or " " in text:
        raise ValueError(f"must have at least {SHORTEST_KEY} characters, without spaces.")
    return Secret(text)


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://locks.example.com.")
    return text.rstrip("/")


def _networks(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for network in found:
        try:
            ip_network(network)
        except ValueError:
            raise ValueError("must be networks such as 10.0.0.0/8, divided by commas.") from None
    return found


def _connections(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in text.split(","):
        provider, sign, address = part.strip().partition("=")
        if not sign or not provider or not address:
            raise ValueError("must be provider=address, such as zwave-js=ws://host:3000.")
        found.append((provider, address))
    return tuple(found)


def here(*, demo: bool = False, role: str = "") -> Settings:
    """The settings of this process; what the command line says goes before its environment, and
    that before its file. Raises Rejected naming the variable, or the key of the file."""
    environment, path = around()
    said = {f"{PREFIX}ROLE": role} if role else {}
    try:
        return from_environment({**environment, **said}, demo=demo)
    except Rejected as error:
        if path is None or os.environ.get(error.rule) or error.rule in said:
            raise
        raise settings_file.named_as_in_file(error, path, PREFIX) from None


def around() -> tuple[dict[str, str], Path | None]:
    """This process's environment completed by the file that LATCHWORK_CONFIG names, and the
    file."""
    return settings_file.environment_with_file(os.environ, KNOWN, PREFIX)
