"""What Prometheus sees of the dispatcher."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Counters of one process; labels never hold tenants or addresses."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "followup_attempts_total",
            "Attempts by channel and the provider's answer",
            ["channel", "answer"],
            registry=registry,
        )
        self._claims = Histogram(
            "followup_claim_batch_size",
            "Commands decided on in one claiming transaction",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=registry,
        )
        self._swept = Counter(
            "followup_attempts_swept_total",
            "Claims declared unknown because their process is gone",
            registry=registry,
        )

    def answered(self, channel: str, answer: str) -> None:
        """A provider answered, or did not."""
        self._answers.labels(channel, answer).inc()

    def claimed(self, size: int) -> None:
        """A batch was decided on."""
        self._claims.observe(size)

    def swept(self, count: int) -> None:
        """Claims were declared unknown."""
        self._swept.inc(count)
