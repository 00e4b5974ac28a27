"""`latchwork events`."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from latchwork.cli import times
from latchwork.cli.client import call, device_id_of, every
from latchwork.cli.say import as_json, as_json_line, table
from latchwork.cli.shared import Json, Limit, MaybeDevice

app = typer.Typer(help="What happened.", no_args_is_help=True)

LOOK_EVERY = 1.0
OVERLAP = timedelta(seconds=10)
"""Looked at again and again, for an event may be stored after one that tells of a later time."""
IDS = ("access_code_id", "device_id", "connected_account_id", "action_attempt_id")


@app.command("list")
def list_(
    device: MaybeDevice = None,
    code: Annotated[str | None, typer.Option(help="Of this code, by id.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Of this type; repeatable.")
    ] = None,
    since: Annotated[str | None, typer.Option(help='ISO 8601, or "2026-11-24 15:00".')] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Lists events, newest last; --json with --follow: one a line."""
    where = {
        "device_id": None if device is None else device_id_of(device),
        "access_code_id": code,
        "event_types": types or None,
    }
    newest = call("/events/list", **where, since=times.parse(since, "since"), limit=limit)["events"]
    found = newest[::-1]
    if not follow:
        as_json(found) if json else _table(found)
        return
    for event in found:
        _line(event, json=json)
    try:
        for event in _following(where, found):
            _line(event, json=json)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _following(where: dict[str, Any], found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen = {event["event_id"]: _at(event) for event in found}
    since = max(seen.values(), default=datetime.now(UTC))
    while True:
        time.sleep(LOOK_EVERY)
        span = (since - OVERLAP).isoformat()
        news = [
            event
            for event in every("/events/list", "events", **where, since=span)
            if event["event_id"] not in seen
        ]
        for event in news[::-1]:
            if _at(event) >= since - OVERLAP:
                seen[event["event_id"]] = _at(event)
                yield event
        since = max([since, *seen.values()])
        seen = {event_id: at for event_id, at in seen.items() if at >= since - 2 * OVERLAP}


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["created_at"])


def _subject(event: dict[str, Any]) -> str:
    return next((str(event[name]) for name in IDS if event.get(name)), "")


def _line(event: dict[str, Any], *, json: bool) -> None:
    if json:
        as_json_line(event)
        return
    stamp = _at(event).astimezone().strftime("%H:%M:%S")
    print(f"{stamp}  {event['event_type']:48} {_subject(event)}", flush=True)


def _table(found: list[dict[str, Any]]) -> None:
    rows = [
        [times.exact(e["created_at"]), e["event_type"], _subject(e), e["event_id"]] for e in found
    ]
    table(["at", "event", "of", "id"], rows, "There are no events.")
