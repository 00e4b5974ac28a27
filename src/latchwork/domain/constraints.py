"""What a lock asks of a PIN, in Seam's constraint types.

Messages are for callers and never hold the PIN. A constraint type that is not known here is
passed over, and named by `unknown_constraints`.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.domain.pin import Pin

CODE_LENGTH: Final = "supported_code_lengths"
CHARACTERS: Final = "supported_characters"
CANNOT_SPECIFY: Final = "cannot_specify_pin_code"
START_IN_FUTURE: Final = "start_date_in_future"
EXISTING_SET: Final = "pin_code_matches_existing_set"
NAME_LENGTH: Final = "name_length"
NAME_UNIQUE: Final = "name_must_be_unique"

FORBIDDEN_DIGITS: Final = {
    "no_zeros": "0",
    "cannot_contain_089": "089",
    "cannot_contain_0789": "0789",
}
"""Constraint types that rule out single digits wherever they stand in the PIN."""

_PREFIX = 4


class Violation(msgspec.Struct, frozen=True):
    """One rule that is broken: Seam's constraint type, or `supported_code_lengths` or
    `supported_characters`."""

    rule: str
    message: str


def violations(
    code: str,
    capabilities: LockCapabilities,
    *,
    existing: Collection[Pin] = (),
    starts_at: datetime | None = None,
    now: datetime | None = None,
    custom: bool = True,
) -> tuple[Violation, ...]:
    """Every rule of the lock that a code with this PIN and start would break.

    `existing`: the PINs on the lock but for the code's own. `starts_at`: of a time-bound code
    (`now` when the caller named no start); None for an ongoing one. `custom`: whether a caller
    chose the PIN. start_date_in_future is judged only with both `starts_at` and `now`.
    """
    found = [*_shape_violations(code, capabilities)]
    for constraint in capabilities.constraints:
        kind = constraint.constraint_type
        if kind == START_IN_FUTURE:
            broken = starts_at is not None and now is not None and starts_at <= now
        elif kind == CANNOT_SPECIFY:
            broken = custom
        elif kind in _PIN_RULES:
            broken = _PIN_RULES[kind](code, existing)
        else:
            continue
        if broken:
            found.append(Violation(kind, _MESSAGES[kind]))
    return tuple(found)


def rules_of_pins(capabilities: LockCapabilities) -> tuple[Violation, ...]:
    """Every rule that `violations` may find a PIN of the lock to break, with its words."""
    rules = [_length_rule(capabilities), _characters_rule(capabilities)]
    for constraint in capabilities.constraints:
        kind = constraint.constraint_type
        if kind in _PIN_RULES:
            rules.append(Violation(kind, _MESSAGES[kind]))
    return tuple(rules)


def unknown_constraints(capabilities: LockCapabilities) -> tuple[str, ...]:
    """The constraint types of the lock that are known neither here nor to `names.fitted`."""
    known = _MESSAGES.keys() | {NAME_LENGTH, NAME_UNIQUE}
    return tuple(
        c.constraint_type for c in capabilities.constraints if c.constraint_type not in known
    )


def is_weak(code: str) -> bool:
    """Whether anyone would try this PIN first: one repeated digit, or a straight sequence."""
    return _all_same(code) or _is_sequence(code)


def _shape_violations(code: str, capabilities: LockCapabilities) -> Iterable[Violation]:
    if len(code) not in capabilities.code_lengths:
        yield _length_rule(capabilities)
    if not set(code) <= set(capabilities.characters):
        yield _characters_rule(capabilities)


def _length_rule(capabilities: LockCapabilities) -> Violation:
    lengths = _listed(sorted(set(capabilities.code_lengths)))
    return Violation(CODE_LENGTH, f"The PIN must have a length that the lock takes: {lengths}.")


def _characters_rule(capabilities: LockCapabilities) -> Violation:
    text = f"The PIN may only hold these characters: {capabilities.characters}."
    return Violation(CHARACTERS, text)


def _listed(numbers: Collection[int]) -> str:
    *most, last = [str(number) for number in numbers] or ["none"]
    return f"{', '.join(most)} or {last}" if most else last


def _steps(code: str) -> list[int]:
    return [ord(after) - ord(before) for before, after in pairwise(code)]


def _all_same(code: str, _existing: Collection[Pin] = ()) -> bool:
    """no_all_same_digits: the whole PIN is one digit repeated."""
    return len(set(code)) == 1


def _is_sequence(code: str, _existing: Collection[Pin] = ()) -> bool:
    """no_ascending_or_descending_sequence: the whole PIN counts up or down by one; 9 to 0 does
    not count on."""
    steps = set(_steps(code))
    return steps in ({1}, {-1})


def _has_triple(code: str, _existing: Collection[Pin]) -> bool:
    """no_triple_consecutive_ints: anywhere three digits in a row are equal, or count up or down
    by one."""
    return any(one == other and abs(one) <= 1 for one, other in pairwise(_steps(code)))


def _starts_with_12(code: str, _existing: Collection[Pin]) -> bool:
    """cannot_start_with_12: the first two digits are 1 and 2."""
    return code.startswith("12")


def _under_three_digits(code: str, _existing: Collection[Pin]) -> bool:
    """at_least_three_unique_digits: fewer than three different digits occur."""
    return len(set(code)) < 3


def _prefix_taken(code: str, existing: Collection[Pin]) -> bool:
    """unique_first_four_digits: another PIN on the lock begins with the same four digits."""
    return any(pin.reveal()[:_PREFIX] == code[:_PREFIX] for pin in existing)


def _outside_set(code: str, existing: Collection[Pin]) -> bool:
    """pin_code_matches_existing_set: the PIN is not one of those that exist already."""
    return Pin(code) not in existing


def _holds(digits: str) -> Callable[[str, Collection[Pin]], bool]:
    """no_zeros, cannot_contain_089, cannot_contain_0789: any of the digits occurs anywhere."""
    return lambda code, _existing: not set(digits).isdisjoint(code)


_PIN_RULES: Final[dict[str, Callable[[str, Collection[Pin]], bool]]] = {
    **{kind: _holds(digits) for kind, digits in FORBIDDEN_DIGITS.items()},
    "cannot_start_with_12": _starts_with_12,
    "no_triple_consecutive_ints": _has_triple,
    EXISTING_SET: _outside_set,
    "no_ascending_or_descending_sequence": _is_sequence,
    "at_least_three_unique_digits": _under_three_digits,
    "unique_first_four_digits": _prefix_taken,
    "no_all_same_digits": _all_same,
}

_MESSAGES: Final = {
    "no_zeros": "The PIN must not hold a 0.",
    "cannot_contain_089": "The PIN must not hold a 0, 8 or 9.",
    "cannot_contain_0789": "The PIN must not hold a 0, 7, 8 or 9.",
    "cannot_start_with_12": "The PIN must not start with 12.",
    "no_triple_consecutive_ints": (
        "The PIN must not hold three equal or three consecutive digits in a row."
    ),
    CANNOT_SPECIFY: "The PIN cannot be chosen on this lock: leave it out and one is generated.",
    EXISTING_SET: "The PIN must be one that exists already in the lock's account.",
    START_IN_FUTURE: "A time-bound code on this lock must start in the future.",
    "no_ascending_or_descending_sequence": (
        "The PIN must not be an ascending or descending sequence."
    ),
    "at_least_three_unique_digits": "The PIN must hold at least three different digits.",
    "unique_first_four_digits": (
        "The first four digits must differ from those of every other PIN on the lock."
    ),
    "no_all_same_digits": "The PIN must not be one digit repeated.",
}
