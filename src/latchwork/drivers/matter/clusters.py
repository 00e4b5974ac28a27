"""Numbers of the Matter specification that the driver speaks with."""

from enum import IntEnum, IntFlag
from typing import Final

DESCRIPTOR: Final = 29
BASIC_INFORMATION: Final = 40
POWER_SOURCE: Final = 47
TIME_SYNCHRONIZATION: Final = 56
BRIDGED_BASIC_INFORMATION: Final = 57
OPERATIONAL_CREDENTIALS: Final = 62
DOOR_LOCK: Final = 257

FEATURE_MAP: Final = 65532
"""Of every cluster."""
PARTS_LIST: Final = 3
"""Of Descriptor: the endpoints below."""
CURRENT_FABRIC_INDEX: Final = 5
"""Of Operational Credentials: which of its fabrics the lock talks to."""


class Basic(IntEnum):
    """Attributes of Basic Information and of Bridged Device Basic Information alike."""

    VENDOR_NAME = 1
    PRODUCT_NAME = 3
    NODE_LABEL = 5
    LOCATION = 6
    SERIAL_NUMBER = 15
    REACHABLE = 17
    """Of the bridged one."""


class Power(IntEnum):
    """Attributes of Power Source."""

    PERCENT_REMAINING = 12
    """In half percents."""
    CHARGE_LEVEL = 14
    ENDPOINT_LIST = 31
    """Which endpoints it feeds."""


class Time(IntEnum):
    """Attributes of Time Synchronization; times in microseconds since 2000."""

    UTC = 0
    TIME_ZONE = 5
    LOCAL = 7


class Lock(IntEnum):
    """Attributes of Door Lock."""

    STATE = 0
    DOOR_STATE = 3
    USERS = 17
    PIN_USERS = 18
    YEAR_DAY_SCHEDULES = 21
    """Per user."""
    LONGEST_PIN = 23
    SHORTEST_PIN = 24
    AUTO_RELOCK_TIME = 35
    """In seconds; 0: never."""
    PIN_FOR_REMOTE_OPERATION = 51


class Feature(IntFlag):
    """Of Door Lock."""

    PIN = 0x1
    USERS = 0x100
    YEAR_DAY_SCHEDULES = 0x400


class LockState(IntEnum):
    NOT_FULLY_LOCKED = 0
    LOCKED = 1
    UNLOCKED = 2
    UNLATCHED = 3


class DoorState(IntEnum):
    OPEN = 0
    CLOSED = 1
    FORCED_OPEN = 3
    AJAR = 5


class Change(IntEnum):
    """What a command or an event does to data of the lock."""

    ADD = 0
    CLEAR = 1
    MODIFY = 2


class UserStatus(IntEnum):
    ENABLED = 1
    DISABLED = 3


class UserType(IntEnum):
    UNRESTRICTED = 0
    YEAR_DAY_SCHEDULE = 1
    SCHEDULE_RESTRICTED = 8


SCHEDULED: Final = frozenset({UserType.YEAR_DAY_SCHEDULE, UserType.SCHEDULE_RESTRICTED})
PIN_CREDENTIAL: Final = 1
SINGLE_CREDENTIAL: Final = 0
"""The rule that one credential opens the door."""


class Status(IntEnum):
    """What a lock answers to storing a credential or reading a schedule."""

    OK = 0
    FAILURE = 1
    DUPLICATE = 2
    OCCUPIED = 3
    INVALID_FIELD = 0x85
    RESOURCE_EXHAUSTED = 0x89
    NOT_FOUND = 0x8B


class LockEvent(IntEnum):
    ALARM = 0
    DOOR_STATE_CHANGE = 1
    OPERATION = 2
    OPERATION_ERROR = 3
    USER_CHANGE = 4


class Alarm(IntEnum):
    FACTORY_RESET = 1
    FRONT_COVER_REMOVED = 5
    DOOR_FORCED_OPEN = 6


class Operation(IntEnum):
    LOCK = 0
    UNLOCK = 1
    UNLATCH = 4


class Source(IntEnum):
    """What moved the bolt."""

    MANUAL = 1
    PROPRIETARY_REMOTE = 2
    KEYPAD = 3
    AUTO = 4
    BUTTON = 5
    SCHEDULE = 6
    REMOTE = 7
    RFID = 8


class DataType(IntEnum):
    """What a user change is about."""

    USER_INDEX = 2
    YEAR_DAY_SCHEDULE = 4
    PIN = 6


ALL_INDICES: Final = 0xFFFE
"""Stands in events and commands for every user or credential."""
