"""What Zigbee2MQTT's own settings say, and what of them a person should change."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

TELLING_LEVELS: Final = frozenset({"info", "debug"})


class _Advanced(msgspec.Struct, frozen=True):
    log_level: str = "info"


class _Config(msgspec.Struct, frozen=True):
    devices: dict[str, dict[str, Any]] = {}
    device_options: dict[str, Any] = {}
    availability: Any = False
    advanced: _Advanced = _Advanced()


class Info(msgspec.Struct, frozen=True):
    """The retained message `bridge/info`."""

    version: str = ""
    log_level: str | None = None
    config: _Config = _Config()

    def exposes_pin(self, key: str) -> bool:
        options = {**self.config.device_options, **self.config.devices.get(key, {})}
        return options.get("expose_pin") is True

    @property
    def has_availability(self) -> bool:
        setting = self.config.availability
        return setting is True or (isinstance(setting, dict) and setting.get("enabled") is True)

    @property
    def logs_pins(self) -> bool:
        """At these levels Zigbee2MQTT writes all that it publishes to its log, PINs included."""
        return (self.log_level or self.config.advanced.log_level) in TELLING_LEVELS


def advice(info: Info, base_topic: str, hidden: Sequence[str]) -> str | None:
    """Sentences for people; None when nothing is to be changed. `hidden`: the names of locks
    whose PINs Zigbee2MQTT does not tell."""
    told = []
    if info.logs_pins:
        told.append(
            f"Zigbee2MQTT ({base_topic}) writes PINs to its log and to bridge/logging: set "
            "advanced.log_level to warning, and let nobody read the broker who must not know PINs."
        )
    if hidden:
        told.append(
            f"Zigbee2MQTT hides the PINs of {', '.join(hidden)}: a code there is proven only by "
            "its position being taken. Set expose_pin for them to have PINs read back."
        )
    if not info.has_availability:
        told.append(
            "Zigbee2MQTT does not watch whether locks are in reach: switch availability on."
        )
    return " ".join(told) or None
