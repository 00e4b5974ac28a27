"""The access code: what is wished, what is proven, and what stands in the way."""

from datetime import datetime
from enum import StrEnum

import msgspec

from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problems
from latchwork.domain.window import Window


class CodeType(StrEnum):
    ONGOING = "ongoing"
    TIME_BOUND = "time_bound"


class CodeStatus(StrEnum):
    """Seam's words. `set`: this PIN opens this lock now."""

    UNSET = "unset"
    SETTING = "setting"
    SET = "set"
    REMOVING = "removing"
    UNKNOWN = "unknown"


class EvidenceKind(StrEnum):
    READ_BACK = "read_back"
    """The lock answered a fresh read with this PIN."""
    OCCUPIED = "occupied"
    """The lock masks PINs; a fresh read shows the position taken after our acknowledged write."""
    ISSUED = "issued"
    """The lock's provider issued the PIN, which the lock computes by itself: no read is needed."""


class Evidence(msgspec.Struct, frozen=True):
    """Why we believe that the lock holds the code of `generation` at `position`."""

    kind: EvidenceKind
    position: int | None
    """None: the lock computes the PIN and stores it nowhere."""
    generation: int
    observed_at: datetime


class Blocked(StrEnum):
    """Why no radio is spent on a code until something changes."""

    DUPLICATE = "duplicate"
    """The lock holds the PIN already; ends when the lock's codes change or the code is updated."""
    REJECTED = "rejected"
    """The lock refuses the value; ends when the code is updated."""
    EXTERNAL = "external"
    """Removed by another hand, as the owner allows; ends when the code is updated."""


class Pool(StrEnum):
    """Of a backup code: where it stands."""

    WAITING = "waiting"
    """On the lock and told to nobody, until it is pulled."""
    PULLED = "pulled"
    """In use in place of another code."""


class Offline(StrEnum):
    """Of a code that the lock computes by itself: the grain of its window."""

    HOURLY = "hourly"
    DAILY = "daily"
    ONE_TIME = "one_time"


class AccessCode(msgspec.Struct, frozen=True, kw_only=True):
    """One wish: this PIN, on this lock, from then to then. `generation` counts its changes."""

    access_code_id: str
    workspace_id: str
    device_id: str
    connected_account_id: str
    type: CodeType
    name: str | None
    pin: Pin
    created_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generation: int = 1
    changed_at: datetime
    """When the wish last changed; lateness counts from here at the earliest."""
    allow_external_modification: bool = False
    prefer_native_scheduling: bool = True
    attempt_for_offline_device: bool = True
    common_code_key: str | None = None
    """Of the codes that share this PIN, made together; falls with a change of the PIN."""
    use_backup_pool: bool = False
    """Whether the lock shall hold backup codes while this time-bound code stands."""
    pool: Pool | None = None
    """None: not a backup code."""
    pulled_backup_id: str | None = None
    """The backup code in use in place of this one."""
    offline: Offline | None = None
    """None: programmed on the lock. Else computed by the lock, issued by its provider: it can be
    neither changed nor revoked, and its PIN is empty until it is issued."""
    status: CodeStatus = CodeStatus.UNSET
    evidence: Evidence | None = None
    scheduled_on_device: bool = False
    """Proven on the lock with its window, ahead of starts_at."""
    delete_requested_at: datetime | None = None
    deleted_at: datetime | None = None
    """When it was proven gone; a code with this set is kept for the audit alone."""
    errors: Problems = ()
    warnings: Problems = ()
    failures: int = 0
    """Consecutive attempts that the lock did not honour."""
    retry_at: datetime | None = None
    blocked: Blocked | None = None

    @property
    def window(self) -> Window:
        return Window(self.starts_at, self.ends_at)

    @property
    def wants_pool(self) -> bool:
        return self.use_backup_pool and self.type is CodeType.TIME_BOUND

    @property
    def is_issued(self) -> bool:
        """Whether it has a PIN; one to be programmed always has."""
        return len(self.pin) > 0

    def is_leaving(self, now: datetime) -> bool:
        """Whether the code must not be on the lock any more."""
        ends_at = self.ends_at
        return self.delete_requested_at is not None or (ends_at is not None and ends_at <= now)
