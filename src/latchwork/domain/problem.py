"""Errors and warnings as they stand on a code, a device or an account, in Seam's codes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One error or warning. `code` is Seam's error_code or warning_code; `detail` holds further
    fields of that code (such as change_type), never a PIN."""

    code: str
    message: str
    created_at: datetime
    detail: dict[str, Any] | None = None


Problems = tuple[Problem, ...]


def has(problems: Problems, code: str) -> bool:
    # A loop, since a generator costs more than all of it: every code of a visit is asked often.
    for problem in problems:  # noqa: SIM110
        if problem.code == code:
            return True
    return False


def added(problems: Problems, problem: Problem) -> Problems:
    """With `problem`; one that stands already keeps its created_at and takes the new text."""
    for index, standing in enumerate(problems):
        if standing.code == problem.code:
            renewed = msgspec.structs.replace(problem, created_at=standing.created_at)
            return (*problems[:index], renewed, *problems[index + 1 :])
    return (*problems, problem)


def without(problems: Problems, codes: Iterable[str]) -> Problems:
    if not problems:
        return problems
    gone = set(codes)
    return tuple(problem for problem in problems if problem.code not in gone)
