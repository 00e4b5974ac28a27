"""The driver of Nuki Web."""

from collections.abc import Mapping
from typing import Any

from latchwork.drivers.clouds.driver import CloudDriver
from latchwork.drivers.nuki.cloud import NukiCloud
from latchwork.drivers.nuki.settings import FIELDS, check_settings
from latchwork.drivers.protocol import Driver, DriverContext


class NukiFactory:
    """Makes drivers of Nuki Web accounts."""

    provider_display_name = "Nuki"
    setting_fields = FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return CloudDriver(context, NukiCloud(context))


factory = NukiFactory()
