"""Addresses inside the server's own network are reached by no spelling and no name."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from latchwork.domain.errors import Rejected
from latchwork.webhooks.guard import AddressGuard, AddressRefused, GuardedResolver
from latchwork.webhooks.url import check_url

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "localhost",
    "0177.0.0.1",
    "",
]
REACHED = [
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.255.255",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700::1111",
]


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert AddressGuard().why_refused(address) is not None
    with pytest.raises(AddressRefused):
        AddressGuard().vet(address)


@pytest.mark.parametrize("address", REACHED)
def test_reached(address: str) -> None:
    assert AddressGuard().why_refused(address) is None
    AddressGuard().vet(address)


def test_allowed_networks_are_let_through_and_their_neighbours_are_not() -> None:
    guard = AddressGuard(["127.0.0.0/8", "::1", "10.1.0.0/16"])
    for address in ("127.0.0.1", "::1", "10.1.2.3"):
        assert guard.why_refused(address) is None
    for address in ("10.2.0.1", "::2", "::ffff:127.0.0.1", "169.254.169.254"):
        assert guard.why_refused(address) is not None


def test_an_allow_list_with_a_mistake_is_an_error() -> None:
    with pytest.raises(ValueError, match="host bits set"):
        AddressGuard(["10.0.0.1/8"])


class Zone(AbstractResolver):
    """A name server whose answers are given, one list for each look-up."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip in self.answers.pop(0)
        ]

    async def close(self) -> None: ...


async def test_only_vetted_answers_are_passed_on() -> None:
    resolver = GuardedResolver(Zone(["127.0.0.1", "1.1.1.1", "::1"]), AddressGuard())
    assert [one["host"] for one in await resolver.resolve("hooks.example.com", 80)] == ["1.1.1.1"]


async def test_a_name_of_refused_addresses_alone_is_refused() -> None:
    resolver = GuardedResolver(Zone(["10.0.0.1", "fd00::1"]), AddressGuard())
    with pytest.raises(AddressRefused, match="private"):
        await resolver.resolve("hooks.example.com", 80)


async def test_a_name_that_turns_private_is_refused_from_then_on() -> None:
    resolver = GuardedResolver(Zone(["1.1.1.1"], ["169.254.169.254"]), AddressGuard())
    assert await resolver.resolve("rebind.example.com", 80)
    with pytest.raises(AddressRefused, match="link-local"):
        await resolver.resolve("rebind.example.com", 80)


NEVER = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://127.0.0.01/",
    "http://0/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:8080/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://app.localhost/",
    "http://ⓛocalhost/",
    "http://256.256.256.256/",
    "http://1.2.3/",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1%2f@example.com/",
    "http://exa mple.com/",
    "http://exam\tple.com/",
    "http://example.com/\r\nx-injected: 1",
    "http://example.com:0/",
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:65536/",
    "http://example.com:-80/",
    "http://example.com:8o/",
    "http://[::1",
    "http:///path",
    "http://",
    "//example.com/",
    "example.com",
    "",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https://example.com/" + "x" * 2048,
]
FINE = [
    "https://hooks.example.com/latchwork",
    "https://hooks.example.com:8443/a/b?token=x&y=z#part",
    "http://example.com",
    "HTTPS://Example.COM./",
    "https://münchen.example/",
    "https://example.com/@user?to=a@b",
    "https://1.1.1.1/",
    "https://[2606:4700::1111]:8080/",
    "https://3com.example.com/",
    "https://127.0.0.1.nip.io/",
    "http://intranet/hook",
]


@pytest.mark.parametrize("url", NEVER)
def test_url_refused_at_once(url: str) -> None:
    with pytest.raises(Rejected) as refusal:
        check_url(url, AddressGuard())
    assert refusal.value.rule == "url"
    assert "password@" not in str(refusal.value)


@pytest.mark.parametrize("url", FINE)
def test_url_taken(url: str) -> None:
    check_url(url, AddressGuard())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"]
)
def test_url_of_an_allowed_network_is_taken(url: str) -> None:
    check_url(url, AddressGuard(["127.0.0.0/8", "::1/128"]))


def test_url_spelled_oddly_is_refused_even_where_its_address_is_allowed() -> None:
    with pytest.raises(Rejected):
        check_url("http://0x7f.1/", AddressGuard(["127.0.0.0/8"]))
