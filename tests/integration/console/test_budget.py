"""What the first page costs: bytes that travel, and questions to the database."""

import re
import sqlite3
from typing import Any, cast

from latchwork.console.rendering import ASSETS
from latchwork.storage.sqlite.storage import SqliteStorage
from support.browser import Browser

FIRST_PAGE: int = 100_000
"""Bytes of the page with all that it needs, none of it compressed."""
QUESTIONS = 16


async def furnished(browser: Browser, locks: int, codes: int) -> None:
    house = browser.house
    for number in range(locks):
        lock = await house.add_lock(display_name=f"Apartment {number} of the long street")
        for guest in range(codes):
            await house.ok(
                "/access_codes/create",
                device_id=lock,
                name=f"Guest number {guest} of {number}",
                starts_at="2026-11-24T16:00:00Z",
                ends_at="2026-12-24T16:00:00Z",
            )


async def asked(browser: Browser, path: str) -> int:
    """How many statements the page takes."""
    storage = cast("SqliteStorage", browser.house.storage)
    connection: sqlite3.Connection = cast("Any", storage)._db._connections[0]
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    await browser.get(path)
    connection.set_trace_callback(None)
    return sum(statement.startswith("SELECT") for statement in statements)


async def test_the_first_page_is_light(inside: Browser) -> None:
    await furnished(inside, 30, 3)
    page = await inside.get()
    assets = set(re.findall(r'(?:src|href)="(/console/assets/[^"]+)"', page))
    assert len(assets) >= 4
    sizes = {"page": len(page.encode())}
    for path in assets:
        sizes[path] = len((await inside.client.get(path)).content)
    assert sum(sizes.values()) < FIRST_PAGE, sizes


async def test_pages_ask_as_much_for_many_codes_as_for_few(inside: Browser) -> None:
    await furnished(inside, 2, 1)
    paths = ("", "/timeline", "/codes", "/locks", "/events", "/audit")
    few = {path: await asked(inside, path) for path in paths}
    await furnished(inside, 8, 4)
    many = {path: await asked(inside, path) for path in paths}
    assert few == many
    assert max(many.values()) <= QUESTIONS, many


def test_every_asset_is_served_and_has_its_licence() -> None:
    assert any("htmx" in name and name.endswith(".js") for name in ASSETS)
    assert "htmx-LICENSE.txt" in ASSETS
