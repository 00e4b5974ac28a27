"""PINs made for callers who name none."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import product
from typing import Final

from latchwork.domain.constraints import EXISTING_SET, FORBIDDEN_DIGITS, is_weak, violations
from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Pin

USUAL_LENGTH: Final = 4
TRIES: Final = 500
"""Draws before a length is counted through, or left for the next when it is too large for that."""
COUNTABLE: Final = 10_000
"""How many PINs of one length are counted through at most."""


def generate_pin(
    capabilities: LockCapabilities,
    taken: Collection[Pin],
    preferred_length: int | None,
    randbelow: Callable[[int], int],
) -> Pin:
    """A PIN that breaks none of the lock's rules, is not `taken` and is not trivially weak;
    every such PIN of its length is equally likely.

    The length is the supported one nearest to `preferred_length`, or the shortest of at least
    four; when no PIN of it is free the longer ones come next, then the shorter ones. `taken`:
    the PINs on the lock. `randbelow(n)`: a secure, uniform integer from 0 to n - 1.

    Raises Rejected with `no_free_pin` when no PIN is left, or with
    `pin_code_matches_existing_set` when the lock takes no new PINs at all.
    """
    if any(c.constraint_type == EXISTING_SET for c in capabilities.constraints):
        raise Rejected(
            EXISTING_SET, "This lock takes only PINs that exist already in its account: name one."
        )
    is_free = _filter(capabilities, taken)
    alphabet = _alphabet(capabilities)
    for length in _lengths(capabilities.code_lengths, preferred_length):
        code = _draw(alphabet, length, is_free, randbelow)
        if code is not None:
            return Pin(code)
    raise Rejected("no_free_pin", "No PIN that meets the lock's constraints is free on it.")


def _filter(capabilities: LockCapabilities, taken: Collection[Pin]) -> Callable[[str], bool]:
    codes = {pin.reveal() for pin in taken}
    return lambda code: (
        code not in codes
        and not is_weak(code)
        and not violations(code, capabilities, existing=taken, custom=False)
    )


def _alphabet(capabilities: LockCapabilities) -> str:
    forbidden = "".join(
        FORBIDDEN_DIGITS.get(c.constraint_type, "") for c in capabilities.constraints
    )
    return "".join(c for c in dict.fromkeys(capabilities.characters) if c not in forbidden)


def _lengths(supported: Iterable[int], preferred: int | None) -> Iterator[int]:
    lengths = sorted(set(supported))
    if not lengths:
        return
    if preferred is None:
        first = next((length for length in lengths if length >= USUAL_LENGTH), lengths[-1])
    else:
        first = min(lengths, key=lambda length: (abs(length - preferred), -length))
    yield from (length for length in lengths if length >= first)
    yield from (length for length in reversed(lengths) if length < first)


def _draw(
    alphabet: str, length: int, is_free: Callable[[str], bool], randbelow: Callable[[int], int]
) -> str | None:
    if not alphabet:
        return None
    for _ in range(TRIES):
        code = "".join(alphabet[randbelow(len(alphabet))] for _ in range(length))
        if is_free(code):
            return code
    if len(alphabet) ** length > COUNTABLE:
        return None
    free = [code for code in map("".join, product(alphabet, repeat=length)) if is_free(code)]
    return free[randbelow(len(free))] if free else None
