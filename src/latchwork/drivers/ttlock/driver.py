"""The driver of TTLock's open platform."""

from collections.abc import Mapping
from typing import Any

from latchwork.drivers.clouds.driver import CloudDriver
from latchwork.drivers.protocol import Driver, DriverContext
from latchwork.drivers.ttlock.cloud import TtlockCloud
from latchwork.drivers.ttlock.settings import FIELDS, check_settings


class TtlockFactory:
    """Makes drivers of TTLock accounts."""

    provider_display_name = "TTLock"
    setting_fields = FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return CloudDriver(context, TtlockCloud(context))


factory = TtlockFactory()
