"""An endpoint's answer as one type."""

from functools import cache
from typing import Any, Literal

import msgspec

from latchwork.api.endpoint import Endpoint
from latchwork.api.resources.common import Resource


def answer_type(endpoint: Endpoint) -> type[msgspec.Struct] | None:
    """The struct of a 200's body; None for an endpoint that describes no answer."""
    if endpoint.answer is None:
        return None
    return _struct(endpoint.path, tuple(endpoint.answer.items()))


@cache
def _struct(path: str, keys: tuple[tuple[str, Any], ...]) -> type[msgspec.Struct]:
    name = "Answer" + path.title().replace("/", "").replace("_", "")
    return msgspec.defstruct(name, [*keys, ("ok", Literal[True])], bases=(Resource,))
