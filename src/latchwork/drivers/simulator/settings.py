"""The settings of a simulated connection, checked."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers.simulator import faults
from latchwork.drivers.simulator.catalogue import (
    DEMO,
    DEMO_CONCURRENCY,
    DEMO_LATENCY,
    LockSpec,
    equal_locks,
)

DEFAULT_CONCURRENCY: Final = 64
MOST_LOCKS: Final = 100_000
FIELDS: Final = (
    SettingField(
        name="count",
        label="Number of locks",
        kind=FieldKind.NUMBER,
        help="How many simulated locks there shall be.",
        default="3",
    ),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`locks`: "demo" or specs; or `count` equal locks of `positions` positions and, but for
    those, of `capabilities` and with `scans`, see `LockSpec`. `latency`: seconds for a call;
    `concurrency`: locks worked on at once; `durable`: whether the locks outlive a restart of the
    server."""

    locks: Literal["demo"] | tuple[LockSpec, ...] | None = None
    count: int | None = None
    positions: int | None = None
    capabilities: LockCapabilities = LockCapabilities()
    scans: bool = True
    latency: float | None = None
    concurrency: int | None = None
    durable: bool = True

    @property
    def specs(self) -> tuple[LockSpec, ...]:
        if self.locks == "demo":
            return DEMO
        if self.locks is not None:
            return self.locks
        capabilities = self.capabilities
        if self.positions is not None:
            capabilities = msgspec.structs.replace(capabilities, positions=self.positions)
        return equal_locks(self.count or 0, capabilities, scans=self.scans)

    @property
    def seconds_a_call(self) -> float:
        """Of locks that name no latency of their own."""
        if self.latency is not None:
            return self.latency
        return DEMO_LATENCY if self.locks == "demo" else 0.0

    @property
    def visits_at_once(self) -> int:
        if self.concurrency is not None:
            return self.concurrency
        return DEMO_CONCURRENCY if self.locks == "demo" else DEFAULT_CONCURRENCY


def read(settings: Mapping[str, Any]) -> Settings:
    """Raises Rejected naming the setting that is wrong."""
    for name in settings:
        if name not in Settings.__struct_fields__:
            known = ", ".join(Settings.__struct_fields__)
            raise Rejected(name, f"There is no setting {name!r}; known are: {known}.")
    for name, value in settings.items():
        _convert(name, value)
    made = msgspec.convert(dict(settings), Settings)
    if (made.locks is None) == (made.count is None):
        raise Rejected("locks", 'Give either locks ("demo" or a list) or count.')
    _check_range("count", made.count, 1, MOST_LOCKS)
    _check_range("positions", made.positions, 1, MOST_LOCKS)
    _check_range("concurrency", made.concurrency, 1, MOST_LOCKS)
    _check_range("latency", made.latency, 0, 60)
    if isinstance(made.locks, tuple):
        _check_specs(made.locks)
    return made


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings as plain data, complete but for what stands for a default; raises Rejected
    naming the setting that is wrong."""
    read(settings)
    return dict(settings)


def _convert(name: str, value: Any) -> None:
    try:
        msgspec.convert({name: value}, Settings)
    except msgspec.ValidationError as error:
        raise Rejected(name, f"The setting {name} is wrong: {error}.") from None


def _check_range(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise Rejected(name, f"The setting {name} must be from {least} to {most}.")


def _check_specs(specs: tuple[LockSpec, ...]) -> None:
    keys = [spec.key for spec in specs]
    if not specs or len(set(keys)) < len(keys) or not all(keys):
        raise Rejected("locks", "The setting locks needs locks, each with a key of its own.")
    for spec in specs:
        _check_spec(spec)


def _check_spec(spec: LockSpec) -> None:
    if spec.latency is not None:
        _check_range("locks", spec.latency, 0, 60)
    try:
        faults.made(spec.faults)
        if spec.time_zone is not None:
            ZoneInfo(spec.time_zone)
    except Rejected as error:
        raise Rejected("locks", f"The lock {spec.key} is wrong: {error}") from None
    except (ValueError, OSError, KeyError):
        message = f"The time zone of the lock {spec.key} must be an IANA name."
        raise Rejected("locks", message) from None
