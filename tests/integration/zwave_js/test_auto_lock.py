"""Door Lock's auto-relock time on real Z-Wave JS: set, read back, reported, and refused."""

import pytest

from latchwork.domain.errors import Unsupported
from latchwork.drivers.protocol import ConfiguresAutoLock, DeviceChanged, DevicesFound
from support.zwave_connection import Connection, key
from support.zwave_rig import CREDENTIAL_LOCK, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]


def capabilities(live: Connection) -> dict[str, bool]:
    found = [p for p in live.pushes if isinstance(p, DevicesFound)]
    return {d.provider_key: d.capabilities.auto_lock for p in found for d in p.devices}


@pytest.mark.parametrize("node", [SCHEDULE_LOCK, CREDENTIAL_LOCK])
async def test_the_relock_time_is_set_read_back_and_reported(
    rig: ZwaveRig, live: Connection, node: int
) -> None:
    driver = live.driver
    assert isinstance(driver, ConfiguresAutoLock)
    assert capabilities(live)[key(node)]
    await driver.configure_auto_lock(key(node), enabled=True, delay=45)
    assert rig.state(node)["autoRelockTime"] == 45
    told = await live.until(DeviceChanged, lambda p: p.auto_lock_enabled is not None)
    assert (told.provider_key, told.auto_lock_delay) == (key(node), 45)
    await driver.configure_auto_lock(key(node), enabled=True, delay=None)
    assert rig.state(node)["autoRelockTime"] == 45
    await driver.configure_auto_lock(key(node), enabled=False, delay=None)
    assert rig.state(node)["autoRelockTime"] == 0


async def test_a_lock_that_has_none_is_not_asked(rig: ZwaveRig, live: Connection) -> None:
    driver = live.driver
    assert isinstance(driver, ConfiguresAutoLock)
    assert not capabilities(live)[key(V1_LOCK)]
    with pytest.raises(Unsupported):
        await driver.configure_auto_lock(key(V1_LOCK), enabled=True, delay=30)
    assert rig.state(V1_LOCK)["autoRelockTime"] in (None, 0)
