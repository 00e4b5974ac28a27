"""What is asked for to connect a cloud, and what is refused."""

from typing import Any

import pytest

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind
from latchwork.drivers import registry
from latchwork.drivers.lock_cloud.driver import factory as lock_cloud
from latchwork.drivers.nuki.driver import factory as nuki
from latchwork.drivers.protocol import DriverFactory
from latchwork.drivers.ttlock.driver import factory as ttlock

FACTORIES: dict[str, DriverFactory] = {"lock_cloud": lock_cloud, "nuki": nuki, "ttlock": ttlock}
TTLOCK = {"client_id": "c", "username": "u", "client_secret": "s", "password": "p"}


@pytest.mark.parametrize(
    ("provider", "given", "kept", "secret"),
    [
        (
            "lock-cloud",
            {"url": "https://cloud.example.com/v1/", "access_token": "t"},
            {"url": "https://cloud.example.com/v1"},
            {"access_token"},
        ),
        ("nuki", {"api_token": "t"}, {"url": "https://api.nuki.io"}, {"api_token"}),
        (
            "ttlock",
            TTLOCK,
            {
                "client_id": "c",
                "username": "u",
                "url": "https://euapi.ttlock.com",
                "poll_minutes": 15,
            },
            {"client_secret", "password"},
        ),
    ],
)
def test_secrets_are_kept_apart(
    provider: str, given: dict[str, Any], kept: dict[str, Any], secret: set[str]
) -> None:
    checked = registry.check_settings(FACTORIES, provider, given)
    assert checked.settings == kept
    assert set(checked.secrets) == secret


@pytest.mark.parametrize(
    ("provider", "given", "named"),
    [
        ("lock_cloud", {}, "url"),
        ("lock_cloud", {"url": "http://cloud.example.com"}, "url"),
        ("lock_cloud", {"url": "https://u:p@cloud.example.com"}, "url"),
        ("lock_cloud", {"url": "https://cloud.example.com?x=1"}, "url"),
        ("lock_cloud", {"url": "ftp://cloud.example.com"}, "url"),
        ("lock_cloud", {"url": "https://c.example.com", "token_url": "http://x.com"}, "token_url"),
        ("lock_cloud", {"url": "https://c.example.com", "usr": "x"}, "usr"),
        ("nuki", {}, "api_token"),
        ("nuki", {"api_token": "t", "url": "http://api.nuki.io"}, "url"),
        ("ttlock", {**TTLOCK, "password": ""}, "password"),
        ("ttlock", {k: v for k, v in TTLOCK.items() if k != "client_id"}, "client_id"),
        ("ttlock", {**TTLOCK, "poll_minutes": 0}, "poll_minutes"),
        ("ttlock", {**TTLOCK, "poll_minutes": True}, "poll_minutes"),
        ("ttlock", {**TTLOCK, "username": 7}, "username"),
    ],
)
def test_what_is_wrong_is_named(provider: str, given: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected) as caught:
        registry.check_settings(FACTORIES, provider, given)
    assert caught.value.rule == named


@pytest.mark.parametrize("address", ["http://127.0.0.1:8900", "http://[::1]:1", "http://localhost"])
def test_this_machine_may_be_reached_without_tls(address: str) -> None:
    assert lock_cloud.check_settings({"url": address}) == {"url": address}


@pytest.mark.parametrize("factory", FACTORIES.values())
def test_every_field_says_what_it_is_for(factory: DriverFactory) -> None:
    for field in factory.setting_fields:
        assert field.label
        assert field.help
        looks_secret = any(word in field.name for word in ("token", "secret", "password"))
        assert (field.kind is FieldKind.SECRET) == (looks_secret and not field.name.endswith("url"))
