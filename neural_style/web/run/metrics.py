"""Numbers about runs for the host's monitoring, in Prometheus's text format."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

METRICS = "NEURAL_STYLE_METRICS"
"""Environment variable: 1 serves the numbers at /metrics, to everybody."""

_REGISTRY = CollectorRegistry()

RUNS = Gauge("neural_style_runs", "Runs that go on or wait.", registry=_REGISTRY)

REFUSED = Counter(
    "neural_style_refused", "Runs that were refused: too many, or stopping.", registry=_REGISTRY
)

SECONDS = Histogram(
    "neural_style_run_seconds",
    "Time from the request of a run to its end.",
    buckets=(5, 15, 60, 180, 600, 1800, 3600),
    registry=_REGISTRY,
)


def are_served() -> bool:
    """Whether the host wants the numbers to be served."""
    return os.environ.get(METRICS, "") not in ("", "0")


def as_text() -> bytes:
    """All numbers."""
    return generate_latest(_REGISTRY)
