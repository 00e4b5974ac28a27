"""Paths of the console, and who answers them."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from latchwork.console.visit import Handler

ROOT: Final = "/console"


class Route(msgspec.Struct, frozen=True):
    """`path`: below /console, with `{name}` for a part that varies."""

    method: str
    path: str
    handler: Handler


class Router:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(_pattern(route.path), route) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | tuple[str, ...]:
        """The route and what the path names; else the methods that the path takes, if any."""
        wanted = "GET" if method == "HEAD" else method
        others: list[str] = []
        for pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if route.method == wanted:
                return route, found.groupdict()
            others.append(route.method)
        return tuple(others)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(ROOT + re.sub(r"\{(\w+)\}", r"(?P<\1>[\\w.-]{1,64})", path))
