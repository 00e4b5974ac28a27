import pytest

from latchwork.domain.errors import Rejected
from latchwork.drivers.zwave_js.driver import factory


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("ws://host:3000", "ws://host:3000"),
        (" ws://HOST/ ", "ws://host:3000"),
        ("wss://hub.example/zwave/", "wss://hub.example:3000/zwave"),
        ("ws://[::1]:4000", "ws://[::1]:4000"),
    ],
)
def test_addresses_are_brought_to_one_form(given: str, normal: str) -> None:
    assert factory.check_settings({"url": given}) == {"url": normal}


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        3000,
        "host:3000",
        "http://host:3000",
        "ws://",
        "ws://h:port",
        "ws://u:p@h",
        "ws://h?x",
    ],
)
def test_a_wrong_address_is_named(url: object) -> None:
    with pytest.raises(Rejected) as caught:
        factory.check_settings({"url": url})
    assert caught.value.rule == "url"


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(Rejected) as caught:
        factory.check_settings({"url": "ws://me:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_a_time_zone_is_kept() -> None:
    settings = {"url": "ws://host:3000", "time_zone": "Europe/Paris"}
    assert factory.check_settings(settings) == settings


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", 1])
def test_a_wrong_time_zone_is_named(zone: object) -> None:
    with pytest.raises(Rejected) as caught:
        factory.check_settings({"url": "ws://host", "time_zone": zone})
    assert caught.value.rule == "time_zone"


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(Rejected) as caught:
        factory.check_settings({"url": "ws://host", "port": 3000})
    assert caught.value.rule == "port"
