"""Requests over real sockets: what reaches a receiver, what comes back, what never leaves."""

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from seam import SeamWebhook

from latchwork.webhooks.guard import AddressGuard
from latchwork.webhooks.post import HttpSender
from latchwork.webhooks.signing import new_secret, signed_headers
from support.http_receiver import HttpReceiver, receiving

LOOPBACK = AddressGuard(["127.0.0.0/8", "::1/128"])
BODY = '{"event_id":"e-1","event_type":"access_code.set_on_device","name":"Zoë"}'.encode()


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender(LOOPBACK)
    yield one
    await one.aclose()


@pytest.fixture
async def impatient() -> AsyncIterator[HttpSender]:
    one = HttpSender(LOOPBACK, timeout=timedelta(seconds=0.5))
    yield one
    await one.aclose()


class Names(AbstractResolver):
    """A name server in the test's hand: one list of addresses for each look-up."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if not self.answers:
            raise OSError(None, "no such name")
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip in self.answers.pop(0)
        ]

    async def close(self) -> None: ...


async def test_the_request_arrives_whole_and_verifies(
    receiver: HttpReceiver, sender: HttpSender
) -> None:
    secret = new_secret(b"s" * 32)
    headers = signed_headers([secret], "msg-1", datetime.now(UTC), BODY)
    answer = await sender.post(receiver.url("/in?token=x"), headers, BODY)
    assert answer.status_code == 204
    assert answer.accepted
    (got,) = receiver.received
    assert got.body == BODY
    assert got.headers["Content-Type"] == "application/json"
    event = SeamWebhook(secret.reveal()).verify(got.body.decode(), got.headers)
    assert event.event_type == "access_code.set_on_device"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(
    receiver: HttpReceiver, sender: HttpSender, status: int
) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"location": receiver.url("/second")})

    receiver.paths["/first"] = away
    answer = await sender.post(receiver.url("/first"), {}, BODY)
    assert answer.status_code == status
    assert not answer.accepted
    assert [one.path for one in receiver.received] == ["/first"]


async def test_only_the_beginning_of_a_response_is_kept(
    receiver: HttpReceiver, sender: HttpSender
) -> None:
    async def long(request: web.Request) -> web.Response:
        return web.Response(status=500, body=b"x" * 5_000_000)

    receiver.paths["/"] = long
    answer = await sender.post(receiver.url("/"), {}, BODY)
    assert answer.status_code == 500
    assert answer.response == "x" * 2048


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        (b"\xff\xfe" * 2000, None),
        ("ü".encode() * 1500, "ü" * 1024),
        (b"x" + "ü".encode() * 1500, None),
    ],
)
async def test_a_response_is_kept_as_text_that_every_database_takes(
    receiver: HttpReceiver, sender: HttpSender, body: bytes, kept: str | None
) -> None:
    async def odd(request: web.Request) -> web.Response:
        return web.Response(body=body)

    receiver.paths["/"] = odd
    answer = await sender.post(receiver.url("/"), {}, BODY)
    assert len(answer.response.encode()) <= 2048
    assert "\x00" not in answer.response
    if kept is not None:
        assert answer.response == kept


async def test_a_compressed_response_is_not_unpacked(
    receiver: HttpReceiver, sender: HttpSender
) -> None:
    async def packed(request: web.Request) -> web.Response:
        body = gzip.compress(b"unpacked" * 1_000_000)
        return web.Response(status=500, body=body, headers={"content-encoding": "gzip"})

    receiver.paths["/"] = packed
    answer = await sender.post(receiver.url("/"), {}, BODY)
    assert answer.status_code == 500
    assert "unpackedunpacked" not in answer.response
    assert receiver.received[0].headers["Accept-Encoding"] == "identity"


async def test_no_answer_in_time(receiver: HttpReceiver, impatient: HttpSender) -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    receiver.paths["/"] = never
    answer = await impatient.post(receiver.url("/"), {}, BODY)
    assert answer.status_code is None
    assert answer.error == "No answer within 0.5 s."


async def test_a_body_that_never_ends_does_not_undo_the_status(
    receiver: HttpReceiver, impatient: HttpSender
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.sleep(60)
        return response

    receiver.paths["/"] = endless
    answer = await impatient.post(receiver.url("/"), {}, BODY)
    assert answer.accepted
    assert answer.response == "begun"


async def test_retry_after_is_handed_on(receiver: HttpReceiver, sender: HttpSender) -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"retry-after": "7"})

    receiver.paths["/"] = busy
    assert (await sender.post(receiver.url("/"), {}, BODY)).retry_after == "7"


async def test_cookies_are_not_kept(receiver: HttpReceiver, sender: HttpSender) -> None:
    async def biscuit(request: web.Request) -> web.Response:
        return web.Response(headers={"set-cookie": "session=1"})

    receiver.paths["/"] = biscuit
    for _ in range(2):
        await sender.post(receiver.url("/", "localhost"), {}, BODY)
    assert all("Cookie" not in one.headers for one in receiver.received)


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sender = HttpSender(LOOPBACK)
    assert (await sender.post(receiver.url("/"), {}, BODY)).accepted
    await sender.aclose()


async def test_a_closed_port(sender: HttpSender) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answer = await sender.post(f"http://127.0.0.1:{port}/?token=canary", {}, BODY)
    assert answer.error == "The connection was refused or could not be made."


async def test_tls_with_a_receiver_that_speaks_none(
    receiver: HttpReceiver, sender: HttpSender
) -> None:
    url = receiver.url("/").replace("http://", "https://")
    assert "TLS" in str((await sender.post(url, {}, BODY)).error)
    assert receiver.received == []


async def test_what_is_not_http(sender: HttpSender) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await sender.post(f"http://127.0.0.1:{port}/", {}, BODY)
    assert answer.status_code is None
    assert "not HTTP" in str(answer.error)
    server.close()
    await server.wait_closed()


async def test_literal_addresses_are_refused_without_the_allow_list(
    receiver: HttpReceiver,
) -> None:
    sender = HttpSender(AddressGuard(), timeout=timedelta(seconds=1))
    port = receiver.server.port
    for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "127.1", "2130706433"):
        answer = await sender.post(f"http://{host}:{port}/", {}, BODY)
        assert not answer.accepted
        assert answer.status_code is None
        assert "refused (" in str(answer.error) or answer.error == "The URL cannot be used."
    assert receiver.received == []
    await sender.aclose()


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_odd_spellings_of_an_allowed_address_are_refused(
    receiver: HttpReceiver, host: str
) -> None:
    sender = HttpSender(LOOPBACK, resolver=Names(), timeout=timedelta(seconds=1))
    answer = await sender.post(f"http://{host}:{receiver.server.port}/", {}, BODY)
    assert answer.status_code is None
    assert receiver.received == []
    await sender.aclose()


async def test_names_of_private_addresses_are_refused(receiver: HttpReceiver) -> None:
    sender = HttpSender(AddressGuard(), resolver=Names(["127.0.0.1", "10.0.0.1", "fd00::1"]))
    answer = await sender.post(receiver.url("/", "hooks.example.com"), {}, BODY)
    assert answer.error == "Not sent: the endpoint's address is refused (loopback)."
    assert receiver.received == []
    await sender.aclose()


async def test_the_vetted_address_is_the_one_connected_to(receiver: HttpReceiver) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    sender = HttpSender(LOOPBACK, resolver=names)
    answer = await sender.post(receiver.url("/", "rebind.example.com"), {}, BODY)
    assert answer.accepted
    assert names.asked == ["rebind.example.com"]
    await sender.aclose()


async def test_a_name_that_does_not_resolve(receiver: HttpReceiver) -> None:
    sender = HttpSender(LOOPBACK, resolver=Names())
    answer = await sender.post(receiver.url("/", "nowhere.example.com"), {}, BODY)
    assert answer.error == "The host's name could not be resolved."
    await sender.aclose()


async def test_names_that_take_long_hold_up_no_other_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering = threading.Event()

    def slow(*_arguments: object) -> list[object]:
        answering.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    sender = HttpSender(LOOPBACK, timeout=timedelta(seconds=0.2))
    urls = [f"http://slow-{number}.example.com/" for number in range(40)]
    answers = await asyncio.gather(*(sender.post(url, {}, BODY) for url in urls))
    assert {answer.error for answer in answers} == {"No answer within 0.2 s."}
    async with asyncio.timeout(2):
        assert await asyncio.to_thread(lambda: "free") == "free"
    answering.set()
    await sender.aclose()


async def test_localhost_is_reached_where_loopback_is_allowed(receiver: HttpReceiver) -> None:
    sender = HttpSender(LOOPBACK)
    assert (await sender.post(receiver.url("/", "localhost"), {}, BODY)).accepted
    await sender.aclose()
