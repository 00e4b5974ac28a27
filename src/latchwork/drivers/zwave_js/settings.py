"""The settings of a connection, checked."""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers.setting_values import time_zone, websocket_url

DEFAULT_PORT: Final = 3000
FIELDS: Final = (
    SettingField(
        name="url",
        label="Address of the Z-Wave JS server",
        kind=FieldKind.URL,
        help="In Z-Wave JS UI: Settings, Home Assistant, WS Server.",
        example="ws://192.168.1.10:3000",
    ),
    SettingField(
        name="time_zone",
        label="Time zone of the locks",
        required=False,
        help="Only for locks that keep schedules themselves. Left empty, they are put on UTC.",
        example="Europe/Amsterdam",
    ),
)
KNOWN: Final = frozenset(field.name for field in FIELDS)


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`url`: ws://host:3000 or wss://host, port 3000 unless it is given. `time_zone`: the IANA
    name of the time that the locks keep, for native schedules; without it they are put on UTC."""
    for name in settings:
        if name not in KNOWN:
            raise Rejected(name, f"There is no setting {name!r}; known are: url, time_zone.")
    url = websocket_url(
        "url",
        settings.get("url"),
        what="a Z-Wave JS server",
        example="ws://192.168.1.10:3000",
        default_port=DEFAULT_PORT,
    )
    checked: dict[str, Any] = {"url": url}
    if (zone := settings.get("time_zone")) is not None:
        checked["time_zone"] = time_zone("time_zone", zone)
    return checked
