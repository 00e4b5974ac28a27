"""A broker that wants TLS: certificates of one's own, both ways, on a real Mosquitto."""

import asyncio
from pathlib import Path

import pytest

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.observation import Empty, Holds
from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import Driver
from latchwork.drivers.zigbee2mqtt import client
from latchwork.drivers.zigbee2mqtt.driver import factory
from support.certificates import Authority
from support.driver_context import context_for
from support.live_driver import live
from support.zigbee_rig import IEEE, PASSWORD, PLAIN_LOCK, USER, ZigbeeRig

pytestmark = [pytest.mark.acceptance]

DOOR = IEEE[PLAIN_LOCK]


def make(url: str, password: str = PASSWORD, **files: Path) -> Driver:
    settings = {"url": url, "username": USER, **{name: str(file) for name, file in files.items()}}
    return factory(context_for(factory, settings, {"password": password}))


async def refused(driver: Driver, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        async with live(driver):
            pass
    assert PASSWORD not in str(caught.value)


@pytest.fixture(autouse=True)
def quiet_lock(rig: ZigbeeRig) -> None:
    rig.reset(PLAIN_LOCK)


async def test_codes_go_over_tls_to_a_broker_with_a_password(rig: ZigbeeRig) -> None:
    async with live(make(rig.tls_url, ca_file=rig.authority.file)) as connection:
        await connection.driver.write(DOOR, 1, Pin("4711"), None, None)
        assert await connection.driver.observe(DOOR, [1, 2]) == {1: Holds(Pin("4711")), 2: Empty()}
    assert rig.pins(PLAIN_LOCK) == {1: "4711"}


async def test_a_wrong_password_over_tls_needs_attention(rig: ZigbeeRig) -> None:
    wrong = make(rig.tls_url, "wrong", ca_file=rig.authority.file)
    await refused(wrong, NeedsAttention, "user name or password")


async def test_a_broker_that_is_not_trusted_needs_attention(rig: ZigbeeRig, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    await refused(make(rig.tls_url), NeedsAttention, "certificate")
    await refused(make(rig.tls_url, ca_file=other.file), NeedsAttention, "certificate")


async def test_a_certificate_for_another_name_needs_attention(rig: ZigbeeRig) -> None:
    elsewhere = rig.tls_url.replace("127.0.0.1", "localhost")
    await refused(make(elsewhere, ca_file=rig.authority.file), NeedsAttention, "certificate")


async def test_a_port_that_speaks_no_tls_needs_attention(rig: ZigbeeRig) -> None:
    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await refused(make(f"mqtts://127.0.0.1:{port}"), NeedsAttention, "No TLS")


async def test_a_broker_that_says_nothing_is_tried_again(
    rig: ZigbeeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mosquitto hangs up on who speaks otherwise than its port wants, without a word of MQTT."""
    monkeypatch.setattr(client, "CONNECT_TIMEOUT", 0.5)
    spoken_plainly = make(rig.tls_url.replace("mqtts:", "mqtt:"))
    await refused(spoken_plainly, RetryLater, "cannot be reached")


async def test_a_broker_that_wants_a_certificate_gets_it(
    rig: ZigbeeRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = rig.authority.file
    ours = rig.authority.issue("latchwork")
    async with live(make(rig.client_url, ca_file=trusted, cert_file=ours)) as connection:
        assert await connection.driver.probe(DOOR)
    monkeypatch.setattr(client, "CONNECT_TIMEOUT", 0.5)
    await refused(make(rig.client_url, ca_file=trusted), RetryLater, "cert_file")
    forged = Authority(tmp_path, "other").issue("latchwork")
    await refused(make(rig.client_url, ca_file=trusted, cert_file=forged), RetryLater, "cert_file")
