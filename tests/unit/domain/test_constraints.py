"""Each rule of a lock refuses what it shall, lets pass what it shall, and never shows the PIN."""

from datetime import UTC, datetime, timedelta

import pytest

from latchwork.domain.constraints import (
    is_weak,
    unknown_constraints,
    violations,
)
from latchwork.domain.device import CodeConstraint, LockCapabilities
from latchwork.domain.pin import Pin

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ON_LOCK = (Pin("5820"), Pin("471199"))


def lock(*kinds: str, **fields: object) -> LockCapabilities:
    return LockCapabilities(constraints=tuple(CodeConstraint(kind) for kind in kinds), **fields)


def rules(code: str, capabilities: LockCapabilities, **arguments: object) -> set[str]:
    return {violation.rule for violation in violations(code, capabilities, **arguments)}


@pytest.mark.parametrize(
    ("kind", "refused", "taken"),
    [
        ("no_zeros", ["0123", "4750", "9099"], ["1239", "4758"]),
        ("cannot_start_with_12", ["1200", "129999"], ["2112", "1312", "0124"]),
        (
            "no_triple_consecutive_ints",
            ["7123", "9876", "5554", "61115", "4321"],
            ["1213", "1122", "8901", "1357", "112233"],
        ),
        (
            "no_ascending_or_descending_sequence",
            ["1234", "6789", "9876", "3210", "012345"],
            ["1235", "12343", "7890", "1357", "1111"],
        ),
        ("at_least_three_unique_digits", ["1111", "1212", "55554"], ["1213", "11123"]),
        ("cannot_contain_089", ["1230", "1283", "9111"], ["1237", "7654"]),
        ("cannot_contain_0789", ["1230", "1283", "9111", "1237"], ["1236", "6543"]),
        ("unique_first_four_digits", ["4711", "471100", "582099", "5820"], ["4712", "9471"]),
        ("no_all_same_digits", ["0000", "777777"], ["7776", "1212"]),
        ("pin_code_matches_existing_set", ["1111", "4711", "47119"], ["5820", "471199"]),
        ("cannot_specify_pin_code", ["5820", "9999"], []),
    ],
)
def test_rule_of_a_pin(kind: str, refused: list[str], taken: list[str]) -> None:
    capabilities = lock(kind)
    for code in refused:
        found = violations(code, capabilities, existing=ON_LOCK)
        assert [violation.rule for violation in found] == [kind], code
        assert code not in found[0].message
    for code in taken:
        assert violations(code, capabilities, existing=ON_LOCK) == (), code


def test_a_generated_pin_is_taken_where_none_can_be_specified() -> None:
    assert rules("5820", lock("cannot_specify_pin_code"), custom=False) == set()


@pytest.mark.parametrize(
    ("starts_at", "broken"),
    [
        (NOW - timedelta(seconds=1), True),
        (NOW, True),
        (NOW + timedelta(seconds=1), False),
        (None, False),
    ],
)
def test_start_date_in_future(starts_at: datetime | None, broken: bool) -> None:
    found = rules("5820", lock("start_date_in_future"), starts_at=starts_at, now=NOW)
    assert found == ({"start_date_in_future"} if broken else set())


@pytest.mark.parametrize(
    ("lengths", "text"),
    [((6,), "takes: 6."), ((4, 6), "takes: 4 or 6."), ((8, 6, 5), "takes: 5, 6 or 8.")],
)
def test_a_wrong_length_is_told_with_the_lengths(lengths: tuple[int, ...], text: str) -> None:
    (violation,) = violations("1357913", lock(code_lengths=lengths))
    assert violation.rule == "supported_code_lengths"
    assert violation.message.endswith(text)


@pytest.mark.parametrize("code", ["1237", "12a4", "12 4", "١٢٣٤", "-123", "+123"])
def test_wrong_characters(code: str) -> None:
    (violation,) = violations(code, lock(characters="123456", code_lengths=(4,)))
    assert violation.rule == "supported_characters"
    assert "123456" in violation.message


def test_every_broken_rule_is_named() -> None:
    kinds = ("no_zeros", "no_all_same_digits", "at_least_three_unique_digits")
    found = rules("000", lock(*kinds, characters="123"))
    assert found == {*kinds, "supported_code_lengths", "supported_characters"}


def test_an_empty_pin_breaks_the_length_alone() -> None:
    every = lock("no_all_same_digits", "no_ascending_or_descending_sequence", "no_zeros")
    assert rules("", every) == {"supported_code_lengths"}


def test_an_unknown_constraint_is_reported_and_passed_over() -> None:
    capabilities = lock("must_be_prime", "no_zeros", "name_length", "start_date_in_future")
    assert unknown_constraints(capabilities) == ("must_be_prime",)
    assert rules("4751", capabilities) == set()


def test_all_fourteen_constraint_types_are_known() -> None:
    kinds = [
        "no_zeros",
        "cannot_start_with_12",
        "no_triple_consecutive_ints",
        "cannot_specify_pin_code",
        "pin_code_matches_existing_set",
        "start_date_in_future",
        "no_ascending_or_descending_sequence",
        "at_least_three_unique_digits",
        "cannot_contain_089",
        "cannot_contain_0789",
        "unique_first_four_digits",
        "no_all_same_digits",
        "name_length",
        "name_must_be_unique",
    ]
    assert len(kinds) == 14
    assert unknown_constraints(lock(*kinds)) == ()


@pytest.mark.parametrize("code", ["1111", "1234", "9876", "456789"])
def test_weak(code: str) -> None:
    assert is_weak(code)


@pytest.mark.parametrize("code", ["1112", "1235", "9872"])
def test_not_weak(code: str) -> None:
    assert not is_weak(code)
