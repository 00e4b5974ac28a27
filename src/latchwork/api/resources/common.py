"""What the resources are made of."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
Metadata = dict[str, str | bool]


class Resource(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON object with these keys and no others. A key whose type is a union with `UnsetType`
    may be absent; every other is always there."""


class Pagination(Resource):
    """One page of a list."""

    current_page_cursor: str | None
    next_page_cursor: str | None
    has_next_page: bool
    next_page_url: Url | None


class Refusal(Resource):
    """Why a request was refused."""

    type: str
    message: str
    data: dict[str, Any] | UnsetType = UNSET
    validation_errors: dict[str, Any] | UnsetType = UNSET


class Error(Resource):
    """Every answer other than 200."""

    error: Refusal
    ok: Literal[False]


class AccountError(Resource):
    """What stands in an account's way."""

    error_code: str
    message: str
    created_at: Instant
    is_connected_account_error: Literal[True]
    is_bridge_error: bool


class DeviceError(Resource):
    """What stands in a device's way: of its own, or of its account."""

    error_code: str
    message: str
    created_at: Instant
    is_device_error: bool | UnsetType = UNSET
    is_connected_account_error: Literal[True] | UnsetType = UNSET
    is_bridge_error: Literal[True] | UnsetType = UNSET


class Caution(Resource):
    """A warning: what should be looked at."""

    warning_code: str
    message: str
    created_at: Instant
