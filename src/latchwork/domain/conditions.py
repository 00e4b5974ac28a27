"""What drivers report to stand on a lock or an account for a while, in Seam's codes.

One table says of each whether it is an error or a warning, what people are told, and which events
tell of its beginning and its end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from latchwork.domain import events
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.problem import Problem, added, has, without


class Kind(msgspec.Struct, frozen=True):
    """`begun` and `ended`: event types, where Seam has one."""

    message: str
    is_error: bool = False
    begun: str | None = None
    ended: str | None = None


OF_DEVICES: Final[Mapping[str, Kind]] = {
    "subscription_required": Kind(
        "The provider serves this lock only with a paid subscription. Renew it.",
        is_error=True,
        begun=events.DEVICE_SUBSCRIPTION_REQUIRED,
        ended=events.DEVICE_SUBSCRIPTION_RESOLVED,
    ),
    "missing_device_credentials": Kind(
        "The lock needs a credential that was not given, such as its programming PIN.",
        is_error=True,
    ),
    "insufficient_permissions": Kind(
        "The connected account lacks the permissions that this lock needs.", is_error=True
    ),
    "accessory_keypad_setup_required": Kind(
        "PINs need the lock's keypad, which is not connected. Connect or pair it.",
        begun=events.DEVICE_KEYPAD_DISCONNECTED,
        ended=events.DEVICE_KEYPAD_CONNECTED,
    ),
    "third_party_integration_detected": Kind(
        "Another integration programs this lock too: its codes may be changed by another hand.",
        begun=events.DEVICE_INTEGRATION_DETECTED,
        ended=events.DEVICE_INTEGRATION_GONE,
    ),
    "privacy_mode": Kind("The lock is in privacy mode: PINs do not open it until that ends."),
    "power_saving_mode": Kind("The lock saves power: it answers late."),
    "device_communication_degraded": Kind("The lock answers much slower than it should."),
    "scheduled_maintenance_window": Kind("The provider is being maintained."),
    "hub_required_for_additional_capabilities": Kind(
        "Without a hub this lock cannot do all that it could."
    ),
    "unreliable_online_status": Kind("The provider's word on whether the lock is online is weak."),
    "provider_issue": Kind("The provider has trouble with this lock."),
    "ttlock_lock_gateway_unlocking_not_enabled": Kind(
        "Unlocking through the gateway is switched off in the lock's settings."
    ),
    "ttlock_weak_gateway_signal": Kind("The lock hears its gateway only weakly."),
}

OF_ACCOUNTS: Final[Mapping[str, Kind]] = {
    "account_reauthorization_requested": Kind(
        "The account must be authorized again soon.", begun=events.ACCOUNT_REAUTHORIZATION
    ),
    "provider_service_unavailable": Kind("The provider's service is not available at present."),
    "scheduled_maintenance_window": Kind("The provider is being maintained."),
    "setup_required": Kind("The account is not set up completely at its provider."),
    "unknown_issue_with_connected_account": Kind("Something is wrong with the account."),
}

_Holder = TypeVar("_Holder", Device, ConnectedAccount)


def with_condition(
    holder: _Holder, kinds: Mapping[str, Kind], code: str, *, stands: bool | str, now: datetime
) -> tuple[_Holder, str | None]:
    """The lock or account with or without the condition, of those in `kinds`, and the type of the
    event that tells of the change; nothing changes when it stood so before. A text stands, and is
    what people are told."""
    kind = kinds[code]
    field = "errors" if kind.is_error else "warnings"
    problems = getattr(holder, field)
    stood = has(problems, code)
    message = stands if isinstance(stands, str) else kind.message
    changed = added(problems, Problem(code, message, now)) if stands else without(problems, [code])
    if stood == bool(stands):
        return (msgspec.structs.replace(holder, **{field: changed}) if stands else holder), None
    return msgspec.structs.replace(holder, **{field: changed}), (
        kind.begun if stands else kind.ended
    )
