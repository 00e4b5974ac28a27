"""Traces: a request, the visit that it woke, and what the visit did on the lock."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from latchwork.domain.errors import NeedsAttention
from latchwork.observing.observer import Observer, tracing_if_wished
from latchwork.observing.server import Watch, WatchedApp
from latchwork.observing.tracing import Tracing, open_tracing
from support.api_house import KEY, api_house
from support.virtual_time import run
from support.watched import WatchedWorld
from support.world import MINUTE

PIN = "73917391"


class Traced:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracing = Tracing(provider)

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def text(self) -> str:
        return "".join(span.to_json() for span in self.exporter.get_finished_spans())


@pytest.fixture
def traced() -> Iterator[Traced]:
    made = Traced()
    yield made
    made.tracing.close()


async def test_a_request_continues_its_callers_trace(traced: Traced) -> None:
    async with api_house() as house:
        watch = Watch(
            storage=house.storage,
            now=lambda: house.now,
            metrics=None,
            token=None,
            tracing=traced.tracing,
            paths=["/access_codes/create"],
            draining=lambda: False,
        )
        transport = httpx.ASGITransport(app=WatchedApp(house.app, watch))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            answer = await http.post(
                "/access_codes/create",
                json={"device_id": await house.add_lock(), "code": PIN},
                headers={
                    "authorization": f"Bearer {KEY}",
                    "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
                },
            )
            assert answer.status_code == 200
            await http.get(f"/nowhere/{PIN}")
    [span] = traced.spans("POST /access_codes/create")
    assert span.context is not None
    assert f"{span.context.trace_id:x}" == "a" * 32
    assert span.kind is SpanKind.SERVER
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["latchwork.request_id"] == answer.headers["seam-request-id"]
    assert traced.spans("GET other")
    assert PIN not in traced.text()


def test_a_visit_is_linked_to_its_requests_and_holds_its_operations(traced: Traced) -> None:
    async def story() -> None:
        async with WatchedWorld(Observer(tracing=traced.tracing)) as world:
            device = await world.device()
            with traced.tracing.request("POST", "/access_codes/create", {}) as request:
                traced.tracing.answered(request, 200, "request-1")
            traced.exporter.clear()
            world.lock().faults.fail_next = 1
            world.observer.wakes.note([device.device_id], "request-1")
            code = await world.create(PIN)
            await world.wait_for(code, "set", MINUTE)
            first = traced.spans("visit")[0]
            assert first.attributes is not None
            assert first.attributes["latchwork.request_ids"] == ("request-1",)
            assert [link.context for link in first.links] == [request.get_span_context()]
            failed = traced.spans("driver observe")[0]
            assert failed.parent == first.context
            assert failed.status.status_code is StatusCode.ERROR
            assert failed.status.description == "RetryLater"
            assert not failed.events
            assert traced.spans("driver write")

    run(story())
    assert PIN not in traced.text()


def test_opentelemetry_is_loaded_only_when_it_is_wished() -> None:
    program = (
        "import sys, latchwork.cli.main, latchwork.composition; "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert tracing_if_wished(wished=False) is None


def test_traces_without_opentelemetry_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "latchwork.observing.tracing", None)
    with pytest.raises(NeedsAttention, match=r"LATCHWORK_TRACING.*latchwork\[otel\]"):
        tracing_if_wished(wished=True)


def test_without_an_exporter_traces_go_out_by_otlp() -> None:
    open_tracing(InMemorySpanExporter()).close()
    tracing = tracing_if_wished(wished=True)
    assert tracing is not None
    tracing.close()
