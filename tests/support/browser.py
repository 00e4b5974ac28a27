"""The console as a browser without JavaScript sees it, over the API's house."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from latchwork.api.desk import Desk
from latchwork.console.app import Console
from latchwork.console.live import Live
from latchwork.console.visit import ConsoleDeps
from latchwork.domain.credentials import ApiKey
from latchwork.domain.pin import Secret
from support.api_house import KEY, ApiHouse, api_house

OWN = {"sec-fetch-site": "same-origin", "origin": "http://latchwork.test"}
MADE_KEY = "seam_lwmade0by0the0console0for0a0test"


class Browser:
    """`house` is the same server, asked as an API."""

    def __init__(self, house: ApiHouse) -> None:
        self.house = house
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=house.app),
            base_url="http://latchwork.test",
            headers={"sec-fetch-site": "same-origin"},
        )

    async def sign_in(self, key: str = KEY) -> httpx.Response:
        return await self.client.post("/console/sign-in", data={"key": key}, headers=OWN)

    async def get(self, path: str = "", status: int = 200) -> str:
        response = await self.client.get(f"/console{path}")
        assert response.status_code == status, response.text
        return response.text

    async def token(self) -> str:
        return found(r'name="form_token" value="([^"]+)"', await self.get())

    async def post(self, path: str, **typed: str) -> httpx.Response:
        """Sends a form of one of our pages."""
        data = {"form_token": await self.token(), **typed}
        return await self.client.post(f"/console{path}", data=data, headers=OWN)

    async def done(self, path: str, **typed: str) -> str:
        """The page that a form which was accepted leads to."""
        response = await self.post(path, **typed)
        assert response.status_code == 303, response.text
        return await self.get(response.headers["location"].removeprefix("/console"))


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} not in {text}"
    return html.unescape(match[1])


@asynccontextmanager
async def browser(**deps: Any) -> AsyncIterator[Browser]:
    """Signed in nowhere yet."""

    async def new_api_key(workspace_id: str, name: str) -> Secret:
        key = ApiKey(
            api_key_id=house.new_id(),
            workspace_id=workspace_id,
            name=name,
            hint=MADE_KEY[-4:],
            created_at=house.now,
        )
        await house.storage.add_api_key(key, Secret(MADE_KEY))
        return Secret(MADE_KEY)

    def console(desk: Desk) -> Any:
        live = Live(desk.deps.storage, desk.deps.sleep)
        return Console(desk, ConsoleDeps(new_api_key=new_api_key, live=live)).answer

    async with api_house(console=console, **deps) as house:
        made = Browser(house)
        try:
            yield made
        finally:
            await made.client.aclose()
