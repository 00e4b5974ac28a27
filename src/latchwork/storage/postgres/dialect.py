"""The queries' SQL in PostgreSQL's words."""

import re
from functools import lru_cache
from itertools import count
from typing import Final

from latchwork.storage.sql import engine, idempotency, ownership, webhooks
from latchwork.storage.sql.sql import has

_ARRAY: Final = r"(ARRAY(SELECT json_array_elements_text((\1)::text::json)))"
_PHRASES: Final = (
    # What is only asked whether it is NULL before anything tells its type.
    (r"(\?\d) IS NULL OR ([\w.]+ IN \(SELECT value FROM json_each)", r"\1::text IS NULL OR \2"),
    (r"NOT IN \(SELECT value FROM json_each\((\?\d*)\)\)", f"<> ALL {_ARRAY}"),
    (r"IN \(SELECT value FROM json_each\((\?\d*)\)\)", f"= ANY {_ARRAY}"),
    (r"instr\(folded\(", "strpos(folded("),
    (
        re.escape(has("COLUMN")).replace("COLUMN", r"([\w.]+)"),
        r"(?::text::jsonb = \1::jsonb -> ?::text)",
    ),
    (r"(?<=[ (])\+(?=[a-z]\.\w)", ""),
    # By name: the key holds the workspace besides, after what says which row it is.
    (
        r"(INSERT INTO (device|visit|ledger|foreign_code) .*) ON CONFLICT \([\w, ]+\)",
        r"\1 ON CONFLICT ON CONSTRAINT \2_pkey",
    ),
    (
        r"(INSERT INTO driver_store .*) ON CONFLICT \([\w, ]+\)",
        r"\1 ON CONFLICT ON CONSTRAINT driver_store_connected_account_id_key_key",
    ),
)
_MARK: Final = re.compile(r"\?(\d*)")

SERVER: Final = "pg_postmaster_start_time()::text"
"""A name for the server that is another one after a restart or a failover."""

_FREE: Final = "leased_until IS NULL AND due_at IS NOT NULL"
_HELD: Final = (
    "($4::text IS NULL OR {0}connected_account_id = ANY "
    "(ARRAY(SELECT json_array_elements_text($4::text::json))))"
)
# Made once for the statement, and looked up by key: joins to a list of all accounts would be walks.
_ROOM: Final = "((SELECT $3::text::jsonb) ->> {0}connected_account_id)::bigint"


def _owned(alias: str = "") -> str:
    """Accounts that are looked at and have room."""
    return f"COALESCE({_ROOM}, 1) > 0 AND {_HELD}".format(alias)


def number_of(process_id: str) -> str:
    """The advisory lock that a process shares with itself alone while its session lasts."""
    return f"hashtextextended({process_id}, 0)"


def _due(locking: str) -> str:
    """Account by account, so that the due devices of a busy one are never waded through."""
    return (
        "SELECT * FROM ("  # noqa: S608 - constants
        "SELECT v.* FROM connected_account a CROSS JOIN LATERAL ("
        "SELECT device_id, connected_account_id, token, rescan, due_at AS since FROM visit "
        f"WHERE connected_account_id = a.connected_account_id AND {_FREE} AND due_at <= $1 "
        f"ORDER BY due_at LIMIT COALESCE({_ROOM.format('a.')}, $2) {locking}) v "
        f"WHERE {_owned('a.')} "
        "UNION ALL SELECT * FROM ("
        "SELECT device_id, connected_account_id, token, rescan, leased_until FROM visit "
        f"WHERE leased_until <= $1 AND {_owned()} {locking}) l) d ORDER BY since"
    )


def _doors(locking: str) -> str:
    """Device by device of those few: the whole key finds them, and no index of what is due, which
    may be everything."""
    return (
        f"SELECT v.* FROM ({engine.WAITED_FOR}) w CROSS JOIN LATERAL ("  # noqa: S608 - constants
        "SELECT device_id, connected_account_id, token, rescan, due_at AS since FROM visit "
        "WHERE device_id = w.device_id AND workspace_id = w.workspace_id "
        f"AND leased_until IS NULL AND due_at + 0 <= $1 AND {_owned()} LIMIT 1 {locking}) v "
        "ORDER BY since LIMIT $2"
    )


def _messages(locking: str) -> str:
    return (
        "SELECT message_id, webhook_id, event_id, attempts, claims FROM ("  # noqa: S608 - constants
        "SELECT m.* FROM webhook w CROSS JOIN LATERAL ("
        "SELECT message_id, webhook_id, event_id, attempts, claims, due_at FROM webhook_message "
        "WHERE webhook_id = w.webhook_id AND due_at IS NOT NULL AND due_at <= $1 "
        f"ORDER BY due_at LIMIT $2 {locking}) m "
        "WHERE w.disabled = 0 AND w.webhook_id <> ALL "
        "(ARRAY(SELECT json_array_elements_text($3::text::json)))) d "
        "ORDER BY due_at, message_id LIMIT $4"
    )


def _dead(now: str) -> str:
    """Its time is over; or nobody holds its lock any more at a server that has seen it hold it."""
    return (
        f"(alive_until <= {now} OR (expected_by <= {now} AND server = {SERVER} "
        f"AND pg_try_advisory_xact_lock({number_of('process_id')})))"
    )


_SKIPPING: Final = "FOR UPDATE SKIP LOCKED"
_STATEMENTS: Final = {
    engine.DUE: _due(""),
    engine.CLAIM: _due(_SKIPPING),
    engine.DOORS: _doors(""),
    engine.CLAIM_DOORS: _doors(_SKIPPING),
    webhooks.DUE: _messages(""),
    webhooks.CLAIM: _messages(_SKIPPING),
    ownership.BURY: f"DELETE FROM process WHERE {_dead('$1')}",  # noqa: S608 - constants
    idempotency.ALIVE: (
        f"SELECT 1 FROM process WHERE process_id = $1 AND NOT {_dead('$2')}"  # noqa: S608 - constants
    ),
}
"""What another form serves better: SQLite knows no LATERAL, PostgreSQL has many claimants and sees
whose session has ended."""


@lru_cache(maxsize=2048)
def translated(sql: str) -> str:
    own = _STATEMENTS.get(sql)
    if own is not None:
        return own
    for phrase, words in _PHRASES:
        sql = re.sub(phrase, words, sql)
    numbers = count(1)
    return _MARK.sub(lambda mark: f"${mark[1] or next(numbers)}", sql)


_TYPES: Final = (
    (
        r"INTEGER PRIMARY KEY( AUTOINCREMENT)?",
        "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    ),
    (r"\bINTEGER\b", "BIGINT"),
    (r"\bREAL\b", "DOUBLE PRECISION"),
    (r"\bBLOB\b", "BYTEA"),
    (r"\) STRICT(, WITHOUT ROWID)?;", ");"),
)


def translated_schema(script: str) -> str:
    for words, own in _TYPES:
        script = re.sub(words, own, script)
    return script
