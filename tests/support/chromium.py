"""Headless Chromium, as the browser tests of the console use it."""

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = Path(__file__).parents[1] / "rigs/browser/node_modules/axe-core/axe.min.js"
SHOTS = os.environ.get("LATCHWORK_SCREENSHOTS")
"""Where screenshots are kept; without it none are taken."""
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
HIGHEST = 1200
"""Pixels of a screenshot."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, or the one that is there (`make chromium`)."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "run `make chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def serious_issues(page: Page, *, colors_alone: bool = False) -> list[str]:
    """What axe-core finds serious or critical, with where; of the contrast of colours alone, if so
    asked."""
    # As an expression: a script tag is what the pages' own policy forbids.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = ["color-contrast"] if colors_alone else None
    found: dict[str, Any] = page.evaluate("rules => axe.run(rules ? {runOnly: rules} : {})", rules)
    return [
        f"{issue['id']}: {[node['target'] for node in issue['nodes']][:3]} {issue['help']}"
        for issue in found["violations"]
        if issue["impact"] in {"serious", "critical"}
    ]


def keep_screenshot(page: Page, name: str) -> None:
    """As WebP, which is small."""
    if SHOTS is None:
        return
    session = page.context.new_cdp_session(page)
    size = page.viewport_size or DESKTOP
    height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    answer = session.send("Page.captureScreenshot", {"format": "webp", "quality": 65})
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    (Path(SHOTS) / f"{name}.webp").write_bytes(base64.b64decode(answer["data"]))
