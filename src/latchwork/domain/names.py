"""Names as locks can store them: fitted to their rules, so that no code fails for its name."""

from collections.abc import Collection, Iterator
from typing import Any

from latchwork.domain.constraints import NAME_LENGTH, NAME_UNIQUE
from latchwork.domain.device import LockCapabilities

UNNAMED = "Code"
"""What a code without a name is called on a lock that wants one."""
PADDING = "-"
NUMBERED = 1000


def fitted(
    name: str | None,
    capabilities: LockCapabilities,
    standing: str | None,
    others: Collection[str],
) -> str | None:
    """The code's name as the lock can store it; None: none is stored with the code.

    Cut to what fits, filled up where it is too short, and numbered where another code has it.
    `standing`: what was written with the code before, kept while it is still right, so that a
    name does not change because another code went; `others`: the names of the lock's other codes.
    """
    longest = capabilities.name_max_length
    if longest is None:
        return None
    shortest = 0
    unique = False
    for rule in capabilities.constraints:
        if rule.constraint_type == NAME_LENGTH:
            shortest = max(shortest, rule.min_length or 0)
            longest = longest if rule.max_length is None else min(longest, rule.max_length)
        unique = unique or rule.constraint_type == NAME_UNIQUE
    base = (name or "").strip()
    if not base and not shortest and not unique:
        return None
    base = (base or UNNAMED)[:longest].rstrip().ljust(min(shortest, longest), PADDING)
    if not unique:
        return base
    if standing is not None and standing not in others and standing in _forms(base, longest):
        return standing
    return next((form for form in _forms(base, longest) if form not in others), base)


def _forms(base: str, longest: int) -> Iterator[str]:
    """The name, and its numbered forms."""
    yield base
    for number in range(2, NUMBERED):
        suffix = f" {number}"
        yield base[: longest - len(suffix)].rstrip() + suffix


def appearance(name: str | None, capabilities: LockCapabilities) -> dict[str, Any] | None:
    """The name as the lock stores it, in its parts where the lock splits names; None: no name is
    stored."""
    if name is None:
        return None
    if not capabilities.splits_names:
        return {"name": name}
    first, _, last = name.partition(" ")
    return {"name": name, "first_name": first, "last_name": last.strip()}
