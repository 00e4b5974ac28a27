"""Secrets. A `Secret` never shows its value by accident: repr, str and format are masked.

`reveal()` is the only way to the value; it is called where a PIN goes to a lock, to its owner
through the API, or into the vault, and nowhere else.
"""

from hmac import compare_digest
from typing import Any, NoReturn

MASK = "•••"


class Secret:
    """A string that is masked in every representation and cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: hand it to a lock, its owner or the vault, never to a log."""
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._value is other._value:
            return True
        return compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __len__(self) -> int:
        return len(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: Any) -> "Secret":
        return self


class Pin(Secret):
    """A PIN as it is typed on a keypad, such as `Pin("4711")`."""

    __slots__ = ()
