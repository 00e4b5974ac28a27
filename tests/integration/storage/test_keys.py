"""Workspaces and API keys."""

import pytest

from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret
from latchwork.storage.interface import ApiKey
from support.stored import HOUR, NOW, Stored

SECRET = Secret("seam_test_abcdefgh")


def a_key(api_key_id: str = "key", workspace_id: str = "ws") -> ApiKey:
    return ApiKey(
        api_key_id=api_key_id, workspace_id=workspace_id, name="Demo", hint="efgh", created_at=NOW
    )


async def test_a_workspace_comes_back_as_it_was_stored(stored: Stored) -> None:
    await stored.workspace("other")
    other = await stored.storage.workspace("other")
    assert other is not None
    assert (other.workspace_id, other.name, other.is_sandbox) == ("other", "Workspace other", True)
    assert other.created_at == NOW
    assert await stored.storage.workspace("none") is None
    names = [w.workspace_id for w in await stored.storage.workspaces()]
    assert names == ["other", "ws"]


async def test_only_the_key_with_this_secret_authenticates(stored: Stored) -> None:
    await stored.storage.add_api_key(a_key(), SECRET)
    workspace = await stored.storage.workspace("ws")
    found = await stored.storage.authenticate(Secret("seam_test_abcdefgh"))
    assert found == (a_key(), workspace)
    assert await stored.storage.authenticate(Secret("seam_test_abcdefgi")) is None
    assert await stored.storage.authenticate(Secret("")) is None


async def test_a_revoked_key_authenticates_no_more(stored: Stored) -> None:
    await stored.storage.add_api_key(a_key(), SECRET)
    assert await stored.storage.revoke_api_key("key", NOW + HOUR)
    assert await stored.storage.authenticate(SECRET) is None
    (key,) = await stored.storage.api_keys()
    assert key.revoked_at == NOW + HOUR
    assert not await stored.storage.revoke_api_key("key", NOW + 2 * HOUR)
    assert not await stored.storage.revoke_api_key("none", NOW)


async def test_an_equal_key_of_the_workspace_is_left_as_it_is(stored: Stored) -> None:
    await stored.storage.add_api_key(a_key("first"), SECRET)
    await stored.storage.revoke_api_key("first", NOW)
    await stored.storage.add_api_key(a_key("second"), SECRET)
    assert [key.api_key_id for key in await stored.storage.api_keys()] == ["first"]
    assert await stored.storage.authenticate(SECRET) is None


async def test_a_key_of_another_workspace_is_refused(stored: Stored) -> None:
    await stored.workspace("other")
    await stored.storage.add_api_key(a_key("first"), SECRET)
    with pytest.raises(Rejected, match="another workspace") as refused:
        await stored.storage.add_api_key(a_key("second", "other"), SECRET)
    assert refused.value.rule == "api_key"
    assert [key.api_key_id for key in await stored.storage.api_keys()] == ["first"]


async def test_an_answering_database_is_healthy(stored: Stored) -> None:
    await stored.storage.healthy()
