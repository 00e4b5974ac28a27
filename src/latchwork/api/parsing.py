"""From a request to a typed struct, as Seam's clients send it: one set of parameters, in the query
for GET, in a JSON body for the rest, in either for DELETE."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import QueryParams, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from latchwork.api.errors import ApiError, invalid
from latchwork.domain.pin import Secret

T = TypeVar("T", bound=msgspec.Struct)

LARGEST_BODY = 256 * 1024

_PATH = re.compile(r" - at `\$\.?([A-Za-z0-9_]*)")
_MISSING = re.compile(r"missing required field `([A-Za-z0-9_]+)`")
_NULLS = frozenset(("", "null"))


async def parameters(request: Request) -> tuple[dict[str, Any], bool, bool]:
    """The parameters as sent, whether their values are text, and whether the caller is strict
    about unknown ones (`_strict=true`)."""
    query = _from_query(request.query_params) if request.scope["query_string"] else {}
    strict = str(query.pop("_strict", "false")).lower() == "true"
    if request.method == "GET":
        return query, True, strict
    content_type = request.headers.get("content-type", "application/json").lower()
    if content_type.startswith("multipart/form-data"):
        return await _form(request), True, strict
    body = await _body(request, content_type)
    if request.method == "DELETE" and query:
        return {**query, **body}, True, strict
    return body, False, strict


async def _body(request: Request, content_type: str) -> dict[str, Any]:
    raw = await bounded_body(request)
    if not raw.strip():
        return {}
    if "json" not in content_type:
        raise invalid("The body must be JSON (content-type: application/json).")
    try:
        decoded = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise invalid("The body is not valid JSON.") from None
    if not isinstance(decoded, dict):
        raise invalid("The body must be a JSON object.")
    return decoded


async def _form(request: Request) -> dict[str, Any]:
    """A form's fields; its files as bytes."""
    declared = request.headers.get("content-length", "")
    if not declared.isdigit():
        raise ApiError(411, "length_required", "A form must be sent with its content-length.")
    if int(declared) > LARGEST_BODY:
        raise _too_large()
    try:
        async with request.form(max_files=4, max_fields=20) as form:
            return {
                name: await value.read() if isinstance(value, UploadFile) else value
                for name, value in form.multi_items()
            }
    except HTTPException:
        raise invalid("The body is not a valid multipart form.") from None


async def bounded_body(request: Request) -> bytes:
    """The whole body; 413 for one that is too large, whatever it declares."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        raise _too_large()
    body, more = b"", True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            raise _too_large()
    return body


def _too_large() -> ApiError:
    return ApiError(
        413, "payload_too_large", f"The body must not be larger than {LARGEST_BODY // 1024} KiB."
    )


def _from_query(query: QueryParams) -> dict[str, Any]:
    """Repeated keys become lists, `name[]` too, `name[key]` an object."""
    found: dict[str, Any] = {}
    for name, value in query.multi_items():
        key, bracket, inner = name.partition("[")
        inner = inner.rstrip("]")
        if bracket and inner:
            nested = found.setdefault(key, {})
            if isinstance(nested, dict):
                nested[inner] = value
        elif bracket or key in found:
            standing = found.get(key, [])
            found[key] = [*(standing if isinstance(standing, list) else [standing]), value]
        else:
            found[key] = value
    return found


def convert(kind: type[T], values: dict[str, Any], *, text: bool, strict: bool) -> T:
    """The struct, or 400 invalid_input that names the parameter and what is wrong with it."""
    if strict and (unknown := sorted(values.keys() - _fields(kind).keys())):
        raise ApiError(
            400,
            "invalid_input",
            f"Unknown parameter: {', '.join(unknown)}.",
            validation={name: ["Unknown parameter"] for name in unknown},
        )
    if text:
        values = _typed(kind, values)
    try:
        return msgspec.convert(values, kind, strict=not text)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None


_FIELDS: dict[type, Mapping[str, Any]] = {}


def _fields(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    known = _FIELDS.get(kind)
    if known is None:
        known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        _FIELDS[kind] = known
    return known


def _typed(kind: type[msgspec.Struct], values: dict[str, Any]) -> dict[str, Any]:
    """Text from a query in the shape that its field asks for: one element for a list, an empty
    text or `null` for None."""
    fields = _fields(kind)
    shaped: dict[str, Any] = {}
    for name, value in values.items():
        wants = str(fields.get(name, ""))
        if value in _NULLS if isinstance(value, str) else False:
            if "None" in wants:
                shaped[name] = None
                continue
            if "list" in wants or "tuple" in wants:
                shaped[name] = []
                continue
        is_list = "list[" in wants or "tuple[" in wants
        shaped[name] = [value] if is_list and not isinstance(value, list) else value
    return shaped


def _explained(message: str) -> ApiError:
    """msgspec's message, without the values that some of them quote."""
    if found := _MISSING.search(message):
        return ApiError(
            400,
            "invalid_input",
            f"{found[1]} is required.",
            validation={found[1]: ["Required"]},
        )
    path = _PATH.search(message)
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "value", message.partition(" - at ")[0])
    if path is None or not path[1]:
        return ApiError(400, "invalid_input", text)
    return ApiError(400, "invalid_input", f"{path[1]}: {text}.", validation={path[1]: [text]})


def instant(name: str, text: str | None) -> datetime | None:
    """An ISO 8601 instant with an offset or Z, as UTC."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        wrong = f"{name} must be an ISO 8601 date and time, such as 2026-11-24T15:00:00Z."
        raise invalid(wrong, **{name: wrong}) from None
    wrong = f"{name} must carry a UTC offset or Z, such as 2026-11-24T15:00:00Z."
    raise invalid(wrong, **{name: wrong})


def bearer(request: Request) -> Secret | None:
    """The caller's key."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return Secret(key.strip()) if scheme.lower() == "bearer" and key.strip() else None
