"""What the documentation shows works, typed into a running sandbox page by page, in order.

A page's snippets of one language are one program; `seam_...` and the address are those of the
server, `whsec_...` is a webhook's secret. Each page that holds such snippets is listed here, and a
page that is not fails the last test.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from latchwork.webhooks.signing import new_secret, signed_headers
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]

ROOT = Path(__file__).parents[2]
NODE = ROOT / "tests" / "rigs" / "seam_js"
RUN = {
    "python": [sys.executable, "-W", "error"],
    "js": ["node", "--input-type=module", "-"],
    "sh": ["bash", "-euo", "pipefail"],
    "ruby": ["ruby"],
    "php": ["php"],
}
PAGES = [
    ("docs/guide/python.md", "python"),
    ("docs/guide/javascript.md", "js"),
    ("docs/guide/curl.md", "sh"),
    ("docs/guide/ruby.md", "ruby"),
    ("docs/guide/php.md", "php"),
    ("docs/getting-started.md", "python"),
    ("docs/migrating-from-seam.md", "python"),
    ("docs/access.md", "sh"),
    ("docs/connecting.md", "sh"),
    ("README.md", "python"),
]
ELSEWHERE = {
    ("docs/webhooks.md", "python"): "tests/unit/webhooks/test_guide.py",
    ("docs/webhooks.md", "js"): "test_the_receiver_in_javascript",
    ("docs/drivers/writing-a-driver.md", "python"): "tests/acceptance/test_example_driver.py",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path_factory.mktemp("docs"), "--demo") as process:
        wait_for("the locks", lambda: process.post("/devices/get", name="Front Door").ok)
        yield process


def snippets(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("page", "language"), PAGES)
def test_the_snippets_of(page: str, language: str, server: LatchworkProcess) -> None:
    program = RUN[language]
    if shutil.which(program[0]) is None:
        pytest.skip(f"NOT TESTED HERE, {page}: {program[0]} is not installed")
    found = snippets(page, language)
    assert found
    text = "\n".join(found).replace("seam_...", API_KEY)
    text = text.replace("http://127.0.0.1:8700", server.url)
    done = subprocess.run(
        program, input=text, cwd=NODE, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for code in server.call("/access_codes/list")["access_codes"]:
        server.call("/access_codes/delete", access_code_id=code["access_code_id"])


def test_the_receiver_in_javascript() -> None:
    secret = new_secret(b"g" * 32)
    body = b'{"event_id":"e-1","event_type":"access_code.set_on_device"}'
    headers = signed_headers([secret], "msg-1", datetime.now(UTC), body)
    [code] = snippets("docs/webhooks.md", "js")
    given = f"const body = {json.dumps(body.decode())}\nconst headers = {json.dumps(headers)}\n"
    text = given + code.replace("whsec_...", secret.reveal()) + "console.log(event.event_type)\n"
    done = subprocess.run(
        RUN["js"], input=text, cwd=NODE, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "access_code.set_on_device\n", done.stderr


def test_no_snippet_is_left_out() -> None:
    pages = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    held = {
        (str(page.relative_to(ROOT)), language)
        for page in pages
        for language in RUN
        if snippets(str(page.relative_to(ROOT)), language)
    }
    assert held == {*PAGES, *ELSEWHERE}
