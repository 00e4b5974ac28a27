"""One Zigbee rig for all tests of this folder."""

from collections.abc import Iterator

import pytest

from support.zigbee_rig import ZigbeeRig


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[ZigbeeRig]:
    failed_before = request.session.testsfailed
    with ZigbeeRig() as rig:
        yield rig
        rig.keep_logs = request.session.testsfailed > failed_before
