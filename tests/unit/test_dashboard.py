"""The Grafana dashboard asks for nothing that the server does not tell."""

import json
import re
from pathlib import Path

from prometheus_client import Gauge

from latchwork.observing.metrics import Metrics
from latchwork.observing.tallies import Counts, Timings

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "latchwork.json"
KINDS = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


def told() -> dict[str, set[str]]:
    """The labels of each series by its name."""
    metrics = Metrics()
    labels: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, Timings | Counts):
            labels[metric.name] = {*metric.labels, "le"}
        elif isinstance(metric, Gauge):
            labels[metric._name] = set(metric._labelnames)
    return {
        family.name + ending: labels.get(family.name, set())
        for family in metrics.registry.collect()
        for ending in KINDS[family.type]
    }


def test_every_query_names_series_and_labels_that_are_told() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    assert len(queries) >= len(dashboard["panels"]) >= 10
    series = told()
    for query in queries:
        named = re.findall(r"(?:latchwork|process)_\w+", query)
        assert named, query
        for name in named:
            assert name in series, f"{name} in {query}"
        labels = {"job", "instance", *series[named[0]]}
        used = re.findall(r"by \(([^)]*)\)", query)
        assert {label.strip() for by in used for label in by.split(",")} <= labels, query
        assert set(re.findall(r"(\w+)(?:=~|!=|=)\"", query)) <= labels, query


def test_every_metric_is_shown() -> None:
    shown = set(re.findall(r"latchwork_\w+", DASHBOARD.read_text()))
    ours = {f.name for f in Metrics().registry.collect() if f.name.startswith("latchwork_")}
    assert [name for name in ours if not any(word.startswith(name) for word in shown)] == []
