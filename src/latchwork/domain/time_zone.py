"""The time zone that a lock is in: told by its provider, reported by a caller, or not known."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from latchwork.domain.device import Device
from latchwork.domain.problem import Problem, added, without

UNKNOWN = "time_zone_unknown"
MISMATCH = "time_zone_mismatch"


def zone_judged(device: Device, now: datetime) -> Device:
    """With the warnings that its time zones call for: a lock that keeps schedules needs one, and
    two that differ cannot both be right."""
    warnings = device.warnings
    for code, stands, message in _judgements(device):
        warnings = (
            added(warnings, Problem(code, message, now)) if stands else without(warnings, (code,))
        )
    return (
        device
        if warnings == device.warnings
        else msgspec.structs.replace(device, warnings=warnings)
    )


def _judgements(device: Device) -> Iterator[tuple[str, bool, str]]:
    yield (
        UNKNOWN,
        device.zone is None and device.capabilities.native_scheduling,
        "The lock's time zone is not known. Report it with /devices/report_provider_metadata.",
    )
    told, reported = device.time_zone, device.reported_time_zone
    yield (
        MISMATCH,
        told is not None and reported is not None and told != reported,
        f"The provider says {told}, and {reported} was reported. Correct the one that is wrong.",
    )
