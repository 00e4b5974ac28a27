"""An installation with something of every kind, and all that is seen of it."""

from latchwork.domain.pin import Secret
from latchwork.storage.interface import CodeFilter, EventFilter
from support.stored import Stored, a_foreign_code, an_entry


async def fill(stored: Stored) -> Stored:
    """`stored`, open and empty, with a house, a webhook, codes, positions and a driver's notes."""
    await stored.furnish()
    assert await stored.webhook(secret=Secret("whsec_bW92ZWQ="))
    codes = [await stored.create() for _ in range(12)]
    await stored.visit(ledger=(an_entry(codes[0]),), foreign=(a_foreign_code(),))
    await stored.storage.driver_store_save("acc", "key", b"\x00kept")
    return stored


async def everything(stored: Stored) -> list[object]:
    storage = stored.storage
    codes = await storage.codes("ws", CodeFilter(), limit=100, cursor=None)
    events = await storage.events("ws", EventFilter(), limit=100, cursor=None)
    found: list[object] = [codes.items, events.items, await storage.webhooks("ws")]
    found += [await storage.pins_on("dev"), await storage.driver_store_load("acc")]
    return [*found, await storage.account_settings("acc"), await storage.workspaces()]
