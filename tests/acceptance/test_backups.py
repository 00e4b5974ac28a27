"""A backup of a running server, and the server that goes on from it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support.server import LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]


def latchwork(server: LatchworkProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LATCHWORK_")}
    return subprocess.run(
        [sys.executable, "-m", "latchwork.cli.main", *arguments],
        env={**inherited, **server.environment, "HOME": str(server.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_server_is_backed_up_while_it_runs_and_goes_on_from_the_backup(tmp_path: Path) -> None:
    server = LatchworkProcess(tmp_path)
    file = tmp_path / "monday.db"
    with server:
        server.call(
            "/latchwork/connected_accounts/connect", provider="simulator", settings={"count": 1}
        )
        [lock] = wait_for("the lock", lambda: server.call("/devices/list")["devices"])
        code = server.call("/access_codes/create", device_id=lock["device_id"], code="4711")
        code_id = code["access_code"]["access_code_id"]
        wait_for("set", lambda: (server.code(code_id) or {}).get("status") == "set")

        made = latchwork(server, "backup", str(file), "--with-key")
        assert made.returncode == 0, made.stderr
        assert "in clear" in made.stdout
        key = Path(f"{file}.key")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert key.read_bytes() == Path(f"{server.database}.key").read_bytes()

        refused = latchwork(server, "restore", str(file), "--replace")
        assert refused.returncode == 1
        assert "Stop it first" in refused.stderr

        later = server.call("/access_codes/create", device_id=lock["device_id"], code="4712")
        later_id = later["access_code"]["access_code_id"]
        server.stop()
        done = latchwork(server, "restore", str(file), "--replace")
        assert done.returncode == 0, done.stderr
        server.start()
        assert server.code(later_id) is None
        wait_for("set again", lambda: (server.code(code_id) or {}).get("status") == "set")
