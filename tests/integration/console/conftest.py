from collections.abc import AsyncIterator

import pytest

from support.browser import Browser, browser


@pytest.fixture
async def outside() -> AsyncIterator[Browser]:
    """Nobody has signed in yet."""
    async with browser() as made:
        yield made


@pytest.fixture
async def inside(outside: Browser) -> Browser:
    """Signed in with the house's key."""
    response = await outside.sign_in()
    assert response.status_code == 303, response.text
    return outside
