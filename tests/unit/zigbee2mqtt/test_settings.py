"""Settings of a connection to Zigbee2MQTT."""

from typing import Any

import pytest

from latchwork.domain.errors import NeedsAttention, Rejected
from latchwork.drivers.zigbee2mqtt.settings import check_settings, tls_context


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("mqtt://broker", "mqtt://broker:1883"),
        (" mqtts://broker/ ", "mqtts://broker:8883"),
        ("mqtt://[::1]:1884", "mqtt://[::1]:1884"),
    ],
)
def test_addresses_are_normalised(given: str, normal: str) -> None:
    assert check_settings({"url": given}) == {"url": normal, "base_topic": "zigbee2mqtt"}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({}, "url"),
        ({"url": 3}, "url"),
        ({"url": "http://broker"}, "url"),
        ({"url": "mqtt://broker:port"}, "url"),
        ({"url": "mqtt://broker/zigbee2mqtt"}, "url"),
        ({"url": "mqtt://me:secret@broker"}, "url"),
        ({"url": "mqtt://broker", "base_topic": "a/#"}, "base_topic"),
        ({"url": "mqtt://broker", "base_topic": "/"}, "base_topic"),
        ({"url": "mqtt://broker", "username": 3}, "username"),
        ({"url": "mqtt://broker", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"url": "mqtt://broker", "ca_file": "/ca.pem"}, "ca_file"),
        ({"url": "mqtt://broker", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], rule: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_settings(wrong)
    assert caught.value.rule == rule
    assert "secret" not in str(caught.value)


def test_several_instances_differ_by_topic() -> None:
    checked = check_settings({"url": "mqtt://broker", "base_topic": "home/zigbee2mqtt/"})
    assert checked["base_topic"] == "home/zigbee2mqtt"


def test_certificates_that_are_not_there_need_attention() -> None:
    checked = check_settings({"url": "mqtts://broker", "ca_file": "/nowhere/ca.pem"})
    with pytest.raises(NeedsAttention):
        tls_context(checked)
    assert tls_context(check_settings({"url": "mqtt://broker"})) is None
    assert tls_context(check_settings({"url": "mqtts://broker"})) is not None
