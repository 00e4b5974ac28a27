"""What is packed is whole: the image's steps, and the sdist, in clean environments."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import requests

from support.dockerfile import Image
from support.server import free_port, wait_for

pytestmark = [pytest.mark.acceptance]

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src"


def packed() -> set[str]:
    """Every file that the package needs."""
    tracked = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.removeprefix("src/") for name in tracked.stdout.splitlines()}


def test_wheel_and_sdist_hold_everything(tmp_path: Path) -> None:
    """The wheel is built from the sdist, so that it lacks nothing of what building needs."""
    hatch = [sys.executable, "-m", "hatchling", "build", "-d", tmp_path]
    subprocess.run([*hatch, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    [archive] = tmp_path.glob("*.tar.gz")
    # Python's own unpacking wants a filter from 3.12 on, and knows none before 3.11.4.
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    [unpacked] = [p for p in tmp_path.iterdir() if p.is_dir()]
    subprocess.run([*hatch, "-t", "wheel"], cwd=unpacked, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert packed() - names == set()
    assert any(name.endswith(("/licenses/LICENSE", "/LICENSE")) for name in names)


def test_the_images_steps_make_a_server_that_works_and_stops(tmp_path: Path) -> None:
    image = Image(tmp_path, ROOT)
    image.build(ROOT / "Dockerfile")
    ours = "import latchwork, os; assert latchwork.__file__.startswith(os.getcwd())"
    assert image.run(["python", "-c", ours]).wait(10) == 0
    suite = "from latchwork.drivers.conformance import Bench, BEHAVIOURS; assert BEHAVIOURS"
    assert image.run(["python", "-c", suite]).wait(20) == 0
    port = str(free_port())
    here = {"LATCHWORK_HOST": "127.0.0.1", "LATCHWORK_PORT": port, "LATCHWORK_DEMO": "on"}
    server = image.run([*image.entrypoint, *image.command], HOME=str(tmp_path), **here)
    try:
        wait_for("the health check", lambda: image.run(image.health, **here).wait(10) == 0)
        url = f"http://127.0.0.1:{port}"
        key = (tmp_path / "data" / "latchwork.sqlite3.demo-api-key").read_text()
        headers = {"authorization": f"Bearer {key}"}
        assert requests.post(f"{url}/devices/list", json={}, headers=headers, timeout=5).ok
        for page in ("/docs", "/openapi.json", "/ready", "/metrics"):
            assert requests.get(f"{url}{page}", timeout=5).ok, page
    finally:
        server.terminate()
        began = time.monotonic()
        assert server.wait(20) == 0
        assert time.monotonic() - began < 10
    assert image.run(image.health, **here).wait(10) != 0
