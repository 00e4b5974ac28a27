"""Which addresses outgoing requests may reach.

Endpoints are named by users, so a URL may point into the server's own network. An address is
vetted twice: when its name is resolved, and again as the socket to that very address is made, so
that no second look-up and no literal address gets past. Redirects and proxies are not followed.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_REFUSED: Final = {
    ip_network(network): kind
    for network, kind in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-grade NAT",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud platform's own",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "6to4 relays",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "an IPv4 address in IPv6",
        "64:ff9b::/96": "NAT64",
        "64:ff9b:1::/48": "NAT64",
        "2001::/23": "protocol assignments, Teredo among them",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "3fff::/20": "documentation",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
    }.items()
}
_GLOBAL_V6: Final = ip_network("2000::/3")


class AddressRefused(OSError):
    """Nothing was sent: the address is none that outgoing requests may reach."""


class AddressGuard:
    """Vets addresses. `allowed`: networks in CIDR notation that are let through even though they
    are refused otherwise, such as `127.0.0.0/8`; none by default."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = tuple(ip_network(network) for network in allowed)

    def why_refused(self, address: str) -> str | None:
        """The kind of a refused IP address, such as `loopback`; None for one that may be reached.
        What is no IP address is refused."""
        try:
            ip = ip_address(address)
        except ValueError:
            return "not an IP address"
        if _within(ip, self._allowed):
            return None
        for network, kind in _REFUSED.items():
            if ip in network:
                return kind
        return None if ip.version == 4 or ip in _GLOBAL_V6 else "reserved"

    def vet(self, address: str) -> None:
        """Raises AddressRefused, whose text names the kind of address but not the address."""
        kind = self.why_refused(address)
        if kind is not None:
            raise AddressRefused(f"the endpoint's address is refused ({kind})")

    def connector(self, resolver: AbstractResolver) -> aiohttp.TCPConnector:
        """A connector that reaches vetted addresses alone. It keeps `resolver` open."""
        return aiohttp.TCPConnector(
            resolver=GuardedResolver(resolver, self), socket_factory=self._socket, limit=0
        )

    def _socket(self, addr_info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = addr_info
        self.vet(str(address[0]))
        return socket.socket(family, kind, protocol)


class GuardedResolver(AbstractResolver):
    """Passes on only those answers of another resolver that are vetted."""

    def __init__(self, resolver: AbstractResolver, guard: AddressGuard) -> None:
        self._resolver = resolver
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The vetted answers; raises AddressRefused when there are answers but none is."""
        answers = await self._resolver.resolve(host, port, family)
        vetted = [one for one in answers if self._guard.why_refused(one["host"]) is None]
        if answers and not vetted:
            self._guard.vet(answers[0]["host"])
        return vetted

    async def close(self) -> None:
        await self._resolver.close()


def _within(ip: object, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(ip in network for network in networks)
