"""`latchwork codes`."""

import sys
import time
from typing import Annotated, Any

import typer

from latchwork.cli import times
from latchwork.cli.client import Refusal, ask, call, device_id_of, every
from latchwork.cli.say import USAGE, as_json, details, fail, table
from latchwork.cli.shared import Json, Limit, MaybeDevice, OfDevice, finished, problems

app = typer.Typer(help="Access codes.", no_args_is_help=True)

LOOK_EVERY = 0.25
DEAD_ENDS = frozenset(("duplicate_code_on_device", "code_constraints_violated"))
"""Errors that waiting does not cure."""

Id = Annotated[str, typer.Argument(help="The id, from codes list.")]
StartsAt = Annotated[str | None, typer.Option(help='ISO 8601, or "2026-11-24 15:00".')]
EndsAt = Annotated[str | None, typer.Option(help="Likewise; without it: ongoing.")]
Wait = Annotated[bool, typer.Option(help="Follow until it is done.")]
Patience = Annotated[float, typer.Option(help="Seconds to follow at most.")]


@app.command("create")
def create(
    device: OfDevice,
    code: Annotated[str | None, typer.Option(help="The PIN; without it one is made.")] = None,
    name: Annotated[str | None, typer.Option(help="Whose code it is.")] = None,
    starts_at: StartsAt = None,
    ends_at: EndsAt = None,
    wait: Wait = False,
    timeout: Patience = 600.0,
    json: Json = False,
) -> None:
    """Wishes for a code on a lock."""
    made = call(
        "/access_codes/create",
        device_id=device_id_of(device),
        code=code,
        name=name,
        starts_at=times.parse(starts_at, "starts-at"),
        ends_at=times.parse(ends_at, "ends-at"),
    )["access_code"]
    if not json:
        print(f"{made['access_code_id']}  PIN {made['code']}  {_span(made)}")
    if wait:
        made = _follow(made["access_code_id"], timeout, {"set"}, quiet=json)
    if json:
        as_json(made)


@app.command("list")
def list_(
    device: MaybeDevice = None,
    json: Json = False,
) -> None:
    """Lists the codes, newest first."""
    device_id = None if device is None else device_id_of(device)
    found = list(every("/access_codes/list", "access_codes", device_id=device_id))
    if json:
        as_json(found)
        return
    names = {d["device_id"]: d["display_name"] for d in every("/devices/list", "devices")}
    rows = [
        [
            c["name"] or "",
            c["code"] or "",
            names.get(c["device_id"], ""),
            c["status"],
            _span(c),
            ", ".join(problems(c)),
            c["access_code_id"],
        ]
        for c in found
    ]
    table(["name", "PIN", "lock", "status", "when", "problems", "id"], rows, "There are no codes.")


@app.command("delete")
def delete(
    access_code_id: Id,
    wait: Wait = False,
    timeout: Patience = 600.0,
) -> None:
    """Removes a code from its lock."""
    call("/access_codes/delete", access_code_id=access_code_id)
    if wait:
        _follow(access_code_id, timeout, set())
    else:
        print("Removal is asked for.")


@app.command("show")
def show(access_code_id: Id, json: Json = False) -> None:
    """Shows a code: what is wished, what is proven, and what stands in its way."""
    found = _code_or_end(access_code_id)
    if json:
        as_json(found)
        return
    details(
        [
            ("name", found["name"] or ""),
            ("PIN", found["code"] or "not known yet"),
            ("id", access_code_id),
            ("lock", found["device_id"]),
            ("when", _span(found)),
            ("status", _line(found)),
            ("under way", ", ".join(m["mutation_code"] for m in found["pending_mutations"])),
        ]
    )
    for problem in (*found["errors"], *found["warnings"]):
        code = problem.get("error_code") or problem["warning_code"]
        print(f"\n{code}: {problem['message']}")


@app.command("update")
def update(
    access_code_id: Id,
    code: Annotated[str | None, typer.Option(help="Another PIN.")] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    starts_at: StartsAt = None,
    ends_at: EndsAt = None,
    ongoing: Annotated[bool, typer.Option("--ongoing", help="Without an end from now on.")] = False,
    wait: Wait = False,
    timeout: Patience = 600.0,
) -> None:
    """Changes a code; what is not named stays."""
    changes: dict[str, Any] = {
        "code": code,
        "name": name,
        "starts_at": times.parse(starts_at, "starts-at"),
        "ends_at": times.parse(ends_at, "ends-at"),
        "type": "ongoing" if ongoing else None,
    }
    if not any(changes.values()):
        fail("Name what shall change: --code, --name, --starts-at, --ends-at or --ongoing.", USAGE)
    attempt = call("/access_codes/update", access_code_id=access_code_id, **changes)
    if wait and "action_attempt" in attempt:
        finished(attempt["action_attempt"], "Changing it on the lock ...", timeout)
        print(_line(_code_or_end(access_code_id)))
    else:
        print("The change is asked for.")


@app.command("timeline")
def timeline(access_code_id: Id, limit: Limit = 50, json: Json = False) -> None:
    """Tells what happened to a code, newest first, and who did it."""
    path = "/access_codes/get_timeline"
    found = call(path, access_code_id=access_code_id, limit=min(limit, 200))["timeline_events"]
    if json:
        as_json(found)
        return
    rows = [
        [times.exact(e["occurred_at"]), _event(e), e["description"], e["actor"]["type"]]
        for e in found
    ]
    table(["at", "event", "what happened", "by"], rows, "Nothing has happened to it yet.")


def _event(told: dict[str, Any]) -> str:
    return str(told["event_type"]).removeprefix("access_code.")


@app.command("pull-backup")
def pull_backup(access_code_id: Id) -> None:
    """Has a code of the lock's backup pool stand in for one that is not set in time."""
    path = "/access_codes/pull_backup_access_code"
    pulled = call(path, access_code_id=access_code_id)["backup_access_code"]
    print(f"{pulled['access_code_id']}  PIN {pulled['code']}  {_span(pulled)}")


def _code_or_end(access_code_id: str) -> dict[str, Any]:
    found: dict[str, Any] = call("/access_codes/get", access_code_id=access_code_id)["access_code"]
    return found


def _span(code: dict[str, Any]) -> str:
    if code["ends_at"] is None:
        start = times.shown(code["starts_at"])
        return f"ongoing from {start}" if start else "ongoing"
    return f"{times.shown(code['starts_at'])} - {times.shown(code['ends_at'])}"


def _code(access_code_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ask("/access_codes/get", access_code_id=access_code_id)["access_code"]
    return found


def _follow(
    access_code_id: str, timeout: float, goal: set[str], *, quiet: bool = False
) -> dict[str, Any]:
    """A live line per change until the status is in `goal`, or the code is gone."""
    deadline = time.monotonic() + timeout
    last = ""
    while time.monotonic() < deadline:
        try:
            code = _code(access_code_id)
        except Refusal as refusal:
            if refusal.status != 404:
                fail(str(refusal))
            _say("removed: the lock was read, and the PIN is not there any more", last, quiet=quiet)
            if goal:
                fail("The code is gone.")
            return {}
        line = _line(code)
        _say(line, last, quiet=quiet)
        last = line
        if code["status"] in goal:
            return code
        if goal and DEAD_ENDS & {p["error_code"] for p in code["errors"]}:
            fail(code["errors"][0]["message"])
        time.sleep(LOOK_EVERY)
    return fail(f"Not done within {timeout:.0f} seconds; it goes on being tried.")


def _line(code: dict[str, Any]) -> str:
    line = str(code["status"])
    evidence = code.get("latchwork_evidence")
    if code["status"] == "set" and evidence:
        how = {"read_back": "the lock read the PIN back", "occupied": "the lock shows it stored"}
        line += (
            f" - {how.get(evidence['kind'], evidence['kind'])}, position {evidence['position']}, "
            f"{times.shown(evidence['observed_at'])}"
        )
    elif code.get("is_scheduled_on_device"):
        line += " - on the lock with its window, shut until it starts"
    if standing := problems(code):
        line += f" ({', '.join(standing)})"
    return line


def _say(line: str, last: str, *, quiet: bool) -> None:
    if line != last and not quiet:
        stamp = time.strftime("%H:%M:%S")
        print(f"{stamp}  {line}", file=sys.stdout, flush=True)
