"""Custom metadata: what callers hang on devices and accounts. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.domain.errors import Rejected

MOST_KEYS: Final = 50
LONGEST_KEY: Final = 40
LONGEST_VALUE: Final = 500
FIELD: Final = "custom_metadata"


def merged(standing: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`standing` with the keys of `changes` set, and those that are None there taken away; others
    are left as they are. Raises Rejected("custom_metadata"); messages never hold a value."""
    for key, value in changes.items():
        _check(key, value)
    found = {**standing, **changes}
    found = {key: value for key, value in found.items() if value is not None}
    if len(found) > MOST_KEYS:
        raise Rejected(FIELD, f"{FIELD} must not have more than {MOST_KEYS} keys.")
    return found


def _check(key: str, value: Any) -> None:
    if not 0 < len(key) <= LONGEST_KEY:
        raise Rejected(FIELD, f"A key of {FIELD} must have 1 to {LONGEST_KEY} characters.")
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            raise Rejected(
                FIELD, f"A value of {FIELD} must not have more than {LONGEST_VALUE} characters."
            )
    elif value is not None and not isinstance(value, bool):
        raise Rejected(FIELD, f"A value of {FIELD} must be a text, true or false, or null.")
