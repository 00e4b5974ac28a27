"""Names are fitted to a lock's rules, and stay as they are while they are right."""

from typing import Any

import pytest

from latchwork.domain.device import CodeConstraint, LockCapabilities
from latchwork.domain.names import appearance, fitted


def lock(*, shortest: int | None = None, longest: int | None = None, **fields: Any) -> Any:
    rules = [CodeConstraint("name_length", min_length=shortest, max_length=longest)]
    if fields.pop("unique", False):
        rules.append(CodeConstraint("name_must_be_unique"))
    return LockCapabilities(constraints=tuple(rules), **{"name_max_length": 12, **fields})


@pytest.mark.parametrize(
    ("name", "rules", "stored"),
    [
        ("Ana", {}, "Ana"),
        ("Alexander the Great", {}, "Alexander th"),
        ("Alexander the Great", {"longest": 10}, "Alexander"),
        ("Bo", {"shortest": 4}, "Bo--"),
        (None, {}, None),
        ("  ", {}, None),
        (None, {"shortest": 1}, "Code"),
        ("Ana", {"name_max_length": None}, None),
    ],
)
def test_a_name_fits(name: str | None, rules: dict[str, Any], stored: str | None) -> None:
    assert fitted(name, lock(**rules), None, ()) == stored


def test_a_name_that_another_code_has_is_numbered_within_the_length() -> None:
    rules = lock(unique=True)
    assert fitted("Ana", rules, None, {"Ana", "Ana 2"}) == "Ana 3"
    assert fitted("Alexander the Great", rules, None, {"Alexander th"}) == "Alexander 2"
    assert fitted(None, rules, None, ()) == "Code"


def test_a_name_stays_while_it_is_right() -> None:
    rules = lock(unique=True)
    assert fitted("Ana", rules, "Ana 2", ()) == "Ana 2", "another code has gone"
    assert fitted("Ana", rules, "Ana 2", {"Ana 2"}) == "Ana", "another code has it by now"
    assert fitted("Bo", rules, "Ana 2", ()) == "Bo", "the code was renamed"


def test_a_name_is_shown_in_its_parts_where_the_lock_splits_it() -> None:
    assert appearance("Ana Maria Costa", lock(splits_names=True)) == {
        "name": "Ana Maria Costa",
        "first_name": "Ana",
        "last_name": "Maria Costa",
    }
    assert appearance("Ana", lock()) == {"name": "Ana"}
    assert appearance(None, lock()) is None
