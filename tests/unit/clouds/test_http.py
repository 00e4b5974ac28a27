"""HTTP to clouds: bounded, quiet when asked, and never twice what was sent once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.drivers.clouds import http
from latchwork.drivers.clouds.http import CloudHttp
from latchwork.drivers.clouds.model import AnswerLost
from support.cloud_bench import serving
from support.driver_context import HandClock


class Thing(msgspec.Struct):
    name: str


class Server:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.answers: list[Any] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path))
        answer = self.answers.pop(0)
        if answer is None:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        assert isinstance(answer, web.Response)
        return answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with serving(app) as url:
        server.url = url  # type: ignore[attr-defined]
        yield server


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))


@pytest.fixture
async def cloud(server: Server, clock: HandClock) -> AsyncIterator[CloudHttp]:
    cloud = CloudHttp(server.url, "The cloud", clock)  # type: ignore[attr-defined]
    yield cloud
    await cloud.aclose()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
async def test_a_lost_answer_is_not_asked_for_again(
    server: Server, cloud: CloudHttp, method: str
) -> None:
    server.answers = [web.Response(), None, web.Response()]
    await cloud.call("GET", "/warm")
    with pytest.raises(AnswerLost):
        await cloud.call(method, "/thing")
    assert server.seen == [("GET", "/warm"), (method, "/thing")]


async def test_a_redirect_is_not_followed(server: Server, cloud: CloudHttp) -> None:
    server.answers = [web.Response(status=302, headers={"location": "/elsewhere"})]
    answer = await cloud.call("GET", "/thing")
    assert (answer.status, len(server.seen)) == (302, 1)
    assert isinstance(http.refusal(answer, "The cloud", "this"), NeedsAttention)


async def test_an_answer_that_is_too_large_is_left(
    server: Server, cloud: CloudHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1000)
    server.answers = [web.Response(body=b" " * 1000), web.Response(body=b" " * 1001)]
    await cloud.call("GET", "/thing")
    with pytest.raises(RetryLater, match="too large"):
        await cloud.call("GET", "/thing")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Tue, 24 Nov 2026 15:00:30 GMT"}, 30),
        ({}, 60),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "999999"}, 3600),
    ],
)
async def test_quiet_is_kept_for_as_long_as_the_cloud_asks(
    server: Server,
    cloud: CloudHttp,
    clock: HandClock,
    header: dict[str, str],
    seconds: int,
) -> None:
    server.answers = [web.Response(status=429, headers=header), web.Response()]
    with pytest.raises(RetryLater) as caught:
        await cloud.call("GET", "/thing")
    assert caught.value.after == timedelta(seconds=seconds)
    await clock.move(timedelta(seconds=seconds - 1))
    with pytest.raises(RetryLater) as still:
        await cloud.call("GET", "/thing")
    assert still.value.after == timedelta(seconds=1)
    assert len(server.seen) == 1
    await clock.move(timedelta(seconds=1))
    assert (await cloud.call("GET", "/thing")).ok


async def test_what_is_no_json_may_pass_and_what_is_wrong_is_named(
    server: Server, cloud: CloudHttp
) -> None:
    server.answers = [web.Response(text="<html>"), web.json_response({"name": 4711})]
    with pytest.raises(RetryLater):
        (await cloud.call("GET", "/thing")).read(Thing, "GET /thing")
    with pytest.raises(NeedsAttention, match=r"\$\.name") as caught:
        (await cloud.call("GET", "/thing")).read(Thing, "GET /thing")
    assert "4711" not in str(caught.value)


async def test_nobody_listening_is_an_answer_lost(clock: HandClock) -> None:
    cloud = CloudHttp("http://127.0.0.1:9", "The cloud", clock)
    with pytest.raises(AnswerLost, match="The cloud did not answer"):
        await cloud.call("GET", "/thing")
    await cloud.aclose()
