"""OpenTelemetry traces, for those who installed `latchwork[otel]`; imported when wished.

Where spans go is OpenTelemetry's own to say: OTEL_EXPORTER_OTLP_ENDPOINT and its kin. Attributes
are paths, statuses, ids and kinds; exceptions are named by type, for their messages are not ours.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
)

import latchwork

KEPT: Final = 4096
"""Requests whose spans a later visit can be linked to."""


class Tracing:
    """Makes spans and sends them off in the background."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("latchwork", latchwork.__version__)
        self._requests: dict[str, SpanContext] = {}

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, Any],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: Context | None = None,
    ) -> Iterator[Span]:
        """A span that is current within; what escapes it is told by its type."""
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    @contextmanager
    def request(self, method: str, path: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """A request that is being answered, a part of its caller's trace if it names one."""
        values = {"http.request.method": method, "http.route": path}
        parent = propagate.extract(headers)
        with self.span(f"{method} {path}", values, kind=SpanKind.SERVER, parent=parent) as span:
            yield span

    def answered(self, span: Span, status: int, request_id: str | None) -> None:
        """Says what a request was answered, and remembers it for the visits that it wakes."""
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        if request_id is not None:
            span.set_attribute("latchwork.request_id", request_id)
            self._requests[request_id] = span.get_span_context()
            while len(self._requests) > KEPT:
                del self._requests[next(iter(self._requests))]

    def woken_by(self, request_ids: tuple[str, ...]) -> None:
        """Links the span at hand to the requests that woke it."""
        span = get_current_span()
        span.set_attribute("latchwork.request_ids", request_ids)
        for request_id in request_ids:
            if (context := self._requests.pop(request_id, None)) is not None:
                span.add_link(context)

    def close(self) -> None:
        """Sends what is left; may take some seconds."""
        self._provider.shutdown()


def open_tracing(exporter: SpanExporter | None = None) -> Tracing:
    """`exporter` None: OTLP over HTTP, as the OTEL_* variables say."""
    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    resource = Resource.create({SERVICE_NAME: "latchwork", SERVICE_VERSION: latchwork.__version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)
