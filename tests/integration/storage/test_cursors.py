"""Cursors that no server gave out."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.domain.errors import Rejected
from latchwork.storage import cursor as cursors
from latchwork.storage.interface import CodeFilter, DeviceFilter, EventFilter
from support.stored import Stored


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


MALFORMED = ["", "a", "%%%", "ünicode", encoded("no separator"), encoded(":id"), encoded("12:")]
MALFORMED += [encoded("x:id"), encoded(f"{2**64}:id"), "A" * 5000]


@pytest.mark.parametrize("cursor", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_malformed_cursor_is_refused_by_every_list(stored: Stored, cursor: str) -> None:
    storage = stored.storage
    for listed in (
        storage.codes("ws", CodeFilter(), limit=5, cursor=cursor),
        storage.devices("ws", DeviceFilter(), limit=5, cursor=cursor),
        storage.events("ws", EventFilter(), limit=5, cursor=cursor),
        storage.accounts("ws", limit=5, cursor=cursor),
        storage.attempts("ws", ids=None, device_id=None, limit=5, cursor=cursor),
    ):
        with pytest.raises(Rejected) as refused:
            await listed
        assert refused.value.rule == "page_cursor"


async def test_a_cursor_of_another_list_is_refused_or_harmless(stored: Stored) -> None:
    cursor = cursors.encode(0, "some-uuid")
    with pytest.raises(Rejected):
        await stored.storage.events("ws", EventFilter(), limit=5, cursor=cursor)
    page = await stored.storage.codes("ws", CodeFilter(), limit=5, cursor=cursors.encode(0, "7"))
    assert page.items == ()


@given(st.integers(0, 2**62), st.text("0123456789abcdef-", min_size=1, max_size=40))
def test_a_cursor_says_again_what_was_put_in(instant: int, row_id: str) -> None:
    assert cursors.decode(cursors.encode(instant, row_id)) == (instant, row_id)


@given(st.text(max_size=60))
def test_no_text_breaks_the_decoder(text: str) -> None:
    try:
        instant, row_id = cursors.decode(text)
    except Rejected:
        return
    assert isinstance(instant, int)
    assert row_id
