"""`latchwork sandbox`: what a person, a hub or a fault does to a simulated lock."""

from typing import Annotated, Any

import typer

from latchwork.cli.client import call, device_id_of
from latchwork.cli.say import USAGE, fail
from latchwork.cli.shared import Device, finished

app = typer.Typer(help="Breaks and mends simulated locks.", no_args_is_help=True)
Pin = Annotated[str, typer.Argument(help="The PIN.")]
Position = Annotated[int, typer.Argument(help="The position on the lock.")]

Told = Annotated[
    bool | None, typer.Option("--told/--untold", help="Whether the lock tells of it; else its way.")
]


def _simulate(device: str, action: str, **values: Any) -> None:
    given = {name: value for name, value in values.items() if value is not None}
    path = "/latchwork/devices/simulate"
    call(path, device_id=device_id_of(device), action=action, values=given)


@app.command("disconnect")
def disconnect(
    device: Device, hub: Annotated[bool, typer.Option("--hub", help="Its whole hub.")] = False
) -> None:
    """Takes a lock offline."""
    _simulate(device, "disconnect_from_hub" if hub else "disconnect")
    print(f"{device} is offline.")


@app.command("connect")
def connect(
    device: Device, hub: Annotated[bool, typer.Option("--hub", help="Its whole hub.")] = False
) -> None:
    """Brings a lock back online."""
    _simulate(device, "connect_to_hub" if hub else "connect")
    print(f"{device} is online.")


@app.command("keypad")
def keypad(device: Device, pin: Pin) -> None:
    """Types a PIN on the lock's keypad: does it open?"""
    path = "/locks/simulate/keypad_code_entry"
    attempt = call(path, device_id=device_id_of(device), code=pin)["action_attempt"]
    finished(attempt, "Typing ...")
    print(f"{device} opens.")


@app.command("lock-by-hand")
def lock_by_hand(device: Device) -> None:
    """Locks it at the door."""
    path = "/locks/simulate/manual_lock_via_keypad"
    finished(call(path, device_id=device_id_of(device))["action_attempt"], "Locking ...")
    print(f"{device} is locked.")


@app.command("battery")
def battery(
    device: Device,
    percent: Annotated[int, typer.Argument(min=0, max=100, help="What is left.")],
) -> None:
    """Sets how full the battery is."""
    _simulate(device, "battery", level=percent / 100)
    print(f"The battery of {device} is at {percent} %.")


@app.command("fault")
def fault(
    device: Device,
    given: Annotated[
        list[str], typer.Argument(help="name=value: drop_answer=3, ignore_writes=-1, full=true ...")
    ],
) -> None:
    """Gives a lock faults; a count of -1 means always. `mend` takes all of them away."""
    faults = [_fault(one) for one in given]
    for name, value in faults:
        _simulate(device, "set_fault", name=name, value=value)
    print(f"{device} has it.")


def _fault(text: str) -> tuple[str, Any]:
    import json

    name, sign, value = text.partition("=")
    try:
        parsed = json.loads(value.lower())
    except ValueError:
        sign = ""
    if not sign or not name:
        fail(f"Faults are name=value with a number, true or false, not {text!r}.", USAGE)
    return name, parsed


@app.command("mend")
def mend(device: Device) -> None:
    """Takes a lock's faults away."""
    _simulate(device, "clear_faults")
    print(f"{device} has no faults.")


@app.command("program-by-hand")
def program_by_hand(
    device: Device,
    pin: Pin,
    position: Annotated[int | None, typer.Option(help="Where; else the first free.")] = None,
    name: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
    told: Told = None,
) -> None:
    """Puts a code on the lock at its keypad, past Latchwork."""
    _simulate(device, "program_by_hand", code=pin, position=position, name=name, told=told)
    print(f"{device} has another hand's code.")


@app.command("clear-by-hand")
def clear_by_hand(device: Device, position: Position, told: Told = None) -> None:
    """Removes what stands at a position at the lock's keypad, past Latchwork."""
    _simulate(device, "clear_by_hand", position=position, told=told)
    print(f"Position {position} of {device} is empty.")
