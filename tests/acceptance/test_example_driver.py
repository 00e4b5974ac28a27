"""A driver of somebody else: installed apart, found by its entry point, held to the suite, used."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.server import LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "latchwork-driver-example"
NEW_LOCK = {
    "name": "Shed", "codes": {}, "locked": True, "battery": 0.9, "offline": False, "told": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example's package and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    alone = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *alone, "--target", target, EXAMPLE],
        check=True,
    )
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_is_found_by_its_entry_point_alone(installed: Path) -> None:
    ask = "from latchwork.drivers import registry; print('example' in registry.load())"
    assert run(installed, "-c", ask).stdout.strip() == "True"
    without = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    )
    assert without.stdout.strip() == "False"


def test_it_conforms(installed: Path) -> None:
    config = ["-c", str(EXAMPLE / "pyproject.toml"), "-p", "no:cacheprovider"]
    ended = run(installed, "-m", "pytest", *config, "-q", str(EXAMPLE / "tests"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "19 passed, 9 skipped" in ended.stdout


def test_a_server_drives_its_locks(installed: Path, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    file = locks / "shed.json"
    file.write_text(json.dumps(NEW_LOCK))
    with LatchworkProcess(tmp_path, PYTHONPATH=str(installed)) as server:
        server.call(
            "/latchwork/connected_accounts/connect",
            provider="example",
            settings={"folder": str(locks)},
        )
        [lock] = wait_for(
            "the lock", lambda: server.call("/devices/list", manufacturer="Example")["devices"]
        )
        code = server.call(
            "/access_codes/create", device_id=lock["device_id"], name="Ada", code="4711"
        )["access_code"]

        def status() -> Any:
            asked = {"access_code_id": code["access_code_id"]}
            return server.call("/access_codes/get", **asked)["access_code"]["status"] == "set"

        wait_for("the code to be set", status)
    assert json.loads(file.read_text())["codes"] == {"1": "4711"}
