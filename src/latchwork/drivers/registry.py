"""The installed drivers, by the entry-point group `latchwork.drivers`."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import CheckedSettings, Provider, divided
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


def providers(factories: Mapping[str, DriverFactory]) -> tuple[Provider, ...]:
    """What can be connected, by name for people."""
    found = (_provider(name, factory) for name, factory in factories.items())
    return tuple(sorted(found, key=lambda provider: provider.display_name.lower()))


def _provider(name: str, factory: DriverFactory) -> Provider:
    return Provider(
        name=name, display_name=factory.provider_display_name, fields=tuple(factory.setting_fields)
    )


def check_settings(
    factories: Mapping[str, DriverFactory], provider: str, values: Mapping[str, Any]
) -> CheckedSettings:
    """The driver and its settings, checked and told apart from its secrets. Raises Rejected for
    an unknown driver and for a setting that is wrong."""
    name = normalised(provider)
    factory = factories.get(name)
    if factory is None:
        known = ", ".join(sorted(factories))
        raise Rejected("provider", f"There is no such provider; installed are: {known}.")
    found = _provider(name, factory)
    settings, secrets = divided(found.fields, values)
    return CheckedSettings(
        provider=found, settings=dict(factory.check_settings(settings)), secrets=secrets
    )
