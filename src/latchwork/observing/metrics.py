"""The metrics, each declared once. Seconds everywhere; labels have few values and no ids."""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

import latchwork
from latchwork.observing.tallies import Counts, Timings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
RADIO: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
CODES: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0)


class Metrics:
    """One process's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Timings(
            "latchwork_api_request_seconds",
            "Time until an API answer began, by path (other: not of the API) and class of status.",
            ("path", "status"),
            buckets=FAST,
        )
        self.visits = Timings(
            "latchwork_visit_seconds",
            "How long visits to locks took, by driver and outcome (done, lost, failed).",
            ("driver", "outcome"),
            buckets=RADIO,
        )
        self.operations = Timings(
            "latchwork_driver_operation_seconds",
            "Operations on locks: by driver, kind (observe, write, clear, ...) and outcome.",
            ("driver", "kind", "outcome"),
            buckets=RADIO,
        )
        self.retries = Counts(
            "latchwork_driver_retries",
            "Operations on a lock whose last try at the same place had failed.",
            ("driver", "kind"),
        )
        self.time_to_set = Timings(
            "latchwork_code_time_to_set_seconds",
            "From when a code was to be programmed until it was proven on the lock.",
            ("driver",),
            buckets=CODES,
        )
        self.lateness = Timings(
            "latchwork_code_lateness_seconds",
            "How much later than promised codes were set; 0 for those in time.",
            ("driver",),
            buckets=(0.0, *CODES),
        )
        self.told = Counts(
            "latchwork_code_events",
            "Events of codes that visits led to, by driver and type.",
            ("driver", "event_type"),
        )
        self.posts = Timings(
            "latchwork_webhook_post_seconds",
            "Webhook requests, by outcome (accepted, refused, unreachable).",
            ("outcome",),
            buckets=FAST,
        )
        for tally in (
            self.requests,
            self.visits,
            self.operations,
            self.retries,
            self.time_to_set,
            self.lateness,
            self.told,
            self.posts,
        ):
            registry.register(tally)
        self.queue = Gauge(
            "latchwork_queue_depth",
            "What is due and waits: visits to locks, and webhook messages.",
            ("queue",),
            registry=registry,
        )
        self.queue_age = Gauge(
            "latchwork_queue_oldest_seconds",
            "How long the oldest that is due has waited.",
            ("queue",),
            registry=registry,
        )
        build = Gauge("latchwork_build_info", "The release.", ("version",), registry=registry)
        build.labels(latchwork.__version__).set(1)

    def rendered(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)
