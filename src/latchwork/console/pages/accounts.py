"""Connected accounts; new ones are connected on the connect page, which tries them first."""

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from latchwork.api.endpoint import LARGEST_PAGE
from latchwork.console.rendering import HEADERS, page, to
from latchwork.console.routing import ROOT, Route
from latchwork.console.visit import Visit
from latchwork.console.words import Look
from latchwork.domain.device import ConnectedAccount

UP: Final = Look("set", "Connected")
DOWN: Final = Look("failed", "Not connected")
WARNED: Final = Look("late", "Needs attention")


def look_of(account: ConnectedAccount) -> Look:
    if not account.connected:
        return DOWN
    return WARNED if account.errors or account.warnings else UP


async def accounts(visit: Visit) -> Response:
    found = await visit.storage.accounts(visit.workspace_id, limit=LARGEST_PAGE, cursor=None)
    shown = [
        (
            account,
            look_of(account),
            await visit.storage.count_devices([account.connected_account_id]),
        )
        for account in found.items
    ]
    return page(visit, "accounts.html", accounts=shown)


async def connect(visit: Visit) -> Response:
    """To the page where a provider is chosen and tried, and from there back here."""
    url = visit.request.url
    back = f"{url.scheme}://{url.netloc}{ROOT}/accounts?told=connected"
    made = await visit.ask(
        "/connect_webviews/create",
        custom_redirect_url=back,
        custom_redirect_failure_url=f"{url.scheme}://{url.netloc}{ROOT}/accounts",
        wait_for_device_creation=True,
    )
    link = urlsplit(made["connect_webview"]["url"])
    # By its path: the browser stays at the address by which it reaches this server.
    return RedirectResponse(f"{link.path}?{link.query}", 303, HEADERS)


async def sync(visit: Visit) -> Response:
    await visit.ask("/connected_accounts/sync", connected_account_id=visit.names["account_id"])
    return to("/accounts", "synced")


async def delete(visit: Visit) -> Response:
    await visit.ask("/connected_accounts/delete", connected_account_id=visit.names["account_id"])
    return to("/accounts", "account-deleted")


ROUTES: Final = (
    Route("GET", "/accounts", accounts),
    Route("POST", "/accounts", connect),
    Route("POST", "/accounts/{account_id}/sync", sync),
    Route("POST", "/accounts/{account_id}/delete", delete),
)
