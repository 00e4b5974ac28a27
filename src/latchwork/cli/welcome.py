"""What a person sees when the server is up."""

import sys

from latchwork.composition import Started
from latchwork.config import Settings


def welcome(started: Started, settings: Settings) -> None:
    """Address and, where one is to be shown, the key with a line to paste."""
    say = sys.stdout
    kind = "a sandbox of simulated locks" if settings.demo else "ready"
    print(f"\nLatchwork is up at {started.url} ({kind})\n", file=say)
    if started.new_key is None:
        print("  Keys: latchwork keys list, latchwork keys create\n", file=say, flush=True)
        return
    key = started.new_key.reveal()
    if settings.demo:
        print(f"  API key  {key}", file=say)
        print(f"  Console  {started.url}{started.console}   (opens it once)\n", file=say)
    else:
        print(f"  API key  {key}   (shown this once; keep it)\n", file=say)
    print("  Try it:\n", file=say)
    print(
        f"  curl -s {started.url}/devices/list -H 'Authorization: Bearer {key}' "
        "| python3 -m json.tool\n",
        file=say,
        flush=True,
    )
