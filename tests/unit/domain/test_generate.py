"""Which length a generated PIN gets, and what happens when PINs run out."""

import random
from itertools import product

import pytest

from latchwork.domain.constraints import is_weak
from latchwork.domain.device import CodeConstraint, LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.generate import generate_pin
from latchwork.domain.pin import Pin


def lock(*kinds: str, **fields: object) -> LockCapabilities:
    return LockCapabilities(constraints=tuple(CodeConstraint(kind) for kind in kinds), **fields)


def randbelow(seed: int = 1):
    return random.Random(seed).randrange


@pytest.mark.parametrize(
    ("lengths", "preferred", "expected"),
    [
        ((4, 5, 6), None, 4),
        ((6, 8), None, 6),
        ((3, 5), None, 5),
        ((2, 3), None, 3),
        ((4, 6), 6, 6),
        ((4, 6), 5, 6),
        ((4, 6), 12, 6),
        ((5, 8), 1, 5),
    ],
)
def test_length(lengths: tuple[int, ...], preferred: int | None, expected: int) -> None:
    pin = generate_pin(lock(code_lengths=lengths), (), preferred, randbelow())
    assert len(pin) == expected


def test_a_small_space_is_used_up_to_the_last_pin_and_then_refused() -> None:
    capabilities = lock(characters="123", code_lengths=(3,))
    taken: list[Pin] = []
    free = {"".join(p) for p in product("123", repeat=3)}
    free = {code for code in free if not is_weak(code)}
    for _ in free:
        taken.append(generate_pin(capabilities, taken, None, randbelow(len(taken))))
    assert {pin.reveal() for pin in taken} == free
    with pytest.raises(Rejected) as refusal:
        generate_pin(capabilities, taken, None, randbelow())
    assert refusal.value.rule == "no_free_pin"


def test_the_last_free_pin_of_four_digits_is_found() -> None:
    codes = ("".join(p) for p in product("0123456789", repeat=4))
    taken = [Pin(code) for code in codes if code != "7391"]
    assert generate_pin(lock(code_lengths=(4,)), taken, None, randbelow()) == Pin("7391")


def test_a_used_up_length_gives_way_to_the_next_longer_then_to_a_shorter_one() -> None:
    capabilities = lock(characters="12", code_lengths=(3, 4, 5))
    taken = [Pin("".join(p)) for p in product("12", repeat=4)]
    assert len(generate_pin(capabilities, taken, 4, randbelow())) == 5
    taken += [Pin("".join(p)) for p in product("12", repeat=5)]
    assert len(generate_pin(capabilities, taken, 4, randbelow())) == 3


def test_taken_first_four_digits_are_avoided() -> None:
    capabilities = lock("unique_first_four_digits", characters="123", code_lengths=(5,))
    taken = [Pin("".join(p) + "1") for p in product("123", repeat=4) if p != ("3", "1", "3", "2")]
    pin = generate_pin(capabilities, taken, None, randbelow())
    assert pin.reveal()[:4] == "3132"


def test_a_lock_of_existing_pins_alone_gets_no_generated_one() -> None:
    with pytest.raises(Rejected) as refusal:
        generate_pin(lock("pin_code_matches_existing_set"), [Pin("5820")], None, randbelow())
    assert refusal.value.rule == "pin_code_matches_existing_set"
    assert "5820" not in str(refusal.value)


@pytest.mark.parametrize(
    "capabilities",
    [lock(characters=""), lock(code_lengths=()), lock("no_zeros", characters="0")],
)
def test_nothing_to_draw_from(capabilities: LockCapabilities) -> None:
    with pytest.raises(Rejected) as refusal:
        generate_pin(capabilities, (), None, randbelow())
    assert refusal.value.rule == "no_free_pin"


def test_long_pins_under_narrow_rules() -> None:
    kinds = ("cannot_contain_0789", "no_triple_consecutive_ints", "at_least_three_unique_digits")
    assert len(generate_pin(lock(*kinds, code_lengths=(12,)), (), None, randbelow())) == 12
