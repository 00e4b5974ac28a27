"""Times as people type them."""

from datetime import datetime

from latchwork.cli.say import USAGE, fail


def parse(text: str | None, name: str) -> str | None:
    """ISO 8601; without an offset in this machine's zone. Answered with its offset."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        fail(f'--{name} must look like 2026-11-24T15:00:00Z or "2026-11-24 15:00".', USAGE)
    return instant.astimezone().isoformat()


def shown(text: str | None) -> str:
    """An instant of the API in this machine's zone."""
    if text is None:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def exact(text: str) -> str:
    """An instant of the API in this machine's zone, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
