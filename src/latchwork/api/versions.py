"""Answers as older versions of the API spell them."""

from typing import Any

from latchwork.domain.credentials import OLD_API


def in_version(answer: Any, api_version: str | None) -> Any:
    """The answer for a key of this version; the same object when nothing differs."""
    return _respelt(answer) if api_version == OLD_API else answer


def _respelt(value: Any) -> Any:
    """2023-09: access codes are of type `timebound`."""
    if isinstance(value, list):
        return [_respelt(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _respelt(item) for key, item in value.items()}
    if shown.get("type") == "time_bound" and "device_id" in shown:
        shown["type"] = "timebound"
    return shown
