"""`latchwork health`: for containers and scripts, which ask by exit code."""

import json
import urllib.error
import urllib.request
from typing import Annotated

import typer

from latchwork.cli.client import base_url
from latchwork.cli.say import UNREACHABLE, fail

WAIT = 5.0


def health(
    ready: Annotated[
        bool, typer.Option("--ready", help="Whether it takes requests, and is not about to stop.")
    ] = False,
) -> None:
    """Asks the server here whether it is well; needs no key."""
    url = f"{base_url()}/{'ready' if ready else 'health'}"
    try:
        with urllib.request.urlopen(url, timeout=WAIT) as answer:  # noqa: S310 - our own server
            print(json.load(answer)["status"])
    except urllib.error.HTTPError as error:
        fail(_status(error))
    except (OSError, ValueError, KeyError) as error:
        fail(f"Nothing healthy answers at {url} ({error}).", UNREACHABLE)


def _status(error: urllib.error.HTTPError) -> str:
    try:
        told = json.load(error)
        return str(told.get("status") or told["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered {error.code}."
