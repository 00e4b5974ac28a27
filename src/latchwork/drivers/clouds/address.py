"""The address of a cloud, as a setting."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from latchwork.domain.errors import Rejected


def checked_address(name: str, value: Any, example: str) -> str:
    """The address without a slash at its end. Raises Rejected: https alone is taken, but for this
    machine itself, since tokens and PINs go there."""
    if not isinstance(value, str) or not value.strip():
        raise Rejected(name, f"The setting {name} is missing: an address such as {example}.")
    try:
        parts = urlsplit(value.strip())
        _ = parts.port
    except ValueError:
        raise Rejected(name, f"The setting {name} is no address such as {example}.") from None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise Rejected(name, f"The setting {name} must be an address such as {example}.")
    if parts.username is not None or parts.password is not None:
        raise Rejected(name, f"The setting {name} must not contain a user name or password.")
    if parts.query or parts.fragment:
        raise Rejected(name, f"The setting {name} must not contain ? or #.")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise Rejected(name, f"The setting {name} must begin with https://: PINs are sent there.")
    return value.strip().rstrip("/")


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_known(settings: Any, known: frozenset[str]) -> None:
    """Raises Rejected naming a setting that does not exist."""
    for name in settings:
        if name not in known:
            names = ", ".join(sorted(known))
            raise Rejected(name, f"There is no setting {name!r}; known are: {names}.")


def checked_text(settings: Any, name: str, what: str, *, required: bool) -> str | None:
    """A text setting, or None when it is not needed and not there."""
    value = settings.get(name)
    if value is None or value == "":
        if required:
            raise Rejected(name, f"The setting {name} is missing: {what}.")
        return None
    if not isinstance(value, str) or len(value) > 512:
        raise Rejected(name, f"The setting {name} must be a text of at most 512 characters.")
    return value.strip()
