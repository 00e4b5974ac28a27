"""`latchwork migrate`, as people run it: killed half-way, run again, verified, and started from."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.postgres import KILLED, PostgresServer
from support.server import LatchworkProcess, wait_for

pytestmark = pytest.mark.acceptance

PASSING = {"process", "account_owner", "vault"}
ATTEMPTS = 23_000
"""More than fit into a few batches, so that the kill falls between two of one table."""
MANY = """
INSERT INTO action_attempt (action_attempt_id, workspace_id, action_type, status, created_at)
WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
SELECT printf('filled-%06d', n), (SELECT workspace_id FROM workspace), 'LOCK_DOOR', 'success', n
FROM n
"""


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with PostgresServer(*KILLED) as server:
        yield server


def furnish(server: LatchworkProcess) -> tuple[str, list[dict[str, Any]]]:
    """A house that was lived in; a code's id, and all codes."""
    devices = server.call("/devices/list")["devices"]
    front = next(d for d in devices if d["properties"]["name"] == "Front Door")["device_id"]
    server.call("/webhooks/create", url="http://127.0.0.1:8089/", event_types=["*"])
    codes = [
        server.call("/access_codes/create", device_id=front, name=f"Guest {n}", code=f"47{n:03}6")
        for n in range(8)
    ]
    first = str(codes[0]["access_code"]["access_code_id"])
    wait_for("the code to be set", lambda: (server.code(first) or {})["status"] == "set")
    listed = server.call("/access_codes/list", device_id=front)["access_codes"]
    return first, listed


def migrate(server: LatchworkProcess, target: str) -> "subprocess.Popen[str]":
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LATCHWORK_")}
    source = f"sqlite:///{server.database}"
    return subprocess.Popen(
        [sys.executable, "-m", "latchwork.cli.main", "migrate", "--from", source, "--to", target],
        env={**inherited, "HOME": str(server.folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_in(running: "subprocess.Popen[str]", table: str) -> None:
    """As soon as it told that some, not all, of a table's rows were moved."""
    assert running.stderr is not None
    for line in running.stderr:
        name, moved, _, total = line.split()
        if name == table and moved != total:
            running.send_signal(signal.SIGKILL)
            break
    running.communicate(timeout=10)
    assert running.returncode == -signal.SIGKILL


def rows_there(url: str, table: str, columns: list[str]) -> Counter[Any]:
    async def read() -> Counter[Any]:
        connection = await asyncpg.connect(url)
        try:
            found = await connection.fetch(f"SELECT {', '.join(columns)} FROM {table}")
        finally:
            await connection.close()
        return Counter(tuple(row) for row in found)

    return asyncio.run(read())


def compare(path: Path, url: str) -> int:
    """Row by row, without a word of the command's own; how many there are."""
    file = sqlite3.connect(path)
    names = [n for (n,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    total = 0
    for name in names:
        if name in PASSING or name.startswith("sqlite_"):
            continue
        found = file.execute(f"SELECT * FROM {name}")
        columns = [column[0] for column in found.description]
        here = Counter(found.fetchall())
        assert here == rows_there(url, name, columns), name
        total += here.total()
    file.close()
    return total


def test_an_installation_moves_even_when_the_move_is_killed(
    tmp_path: Path, database: PostgresServer
) -> None:
    url = database.create("moved")
    with LatchworkProcess(tmp_path, "--demo") as server:
        wait_for("the locks", lambda: len(server.call("/devices/list")["devices"]) >= 8)
        code, listed = furnish(server)
        refused = migrate(server, url)
        assert refused.wait(30) != 0, "a server that runs still writes"
        refused.communicate()
        server.stop()
        with sqlite3.connect(server.database) as file:
            file.execute(MANY, (ATTEMPTS,))
        file.close()
        before = server.database.read_bytes()
        killed_in(migrate(server, url), "action_attempt")
        second = migrate(server, url)
        out, err = second.communicate(timeout=60)
        assert second.returncode == 0, err
        first = next(line.split() for line in err.splitlines() if "action_attempt" in line)
        assert int(first[1].replace(",", "")) > 5_000, "it went on where it was"
        total = compare(server.database, url)
        assert total > ATTEMPTS
        assert f"{total:,} rows" in out
        assert server.database.read_bytes() == before
        again = migrate(server, url)
        assert again.wait(30) != 0, "the target holds an installation now"
        assert "holds an installation" in again.communicate()[1]
        key = Path(f"{server.database}.key")
        server.environment |= {
            "LATCHWORK_DATABASE_URL": url,
            "LATCHWORK_SECRET_KEY_FILE": str(key),
        }
        server.start()
        device_id = listed[0]["device_id"]
        moved = server.call("/access_codes/list", device_id=device_id)["access_codes"]
        assert [c["code"] for c in moved] == [c["code"] for c in listed]
        assert (server.code(code) or {})["status"] == "set"
