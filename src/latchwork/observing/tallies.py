"""Counts kept as plain numbers and told to Prometheus when it asks.

The client library's own counters lock and look up at every event, which costs the way of a request
more than is allowed here. These are touched from the event loop alone and need no lock.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Timings(Collector):
    """A histogram."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], *, buckets: Sequence[float]
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self._text = text
        self._bounds = tuple(buckets)
        self._cells: dict[tuple[str, ...], list[float]] = {}
        """By labels: how many fell to each bound, how many above all, and the sum."""

    def note(self, value: float, *labels: str) -> None:
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._cells[labels] = [0.0] * (len(self._bounds) + 2)
        cell[bisect_left(self._bounds, value)] += 1
        cell[-1] += value

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self.name, self._text, labels=self.labels)
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        for labels, cell in self._cells.items():
            below, buckets = 0.0, []
            for name, count in zip(names, cell, strict=False):
                below += count
                buckets.append((name, below))
            family.add_metric(labels, buckets, cell[-1])
        yield family


class Counts(Collector):
    """A counter; its series ends with `_total`."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self.name = name
        self.labels = tuple(labels)
        self._text = text
        self._cells: dict[tuple[str, ...], int] = {}

    def note(self, *labels: str) -> None:
        self._cells[labels] = self._cells.get(labels, 0) + 1

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self.name, self._text, labels=self.labels)
        for labels, count in self._cells.items():
            family.add_metric(labels, count)
        yield family
