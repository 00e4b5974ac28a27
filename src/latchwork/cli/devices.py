"""`latchwork devices`."""

from typing import Annotated, Any

import typer

from latchwork.cli import times
from latchwork.cli.client import call, device_id_of, every
from latchwork.cli.say import as_json, details, table
from latchwork.cli.shared import Device, Json, Yes, finished, problems, sure

app = typer.Typer(help="Locks.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the locks, and what is wrong with them."""
    found = list(every("/devices/list", "devices"))
    if json:
        as_json(found)
    else:
        show(found)


def show(found: list[dict[str, Any]]) -> None:
    headings = ["name", "id", "model", "online", "battery", "PIN lengths", "codes", "problems"]
    table(headings, [_row(device) for device in found], "There are no devices.")


@app.command("show")
def show_one(device: Device, json: Json = False) -> None:
    """Shows a lock: its state, its PIN rules, its problems in words, the codes on it."""
    device_id = device_id_of(device)
    found = call("/devices/get", device_id=device_id)["device"]
    codes = list(every("/access_codes/list", "access_codes", device_id=device_id))
    others = list(every("/access_codes/unmanaged/list", "access_codes", device_id=device_id))
    if json:
        as_json({**found, "access_codes": codes, "unmanaged_access_codes": others})
        return
    details(_facts(found))
    _tell_problems(found)
    print()
    rows = [[c["name"] or "", c["code"] or "", c["status"], _position(c)] for c in codes]
    rows += [[c["name"] or "", c["code"] or "(hidden)", "unmanaged", ""] for c in others]
    table(["code", "PIN", "status", "position"], rows, "There are no codes on it.")


def _facts(device: dict[str, Any]) -> list[tuple[str, str]]:
    properties = device["properties"]
    row = _row(device)
    locked = properties.get("locked")
    rules = [c["constraint_type"] for c in properties["code_constraints"]]
    return [
        ("name", device["display_name"]),
        ("id", device["device_id"]),
        ("model", row[2]),
        ("account", device["connected_account_id"]),
        ("online", row[3]),
        ("bolt", "unknown" if locked is None else "locked" if locked else "unlocked"),
        ("battery", row[4] or "unknown"),
        ("time zone", (device.get("location") or {}).get("timezone") or "unknown"),
        ("PIN lengths", row[5]),
        ("PIN rules", ", ".join(rules) or "none"),
        ("codes at most", row[6]),
    ]


def _tell_problems(device: dict[str, Any]) -> None:
    for problem in (*device["errors"], *device["warnings"]):
        code = problem.get("error_code") or problem["warning_code"]
        print(f"\n{code}: {problem['message']}")


def _position(code: dict[str, Any]) -> str:
    evidence = code.get("latchwork_evidence") or {}
    position = evidence.get("position")
    return "" if position is None else f"{position}, read {times.shown(evidence['observed_at'])}"


@app.command("lock")
def lock(device: Device) -> None:
    """Throws the bolt, and waits for the lock to say so."""
    _move(device, "lock_door", "locked")


@app.command("unlock")
def unlock(device: Device) -> None:
    """Draws the bolt, and waits for the lock to say so."""
    _move(device, "unlock_door", "unlocked")


def _move(device: str, action: str, done: str) -> None:
    attempt = call(f"/locks/{action}", device_id=device_id_of(device))["action_attempt"]
    finished(attempt, f"{device} ...")
    print(f"{device} is {done}.")


@app.command("auto-lock")
def auto_lock(
    device: Device,
    seconds: Annotated[
        float | None, typer.Option(min=1, max=60, help="After so long; else the lock's choice.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Switch it off.")] = False,
) -> None:
    """Has the lock lock itself some time after it was unlocked."""
    attempt = call(
        "/locks/configure_auto_lock",
        device_id=device_id_of(device),
        auto_lock_enabled=not off,
        auto_lock_delay_seconds=None if off else seconds,
    )["action_attempt"]
    finished(attempt, f"{device} ...")
    print(f"Auto-lock of {device} is {'off' if off else 'on'}.")


@app.command("rename")
def rename(device: Device, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Gives a lock another name here; its provider's stays as it is."""
    call("/devices/update", device_id=device_id_of(device), name=name)
    print(f"{device} is now {name}.")


@app.command("forget")
def forget(device: Device, yes: Yes = False) -> None:
    """Forgets a lock and its codes here. What stands on the lock stays there."""
    device_id = device_id_of(device)
    sure(f"Forget {device} and its codes?", yes=yes)
    call("/devices/delete", device_id=device_id)
    print(f"{device} is forgotten.")


def _row(device: dict[str, Any]) -> list[str]:
    properties = device["properties"]
    level = properties.get("battery", {}).get("level")
    lengths = properties["supported_code_lengths"]
    return [
        device["display_name"],
        device["device_id"],
        f"{properties['model']['manufacturer_display_name']} {properties['model']['display_name']}",
        "yes" if properties["online"] else "no",
        "" if level is None else f"{level:.0%}",
        f"{lengths[0]}-{lengths[-1]}" if len(lengths) > 1 else "".join(map(str, lengths)),
        str(properties["max_active_codes_supported"]),
        ", ".join(problems(device)),
    ]
