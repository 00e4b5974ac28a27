"""The installed drivers, by the entry-point group `latchwork.drivers`."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog

from latchwork.domain.errors import Rejected
from latchwork.drivers.protocol import DriverFactory

log = structlog.get_logger(__name__)

GROUP = "latchwork.drivers"


def load() -> Mapping[str, DriverFactory]:
    """Every driver that can be loaded, by name; one that cannot is reported and left out."""
    found: dict[str, DriverFactory] = {}
    for entry in entry_points(group=GROUP):
        factory = _loaded(entry)
        if factory is not None:
            found[normalised(entry.name)] = factory
    return found


def _loaded(entry: EntryPoint) -> DriverFactory | None:
    try:
        factory: DriverFactory = entry.load()
    except Exception:
        log.exception("driver.not_loaded", driver=entry.name, target=entry.value)
        return None
    return factory


def normalised(name: str) -> str:
    """`zwave-js` and `zwave_js` are one."""
    return name.strip().lower().replace("-", "_")


def check_settings(
    factories: Mapping[str, DriverFactory], provider: str, settings: Mapping[str, Any]
) -> tuple[str, dict[str, Any], str]:
    """The driver's registered name, its settings checked, and its name for people. Raises
    Rejected for an unknown driver and for a setting that is wrong."""
    name = normalised(provider)
    factory = factories.get(name)
    if factory is None:
        known = ", ".join(sorted(factories))
        raise Rejected("provider", f"There is no such provider; installed are: {known}.")
    return name, dict(factory.check_settings(settings)), factory.provider_display_name
