import pytest

from latchwork.domain.errors import Rejected
from latchwork.drivers.matter.driver import factory


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("ws://host", "ws://host:5580/ws"),
        (" ws://HOST:5580/ws/ ", "ws://host:5580/ws"),
        ("wss://hub.example:443/matter", "wss://hub.example:443/matter"),
        ("ws://[::1]", "ws://[::1]:5580/ws"),
    ],
)
def test_addresses_are_brought_to_one_form(given: str, normal: str) -> None:
    assert factory.check_settings({"url": given}) == {"url": normal}


def test_a_time_zone_is_kept() -> None:
    settings = {"url": "ws://host", "time_zone": "Europe/Amsterdam"}
    assert factory.check_settings(settings)["time_zone"] == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, "url"),
        ({"url": "http://host"}, "url"),
        ({"url": "ws://host", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"url": "ws://host", "pin": "1"}, "pin"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, str], rule: str) -> None:
    with pytest.raises(Rejected) as caught:
        factory.check_settings(settings)
    assert caught.value.rule == rule
