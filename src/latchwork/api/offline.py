"""Wishes for codes that a lock computes by itself."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from latchwork.api.endpoint import Call
from latchwork.api.errors import invalid
from latchwork.api.parsing import instant
from latchwork.domain.commands import Command, NewCode
from latchwork.domain.device import OfflineCodes
from latchwork.domain.errors import Rejected
from latchwork.domain.offline import Fitted, fit, fit_one_time, new_offline_code
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.storage.interface import DeviceView

ROUNDING = {
    None: timedelta(hours=1),
    "1hour": timedelta(hours=1),
    "1h": timedelta(hours=1),
    "1day": timedelta(days=1),
    "1d": timedelta(days=1),
}


class Asked(Protocol):
    """What a caller may say of an offline code."""

    code: str | None
    name: str | None
    type: Any
    starts_at: str | None
    ends_at: str | None
    common_code_key: str | None
    use_backup_access_code_pool: bool | None
    is_one_time_use: bool | None
    max_time_rounding: Any


def new_offline(call: Call, view: DeviceView, asked: Asked) -> Command:
    """Raises an error naming what the lock cannot compute a code for."""
    rules = view.device.capabilities.offline
    if rules is None:
        text = (
            "The device has no offline or one-time access codes "
            "(can_program_offline_access_codes is false)."
        )
        raise invalid(text, is_offline_access_code=text)
    _refuse_what_needs_a_programmed_code(asked)
    fitted = _fitted(call.now, view, asked, rules)
    wish = NewCode(pin=Pin(""), name=asked.name)
    is_adjusted = zone_of(view.device.zone) is None
    return new_offline_code(
        wish, fitted, view.device, call.now, call.new_id, adjusted_in_utc=is_adjusted
    )


def _refuse_what_needs_a_programmed_code(asked: Asked) -> None:
    given = {
        "code": asked.code,
        "common_code_key": asked.common_code_key,
        "use_backup_access_code_pool": asked.use_backup_access_code_pool,
    }
    for name, value in given.items():
        if value:
            text = f"An offline access code cannot have {name}: the lock computes it by itself."
            raise invalid(text, **{name: text})
    if asked.type == "ongoing":
        text = "An offline access code is always time-bound."
        raise invalid(text, type=text)


def _fitted(now: datetime, view: DeviceView, asked: Asked, rules: OfflineCodes) -> Fitted:
    starts_at = instant("starts_at", asked.starts_at) or now
    ends_at = instant("ends_at", asked.ends_at)
    zone = zone_of(view.device.zone) or UTC
    if asked.is_one_time_use:
        if ends_at is not None:
            raise Rejected(
                "ends_at",
                f"A one-time code waits for its use for {rules.one_time_hours} hours from its "
                "start: leave ends_at out.",
            )
        return fit_one_time(starts_at, rules, zone)
    return fit(Window(starts_at, ends_at), rules, zone, ROUNDING[asked.max_time_rounding])


def zone_of(name: str | None) -> tzinfo | None:
    """The zone of the lock's clock; None: it is not known."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
