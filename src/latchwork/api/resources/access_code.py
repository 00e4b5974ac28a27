"""Access codes: ours, and those found on locks."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api.resources.common import Caution, Id, Instant, Resource

TypeName = Literal["ongoing", "time_bound", "timebound"]


class ModifiedField(Resource):
    """What another hand changed on the lock."""

    field: str
    from_: str | None = msgspec.field(name="from")
    to: str | None


class AccessCodeError(Resource):
    """What stands in a code's way: of its own, of its device, or of its account."""

    error_code: str
    message: str
    created_at: Instant
    is_access_code_error: Literal[True] | UnsetType = UNSET
    is_device_error: bool | UnsetType = UNSET
    is_connected_account_error: Literal[True] | UnsetType = UNSET
    is_bridge_error: Literal[True] | UnsetType = UNSET
    managed_access_code_id: Id | UnsetType = UNSET
    unmanaged_access_code_id: Id | UnsetType = UNSET
    change_type: Literal["modified", "removed"] | UnsetType = UNSET
    modified_fields: list[ModifiedField] | UnsetType = UNSET


class AccessCodeCaution(Caution):
    """A code's warning."""

    change_type: Literal["modified", "removed"] | UnsetType = UNSET
    modified_fields: list[ModifiedField] | UnsetType = UNSET


class Mutated(Resource):
    """The values that a change touches."""

    code: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    starts_at: Instant | UnsetType | None = UNSET
    ends_at: Instant | UnsetType | None = UNSET


class PendingMutation(Resource):
    """What is still to be done on the lock. `from` and `to` with updates, `scheduled_at` with
    `deferring_creation`."""

    mutation_code: Literal[
        "creating",
        "deferring_creation",
        "deleting",
        "updating_code",
        "updating_name",
        "updating_time_frame",
    ]
    message: str
    created_at: Instant
    scheduled_at: Instant | UnsetType = UNSET
    from_: Mutated | UnsetType = msgspec.field(name="from", default=UNSET)
    to: Mutated | UnsetType = UNSET


class Evidence(Resource):
    """What proves a code on its lock: a read that shows the PIN, or, on locks that mask PINs, a
    read that shows the position taken after an acknowledged write; of an offline code, that it was
    issued, for then the lock computes it."""

    kind: Literal["read_back", "occupied", "issued"]
    position: int | None
    observed_at: Instant


class Appearance(Resource):
    """A name as the lock stores it; its parts on locks that split names."""

    name: str
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET


class AccessCode(Resource):
    """A PIN that shall open a lock, and how far it has come. `set` means that it opens the lock
    now."""

    access_code_id: Id
    device_id: Id
    connected_account_id: Id
    workspace_id: Id
    name: str | None
    appearance: Appearance | None
    code: str | None
    common_code_key: str | None
    type: TypeName
    status: Literal["setting", "set", "unset", "removing", "unknown"]
    created_at: Instant
    starts_at: Instant | None
    ends_at: Instant | None
    errors: list[AccessCodeError]
    warnings: list[AccessCodeCaution]
    is_managed: Literal[True]
    is_backup: bool
    is_backup_access_code_available: bool
    is_external_modification_allowed: bool
    is_offline_access_code: bool
    is_one_time_use: bool
    is_scheduled_on_device: bool
    is_waiting_for_code_assignment: bool
    pulled_backup_access_code_id: Id | None
    dormakaba_oracode_metadata: None
    pending_mutations: list[PendingMutation]
    latchwork_evidence: Evidence | None


class UnmanagedAccessCode(Resource):
    """A code that another hand put on a lock. `code` is null where the lock hides its PIN; such a
    code can neither be managed nor deleted."""

    access_code_id: Id
    device_id: Id
    workspace_id: Id
    name: str | None
    code: str | None
    type: Literal["ongoing", "time_bound"]
    status: Literal["set", "unset"]
    created_at: Instant
    starts_at: Instant | None
    ends_at: Instant | None
    is_managed: Literal[False]
    errors: list[AccessCodeError]
    warnings: list[AccessCodeCaution]
    cannot_be_managed: Literal[True] | UnsetType = UNSET
    cannot_delete_unmanaged_access_code: Literal[True] | UnsetType = UNSET


class GeneratedCode(Resource):
    """A PIN that fits a lock; nothing was done with it."""

    code: str
    device_id: Id
