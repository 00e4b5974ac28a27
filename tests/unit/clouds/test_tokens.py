"""Access tokens: renewed once, kept, and shared with whoever renewed them before."""

import asyncio
from datetime import UTC, datetime, timedelta

from latchwork.domain.pin import Secret
from latchwork.drivers.clouds.tokens import Token, Tokens
from support.driver_context import HandClock, KeptStore


class Cloud:
    """Hands out token 1, 2, 3 ..., each good for an hour."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.given = 0
        self.standing: list[Token | None] = []

    async def renew(self, standing: Token | None) -> Token:
        self.standing.append(standing)
        await asyncio.sleep(0)
        self.given += 1
        return Token(
            access=Secret(f"token-{self.given}"),
            refresh=Secret("refresh"),
            expires_at=self.clock.now() + timedelta(hours=1),
            origin="a",
        )


def made() -> tuple[HandClock, Cloud, KeptStore]:
    clock = HandClock(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))
    return clock, Cloud(clock), KeptStore()


async def test_many_callers_make_one_renewal() -> None:
    clock, cloud, store = made()
    tokens = Tokens(store, clock, "a", cloud.renew)
    found = await asyncio.gather(*(tokens.access() for _ in range(5)))
    assert [token.reveal() for token in found] == ["token-1"] * 5
    rejected = await asyncio.gather(*(tokens.access(found[0]) for _ in range(5)))
    assert [token.reveal() for token in rejected] == ["token-2"] * 5


async def test_a_token_is_renewed_two_minutes_ahead() -> None:
    clock, cloud, store = made()
    tokens = Tokens(store, clock, "a", cloud.renew)
    await tokens.access()
    await clock.move(timedelta(minutes=57, seconds=59))
    assert (await tokens.access()).reveal() == "token-1"
    await clock.move(timedelta(seconds=1))
    assert (await tokens.access()).reveal() == "token-2"
    assert cloud.standing[1] is not None
    assert cloud.standing[1].refresh == Secret("refresh")


async def test_what_another_process_renewed_is_taken_over() -> None:
    clock, cloud, store = made()
    one, other = (Tokens(store, clock, "a", cloud.renew) for _ in range(2))
    first = await one.access()
    assert await other.access() == first
    second = await one.access(first)
    assert await other.access(first) == second
    assert cloud.given == 2


async def test_other_credentials_do_not_take_over_a_token() -> None:
    clock, cloud, store = made()
    await Tokens(store, clock, "a", cloud.renew).access()
    await Tokens(store, clock, "b", cloud.renew).access()
    assert cloud.standing == [None, None]
