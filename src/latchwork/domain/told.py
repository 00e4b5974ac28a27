"""What a change of a wish is told as. PINs go beside the payload, which is stored in clear."""

from datetime import datetime
from typing import Any

import msgspec

from latchwork.domain import events
from latchwork.domain.access_code import AccessCode


def told_changes(code: AccessCode, changed: AccessCode, now: datetime) -> list[events.NewEvent]:
    """One event that names all changes, one that says what is asked of the lock, and one for each
    kind of change; none when nothing that shows has changed."""
    told: list[events.NewEvent] = []
    mutations: list[dict[str, Any]] = []
    if changed.pin != code.pin:
        mutations.append({"mutation_code": "updating_code"})
        text: dict[str, Any] = {"description": "The PIN was changed."}
        told.append(_with_pins(event_of(events.CODE_CHANGED, changed, now, text), code, changed))
    if changed.name != code.name:
        names: dict[str, Any] = {"from": {"name": code.name}, "to": {"name": changed.name}}
        mutations.append({"mutation_code": "updating_name", **names})
        text = {"description": "The name was changed.", **names}
        told.append(event_of(events.NAME_CHANGED, changed, now, text))
    if changed.window != code.window:
        frames: dict[str, Any] = {"from": _frame(code), "to": _frame(changed)}
        mutations.append({"mutation_code": "updating_time_frame", **frames})
        text = {"description": "The time frame was changed.", **frames}
        told.append(event_of(events.TIME_FRAME_CHANGED, changed, now, text))
    if not told:
        return []
    properties = {"changed_properties": _properties(code, changed)}
    requested = event_of(
        events.MUTATIONS_REQUESTED, changed, now, {"requested_mutations": mutations}
    )
    return [
        event_of(events.CHANGED, changed, now, properties),
        _with_pins(requested, code, changed) if changed.pin != code.pin else requested,
        *told,
    ]


def _with_pins(event: events.NewEvent, code: AccessCode, changed: AccessCode) -> events.NewEvent:
    return msgspec.structs.replace(event, code=changed.pin, code_from=code.pin)


def _properties(code: AccessCode, changed: AccessCode) -> list[dict[str, Any]]:
    """With the values, but for the PIN's."""
    before, after = _shown(code), _shown(changed)
    listed: list[dict[str, Any]] = [
        {"property": name, "from": before[name], "to": after[name]}
        for name in before
        if before[name] != after[name]
    ]
    if code.pin != changed.pin:
        listed.insert(0, {"property": "code", "from": None, "to": None})
    return listed


def _shown(code: AccessCode) -> dict[str, str | None]:
    return {
        "name": code.name,
        "type": code.type.value,
        **{name: None if at is None else at.isoformat() for name, at in _frame(code).items()},
    }


def _frame(code: AccessCode) -> dict[str, datetime | None]:
    return {"starts_at": code.starts_at, "ends_at": code.ends_at}


def event_of(
    event_type: str, code: AccessCode, now: datetime, payload: dict[str, Any] | None = None
) -> events.NewEvent:
    return events.NewEvent(
        event_type=event_type,
        occurred_at=now,
        device_id=code.device_id,
        connected_account_id=code.connected_account_id,
        access_code_id=code.access_code_id,
        payload=payload or {},
    )
