"""The sandbox's controls: what a person can break on a simulated lock, in words and as the API
takes it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from latchwork.api.errors import invalid
from latchwork.domain.provider import SIMULATOR as SIMULATOR  # noqa: PLC0414 - told apart by it

FAULT: Final = "/latchwork/devices/simulate"


class Fault(msgspec.Struct, frozen=True):
    """`name` and `value`: as the simulator knows them."""

    name: str
    value: Any
    says: str


FAULTS: Final = (
    Fault("ignore_writes", -1, "Says yes to every code and stores none"),
    Fault("ignore_clears", -1, "Says yes to every removal and keeps the code"),
    Fault("drop_answer", 3, "Does the next three things and answers to none"),
    Fault("fail_next", 3, "Does not answer three times"),
    Fault("delay", 5.0, "Takes five seconds for everything"),
    Fault("mask_pins", True, "Hides its PINs"),
    Fault("full", True, "Takes no further code"),
    Fault("flapping", {"period": 20.0, "share": 0.5}, "Comes and goes every ten seconds"),
)
_PLAIN: Final = {
    "connect": "/devices/simulate/connect",
    "disconnect": "/devices/simulate/disconnect",
    "hub-connect": "/devices/simulate/connect_to_hub",
    "hub-disconnect": "/devices/simulate/disconnect_from_hub",
    "remove": "/devices/simulate/remove",
}


def asked(device_id: str, typed: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The path of the API, and what to ask of it. Raises 400 for what is no control."""
    what = typed.get("what", "")
    if what in _PLAIN:
        return _PLAIN[what], {"device_id": device_id}
    if what == "keypad":
        code = typed.get("code", "")
        return "/locks/simulate/keypad_code_entry", {"device_id": device_id, "code": code}
    action, values = _action(what, typed)
    return FAULT, {"device_id": device_id, "action": action, "values": values}


def _action(what: str, typed: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    if what == "mend":
        return "clear_faults", {}
    if what == "battery":
        return "battery", {"level": _share(typed.get("level", ""))}
    if what == "by-hand":
        code, name = typed.get("code", ""), typed.get("name", "").strip() or None
        return "program_by_hand", {"code": code, "name": name, "told": True}
    if what == "fault":
        for fault in FAULTS:
            if fault.name == typed.get("name"):
                return "set_fault", {"name": fault.name, "value": fault.value}
    raise invalid("Choose what shall happen to the lock.")


def _share(text: str) -> float:
    """Per cent as a share."""
    try:
        return min(max(float(text) / 100, 0.0), 1.0)
    except ValueError:
        raise invalid("Give the battery's level in per cent, 0 to 100.") from None
