"""Prometheus metrics, in a registry that is handed in.

Labels are few and closed sets: never a tenant, a person or an address.
"""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets for anything measured in seconds."""


class Metrics:
    """Every metric of a process; asking twice for a name gives the same one."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self.loop_errors = self.counter(
            "followup_loop_errors", "Rounds of a loop that failed.", ["loop"]
        )
        self.loop_due = self.gauge(
            "followup_loop_due_timestamp_seconds",
            "When a loop's next round is due (Unix time); past while a round hangs or fails.",
            ["loop"],
        )
        self.requests = self.histogram(
            "followup_http_request_seconds",
            "Time from a request to the end of its answer.",
            ["method", "route", "status"],
        )

    def counter(self, name: str, what: str, labels: Sequence[str] = ()) -> Counter:
        """A count that only grows; exposed as `<name>_total`."""
        if name not in self._counters:
            self._counters[name] = Counter(name, what, labels, registry=self.registry)
        return self._counters[name]

    def gauge(self, name: str, what: str, labels: Sequence[str] = ()) -> Gauge:
        """A value that goes up and down."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, what, labels, registry=self.registry)
        return self._gauges[name]

    def histogram(
        self,
        name: str,
        what: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float] = SECONDS,
    ) -> Histogram:
        """A distribution."""
        if name not in self._histograms:
            self._histograms[name] = Histogram(
                name, what, labels, registry=self.registry, buckets=buckets
            )
        return self._histograms[name]

    def exposition(self) -> bytes:
        """Everything in the text format Prometheus scrapes."""
        return generate_latest(self.registry)
