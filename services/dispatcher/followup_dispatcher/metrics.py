"""What Prometheus sees of the dispatcher."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

from followup_contracts.payload import CHANNELS

_ANSWERS = {
    "Accepted": "accepted",
    "Refused": "refused",
    "RetryLater": "retry_later",
    "Unknown": "unknown",
}


class Metrics:
    """Counters of one process; labels never hold tenants or addresses."""

    def __init__(
        self, registry: CollectorRegistry, *, vendors: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._answers = Counter(
            "followup_attempts_total",
            "Attempts by channel and answer: accepted, refused, retry_later or unknown",
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

        self._stopped = Counter(
            "followup_accounts_stopped_total",
            "Accounts stopped because their credentials or sender were refused",
            ["provider", "channel"],
            registry=registry,
        )

        for vendor in vendors:
            self._stopped.labels(*vendor)  # there from the start, at 0: an alert sees the first
        for channel in CHANNELS:
            for answer in _ANSWERS.values():
                self._answers.labels(channel, answer)  # there from the start, at 0

    def answered(self, channel: str, answer: str) -> None:
        """A provider answered, or did not; `answer` is the answer's class."""
        self._answers.labels(channel, _ANSWERS[answer]).inc()

    def claimed(self, size: int) -> None:
        """A batch was decided on."""
        self._claims.observe(size)

    def stopped(self, provider: str, channel: str) -> None:
        """An account was stopped; a person has to mend it."""
        self._stopped.labels(provider, channel).inc()

    def swept(self, count: int) -> None:
        """Claims were declared unknown."""
        self._swept.inc(count)
