"""The settings of rate limits."""

import pytest

from latchwork.config import from_environment, unknown_variables
from latchwork.domain.errors import Rejected


@pytest.mark.parametrize(
    ("environment", "demo", "requests_a_minute"),
    [
        ({}, False, 1200),
        ({}, True, None),
        ({"LATCHWORK_RATE_LIMITS": "on"}, True, 1200),
        ({"LATCHWORK_RATE_LIMITS": "off"}, False, None),
        ({"LATCHWORK_RATE_LIMIT_PER_KEY": "60"}, False, 60),
    ],
)
def test_limits_are_on_but_for_demos(
    environment: dict[str, str], demo: bool, requests_a_minute: int | None
) -> None:
    assert from_environment(environment, demo=demo).requests_a_minute == requests_a_minute
    assert unknown_variables(environment) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LATCHWORK_RATE_LIMITS", "perhaps"),
        ("LATCHWORK_RATE_LIMIT_PER_KEY", "0"),
        ("LATCHWORK_RATE_LIMIT_PER_KEY", "many"),
    ],
)
def test_mistakes_are_named(name: str, value: str) -> None:
    with pytest.raises(Rejected) as refused:
        from_environment({name: value})
    assert refused.value.rule == name
