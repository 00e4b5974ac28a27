"""An endpoint's answer as one type."""

from functools import cache
from typing import Any, Literal

import msgspec

from latchwork.api.endpoint import Endpoint
from latchwork.api.resources.common import Resource


def answer_type(endpoint: Endpoint) -> type[msgspec.Struct] | None:
    """The struct of a 200's body; None for an endpoint that describes no answer."""
    return None if endpoint.answer is None else _struct(tuple(endpoint.answer.items()))


@cache
def _struct(keys: tuple[tuple[str, Any], ...]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Answer", [*keys, ("ok", Literal[True])], bases=(Resource,), module=__name__
    )
