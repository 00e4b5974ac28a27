"""What callers say of connected accounts. Pure: each function answers the account to be stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.domain.device import ConnectedAccount
from latchwork.domain.errors import Rejected
from latchwork.domain.metadata import merged

LOCK = "lock"


class AccountChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller changes; UNSET is left as it is; `custom_metadata` is merged, see there."""

    display_name: str | UnsetType = UNSET
    custom_metadata: Mapping[str, Any] = {}
    automatically_manage_new_devices: bool | UnsetType = UNSET
    accepted_capabilities: tuple[str, ...] | UnsetType = UNSET


def changed_account(account: ConnectedAccount, changes: AccountChanges) -> ConnectedAccount:
    """Raises Rejected naming what is wrong. New devices alone are managed or not; those that are
    known stay as they are."""
    accepted = changes.accepted_capabilities
    if accepted is not UNSET and LOCK not in accepted:
        raise Rejected(
            "accepted_capabilities", "accepted_capabilities must hold lock: there is nothing else."
        )
    wished = {
        "display_name": changes.display_name,
        "automatically_manage_new_devices": changes.automatically_manage_new_devices,
        # Of what may be accepted, locks are all that there is.
        "accepted_capabilities": UNSET if accepted is UNSET else (LOCK,),
    }
    return msgspec.structs.replace(
        account,
        custom_metadata=merged(account.custom_metadata, changes.custom_metadata),
        **{name: value for name, value in wished.items() if value is not UNSET},
    )


def suspended(account: ConnectedAccount) -> ConnectedAccount:
    """To be disconnected, and to stay so until somebody wishes otherwise."""
    return msgspec.structs.replace(account, suspended=True)


def resumed(account: ConnectedAccount) -> ConnectedAccount:
    """To be connected again, if it was to stay disconnected."""
    return msgspec.structs.replace(account, suspended=False)


def to_be_listed(account: ConnectedAccount, now: datetime) -> ConnectedAccount:
    """All its locks are to be listed anew, with a new connection where there is none."""
    return msgspec.structs.replace(account, suspended=False, sync_requested_at=now)
