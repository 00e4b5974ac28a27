"""/access_codes: looking at codes, and at what a lock takes."""

from typing import Annotated, Any

import msgspec

from latchwork.api import code_serializers as show_code
from latchwork.api.codes import device_of, find, generated, programmable
from latchwork.api.endpoint import CREATE, READ, Call, Endpoint, page_of, page_size
from latchwork.api.errors import invalid, not_found
from latchwork.api.resources import AccessCode, GeneratedCode, Pagination
from latchwork.domain.device import Device
from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Pin
from latchwork.storage.interface import CodeFilter, CodeView, Page

Length = Annotated[int, msgspec.Meta(ge=4, le=20)]


class Get(msgspec.Struct):
    access_code_id: str | None = None
    device_id: str | None = None
    code: str | None = None


class List(msgspec.Struct):
    device_id: str | None = None
    access_code_ids: list[str] | None = None
    search: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    customer_key: str | None = None
    user_identifier_key: str | None = None
    access_grant_id: str | None = None
    access_grant_key: str | None = None
    access_method_id: str | None = None


class Generate(msgspec.Struct):
    device_id: str


class Report(msgspec.Struct):
    device_id: str
    min_code_length: Length | None = None
    max_code_length: Length | None = None
    supported_code_lengths: Annotated[list[Length], msgspec.Meta(min_length=1)] | None = None


async def get(call: Call, asked: Get) -> dict[str, Any]:
    if asked.access_code_id is not None:
        view = await find(call, asked.access_code_id, asked.device_id)
    elif asked.device_id is not None and asked.code:
        found = await call.storage.code(
            call.workspace_id, device_id=asked.device_id, pin=Pin(asked.code)
        )
        if found is None:
            raise not_found("access_code")
        view = found
    else:
        raise invalid(
            "Name an access code by access_code_id, or by device_id and code.",
            access_code_id="Required",
        )
    return {"access_code": show_code.access_code(view, call.now), "ok": True}


async def list_(call: Call, asked: List) -> dict[str, Any]:
    unknown = (
        asked.customer_key,
        asked.user_identifier_key,
        asked.access_grant_id,
        asked.access_grant_key,
        asked.access_method_id,
    )
    page: Page[CodeView] = Page(())
    if not any(unknown):
        if asked.device_id is not None and (
            await call.storage.device(call.workspace_id, device_id=asked.device_id) is None
        ):
            raise not_found("device")
        ids = None if asked.access_code_ids is None else tuple(asked.access_code_ids)
        where = CodeFilter(device_id=asked.device_id, access_code_ids=ids, search=asked.search)
        page = await call.storage.codes(
            call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
        )
    return {
        "access_codes": [show_code.access_code(view, call.now) for view in page.items],
        "pagination": page_of("/access_codes/list", call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def generate_code(call: Call, asked: Generate) -> dict[str, Any]:
    view = await programmable(call, asked.device_id)
    pin = await generated(call, view.device, None)
    return {"generated_code": show_code.generated_code(view.device, pin.reveal()), "ok": True}


async def report_device_constraints(call: Call, asked: Report) -> dict[str, Any]:
    """What a caller found out of the lengths that a lock takes binds PINs from now on."""
    view = await device_of(call, asked.device_id)
    lengths = _lengths(asked)

    def reported(device: Device) -> tuple[Device, list[NewEvent], bool]:
        return msgspec.structs.replace(device, reported_code_lengths=lengths), [], False

    await call.storage.change_device(view.device.device_id, reported, call.now)
    return {"ok": True}


def _lengths(asked: Report) -> tuple[int, ...]:
    shortest, longest = asked.min_code_length, asked.max_code_length
    if asked.supported_code_lengths is not None:
        if shortest is not None or longest is not None:
            text = "Name supported_code_lengths, or min_code_length and max_code_length."
            raise invalid(text, supported_code_lengths=text)
        return tuple(sorted(set(asked.supported_code_lengths)))
    if shortest is None or longest is None:
        text = "Name supported_code_lengths, or both min_code_length and max_code_length."
        missing = "max_code_length" if longest is None else "min_code_length"
        raise invalid(text, **{missing: "Required"})
    if shortest > longest:
        text = "min_code_length must not be larger than max_code_length."
        raise invalid(text, min_code_length=text)
    return tuple(range(shortest, longest + 1))


ENDPOINTS = (
    Endpoint(
        "/access_codes/get",
        READ,
        Get,
        get,
        answer={"access_code": AccessCode},
        summary="Gets a code, by its id or by its device and PIN.",
    ),
    Endpoint(
        "/access_codes/list",
        READ,
        List,
        list_,
        answer={"access_codes": list[AccessCode], "pagination": Pagination},
        summary="Lists codes, newest first.",
    ),
    Endpoint(
        "/access_codes/generate_code",
        READ,
        Generate,
        generate_code,
        answer={"generated_code": GeneratedCode},
        summary="Draws a PIN that a lock takes; nothing is done with it.",
    ),
    Endpoint(
        "/access_codes/report_device_constraints",
        CREATE,
        Report,
        report_device_constraints,
        answer={},
        summary="Tells which lengths of PINs a lock takes.",
    ),
)
