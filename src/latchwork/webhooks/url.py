"""What a webhook's URL may look like; judged when the endpoint is made, without a look-up."""

import re
from typing import Final

from yarl import URL

from latchwork.domain.errors import Rejected
from latchwork.webhooks.guard import AddressGuard

LONGEST: Final = 2048
# fmt: off
LINE_PROTOCOL_PORTS: Final = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
))
# fmt: on
"""Where a request could be taken for another protocol's commands: the bad ports of the Fetch
standard."""

_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/?#]")
_UNSAFE = re.compile(r"[\s\\\x00-\x20\x7f]")


def check_url(url: str, guard: AddressGuard) -> None:
    """Raises Rejected with rule `url` for a URL that can never be delivered to. A name that
    resolves to a refused address passes here, and is refused at each connection."""
    if len(url) > LONGEST or _UNSAFE.search(url):
        raise Rejected(
            "url", f"The URL must have at most {LONGEST} characters, none of them blank."
        )
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError as error:
        raise Rejected("url", "The URL is malformed.") from error
    if parsed.scheme not in ("http", "https") or not host:
        raise Rejected("url", "The URL must start with http:// or https:// and name a host.")
    if "@" in _AUTHORITY_END.split(url.partition("://")[2], maxsplit=1)[0]:
        raise Rejected("url", "The URL must not hold a user name or password.")
    if not port or port in LINE_PROTOCOL_PORTS:
        raise Rejected("url", "The URL's port is not one for HTTP.")
    _check_host(host.rstrip(".").lower(), guard)


def _check_host(host: str, guard: AddressGuard) -> None:
    if host == "localhost" or host.endswith(".localhost"):
        addresses = ["127.0.0.1", "::1"]
    elif ":" in host or _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        addresses = [host]
    else:
        return
    kinds = [guard.why_refused(address) for address in addresses]
    if all(kinds):
        raise Rejected("url", f"The URL's address is refused ({kinds[0]}).")
