"""The driver of any lock cloud that offers the contract."""

from collections.abc import Mapping
from typing import Any

from latchwork.drivers.clouds.driver import CloudDriver
from latchwork.drivers.lock_cloud.cloud import LockCloud
from latchwork.drivers.lock_cloud.settings import FIELDS, check_settings
from latchwork.drivers.protocol import Driver, DriverContext


class LockCloudFactory:
    """Makes drivers of lock clouds."""

    provider_display_name = "Lock cloud"
    setting_fields = FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return CloudDriver(context, LockCloud(context))


factory = LockCloudFactory()
