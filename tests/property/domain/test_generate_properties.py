"""Whatever the lock's rules: a generated PIN breaks none, is free, and is not predictable."""

import random
from collections import Counter
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from latchwork.domain.constraints import is_weak, violations
from latchwork.domain.device import CodeConstraint, LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.generate import generate_pin
from latchwork.domain.pin import Pin

KINDS = (
    "no_zeros",
    "cannot_start_with_12",
    "no_triple_consecutive_ints",
    "cannot_specify_pin_code",
    "start_date_in_future",
    "no_ascending_or_descending_sequence",
    "at_least_three_unique_digits",
    "cannot_contain_089",
    "cannot_contain_0789",
    "unique_first_four_digits",
    "no_all_same_digits",
    "must_be_prime",
)

locks = st.builds(
    LockCapabilities,
    code_lengths=st.lists(st.integers(4, 8), min_size=1, unique=True).map(tuple),
    characters=st.sampled_from(["0123456789", "123456", "12345", "987654321"]),
    constraints=st.lists(st.sampled_from(KINDS), unique=True).map(
        lambda kinds: tuple(CodeConstraint(kind) for kind in kinds)
    ),
)
pins = st.text("0123456789", min_size=4, max_size=8).map(Pin)


@given(
    capabilities=locks,
    taken=st.lists(pins, max_size=20),
    preferred=st.none() | st.integers(1, 12),
    seed=st.integers(0, 2**32),
)
def test_a_generated_pin_breaks_no_rule_and_is_free(
    capabilities: LockCapabilities, taken: list[Pin], preferred: int | None, seed: int
) -> None:
    pin = generate_pin(capabilities, taken, preferred, random.Random(seed).randrange)
    assert violations(pin.reveal(), capabilities, existing=taken, custom=False) == ()
    assert pin not in taken
    assert not is_weak(pin.reveal())


@given(capabilities=locks, seed=st.integers(0, 2**32))
def test_pins_stay_distinct_on_a_lock_that_fills_up(
    capabilities: LockCapabilities, seed: int
) -> None:
    draw = random.Random(seed).randrange
    taken: list[Pin] = []
    with suppress(Rejected):
        for _ in range(12):
            taken.append(generate_pin(capabilities, taken, None, draw))
    assert len(set(taken)) == len(taken) == 12


@given(
    code=st.text(max_size=14) | st.text("0123456789"),
    capabilities=locks,
    existing=st.lists(pins, max_size=5),
)
def test_any_text_is_judged_without_being_shown(
    code: str, capabilities: LockCapabilities, existing: list[Pin]
) -> None:
    found = violations(code, capabilities, existing=existing)
    texts = " ".join(violation.message for violation in found)
    if len(code) >= 4 and code.isdecimal() and code not in capabilities.characters:
        assert code not in texts


def test_every_pin_of_a_small_space_is_equally_likely() -> None:
    capabilities = LockCapabilities(characters="1234", code_lengths=(4,))
    draw = random.Random(20260301).randrange
    counts = Counter(generate_pin(capabilities, (), None, draw).reveal() for _ in range(25_000))
    space = 4**4 - 4 - 2
    assert len(counts) == space
    mean = 25_000 / space
    chi_square = sum((count - mean) ** 2 / mean for count in counts.values())
    assert chi_square < 340  # 249 degrees of freedom: exceeded by chance once in ten thousand


def test_every_digit_is_equally_likely_in_every_place() -> None:
    draw = random.Random(7).randrange
    counts = [Counter() for _ in range(6)]
    for _ in range(10_000):
        pin = generate_pin(LockCapabilities(), (), 6, draw)
        for place, digit in enumerate(pin.reveal()):
            counts[place][digit] += 1
    assert all(850 < count < 1150 for place in counts for count in place.values())
