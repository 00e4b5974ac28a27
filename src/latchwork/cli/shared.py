"""What several commands take and do."""

import time
from typing import Annotated, Any

import typer

from latchwork.cli.client import call
from latchwork.cli.complete import devices as complete_devices
from latchwork.cli.say import fail, working

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most, newest first.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Device = Annotated[
    str, typer.Argument(help="The lock, by name or id.", autocompletion=complete_devices)
]
OfDevice = Annotated[
    str, typer.Option("--device", help="The lock, by name or id.", autocompletion=complete_devices)
]
MaybeDevice = Annotated[
    str | None,
    typer.Option("--device", help="Of this lock, by name or id.", autocompletion=complete_devices),
]
LOOK_EVERY = 0.25
PATIENCE = 60.0


def sure(question: str, *, yes: bool) -> None:
    """Ends the program unless a person agrees."""
    if not yes:
        typer.confirm(question, abort=True)


def problems(resource: dict[str, Any]) -> list[str]:
    """The codes of its errors and warnings."""
    errors = [problem["error_code"] for problem in resource["errors"]]
    return errors + [problem["warning_code"] for problem in resource["warnings"]]


def finished(attempt: dict[str, Any], doing: str, patience: float = PATIENCE) -> dict[str, Any]:
    """The action attempt once it has ended well; a failed one ends the program with its reason."""
    deadline = time.monotonic() + patience
    with working(doing):
        while attempt["status"] == "pending":
            if time.monotonic() > deadline:
                fail(f"Not done yet; see: latchwork actions show {attempt['action_attempt_id']}")
            time.sleep(LOOK_EVERY)
            attempt = call("/action_attempts/get", action_attempt_id=attempt["action_attempt_id"])[
                "action_attempt"
            ]
    if attempt["status"] == "error":
        fail(attempt["error"]["message"])
    return attempt
