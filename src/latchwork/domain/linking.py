"""One PIN for several locks: which of them can share it, and a PIN that suits them all."""

from collections.abc import Callable, Sequence

import msgspec

from latchwork.domain.constraints import CANNOT_SPECIFY, EXISTING_SET
from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.generate import generate_pin
from latchwork.domain.pin import Pin


class Door(msgspec.Struct, frozen=True):
    """A lock that shall take the PIN: its rules, and the PINs that it has."""

    rules: LockCapabilities
    taken: frozenset[Pin]


class Shared(msgspec.Struct, frozen=True):
    """The PIN, and which locks (by their place in the question) take it."""

    pin: Pin
    by: frozenset[int]


def share(
    doors: Sequence[Door],
    preferred_length: int | None,
    randbelow: Callable[[int], int],
    *,
    by_all: bool,
) -> Shared:
    """A generated PIN for all doors, or, unless it must be `by_all`, for as many as join in their
    order; of the preferred length where they take it. Raises Rejected with `cannot_share_code`
    when it must be shared and cannot be, with `no_free_pin` when not one of them takes any."""
    if by_all:
        try:
            pin = _common(doors, preferred_length, randbelow)
        except Rejected as error:
            raise Rejected("cannot_share_code", _WHY.format(error)) from None
        return Shared(pin, frozenset(range(len(doors))))
    return _greatest(doors, preferred_length, randbelow)


def _greatest(
    doors: Sequence[Door], preferred_length: int | None, randbelow: Callable[[int], int]
) -> Shared:
    members: list[int] = []
    found: Pin | None = None
    for place in range(len(doors)):
        tried = [*members, place]
        try:
            found = _common([doors[i] for i in tried], preferred_length, randbelow)
        except Rejected:
            continue
        members = tried
    if found is None:
        raise Rejected("no_free_pin", "None of the devices takes a code that can be shared.")
    return Shared(found, frozenset(members))


_WHY = "The devices cannot all have the same code. {}"


def _common(
    doors: Sequence[Door], preferred_length: int | None, randbelow: Callable[[int], int]
) -> Pin:
    taken = frozenset[Pin]().union(*(door.taken for door in doors))
    rules = _rules(doors)
    fits = preferred_length in rules.code_lengths
    return generate_pin(rules, taken, preferred_length if fits else None, randbelow)


def _rules(doors: Sequence[Door]) -> LockCapabilities:
    """What a PIN has to meet to suit all of them."""
    kinds = {c.constraint_type: c for door in doors for c in door.rules.constraints}
    for alone in (CANNOT_SPECIFY, EXISTING_SET):
        if alone in kinds and len(doors) > 1:
            raise Rejected(alone, "One of them takes only codes that its provider chooses.")
    first = doors[0].rules
    lengths = [n for n in first.code_lengths if all(n in d.rules.code_lengths for d in doors)]
    if not lengths:
        raise Rejected("supported_code_lengths", "There is no length that all of them take.")
    return LockCapabilities(
        code_lengths=tuple(lengths),
        characters="".join(
            c for c in first.characters if all(c in door.rules.characters for door in doors)
        ),
        constraints=tuple(kinds.values()),
    )
