"""`latchwork codes`."""

import sys
import time
from typing import Annotated, Any

import typer

from latchwork.cli import times
from latchwork.cli.client import Refusal, ask, call, device_id_of, every
from latchwork.cli.say import as_json, fail, table

app = typer.Typer(help="Access codes.", no_args_is_help=True)

LOOK_EVERY = 0.25
DEAD_ENDS = frozenset(("duplicate_code_on_device", "code_constraints_violated"))
"""Errors that waiting does not cure."""

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Wait = Annotated[bool, typer.Option(help="Follow until it is done.")]
Patience = Annotated[float, typer.Option(help="Seconds to follow at most.")]


@app.command("create")
def create(
    device: Annotated[str, typer.Option(help="The lock, by name or id.")],
    code: Annotated[str | None, typer.Option(help="The PIN; without it one is made.")] = None,
    name: Annotated[str | None, typer.Option(help="Whose code it is.")] = None,
    starts_at: Annotated[str | None, typer.Option(help='ISO 8601, or "2026-11-24 15:00".')] = None,
    ends_at: Annotated[str | None, typer.Option(help="Likewise; without it: ongoing.")] = None,
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
    device: Annotated[str | None, typer.Option(help="Of this lock, by name or id.")] = None,
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
            ", ".join(_problems(c)),
            c["access_code_id"],
        ]
        for c in found
    ]
    table(["name", "PIN", "lock", "status", "when", "problems", "id"], rows, "There are no codes.")


@app.command("delete")
def delete(
    access_code_id: Annotated[str, typer.Argument(help="The id, from codes list.")],
    wait: Wait = False,
    timeout: Patience = 600.0,
) -> None:
    """Removes a code from its lock."""
    call("/access_codes/delete", access_code_id=access_code_id)
    if wait:
        _follow(access_code_id, timeout, set())
    else:
        print("Removal is asked for.")


def _span(code: dict[str, Any]) -> str:
    if code["ends_at"] is None:
        start = times.shown(code["starts_at"])
        return f"ongoing from {start}" if start else "ongoing"
    return f"{times.shown(code['starts_at'])} - {times.shown(code['ends_at'])}"


def _problems(code: dict[str, Any]) -> list[str]:
    errors = [p["error_code"] for p in code["errors"]]
    return errors + [p["warning_code"] for p in code["warnings"]]


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
    if problems := _problems(code):
        line += f" ({', '.join(problems)})"
    return line


def _say(line: str, last: str, *, quiet: bool) -> None:
    if line != last and not quiet:
        stamp = time.strftime("%H:%M:%S")
        print(f"{stamp}  {line}", file=sys.stdout, flush=True)
