"""The settings of a connection, checked."""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers.setting_values import time_zone, websocket_url

DEFAULT_PORT: Final = 5580
DEFAULT_PATH: Final = "/ws"
EXAMPLE: Final = "ws://192.168.1.10:5580/ws"
FIELDS: Final = (
    SettingField(
        name="url",
        label="Address of the Matter server",
        kind=FieldKind.URL,
        help="The websocket of python-matter-server or of the Open Home Foundation Matter Server.",
        example=EXAMPLE,
    ),
    SettingField(
        name="time_zone",
        label="Time zone of the locks",
        required=False,
        help="Lets locks that keep schedules themselves do so. Left empty, only locks that tell "
        "their time zone do.",
        example="Europe/Amsterdam",
    ),
)
KNOWN: Final = frozenset(field.name for field in FIELDS)


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`url`: ws://host:5580/ws or wss://host, with that port and path unless others are given.
    `time_zone`: the IANA name of the time that the locks keep, for native schedules; without it a
    lock is scheduled natively only when it tells a time zone itself."""
    for name in settings:
        if name not in KNOWN:
            raise Rejected(name, f"There is no setting {name!r}; known are: url, time_zone.")
    url = websocket_url(
        "url",
        settings.get("url"),
        what="a Matter server",
        example=EXAMPLE,
        default_port=DEFAULT_PORT,
        default_path=DEFAULT_PATH,
    )
    checked: dict[str, Any] = {"url": url}
    if (zone := settings.get("time_zone")) is not None:
        checked["time_zone"] = time_zone("time_zone", zone)
    return checked
