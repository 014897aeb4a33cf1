"""What replies counts for those who watch it."""

from datetime import timedelta

from followup_runtime.metrics import Metrics


class Figures:
    """The metrics of replies; labels are small closed sets."""

    def __init__(self, metrics: Metrics) -> None:
        self._replies = metrics.counter(
            "followup_replies_received", "Messages that came in.", ["channel", "intent"]
        )
        self._opt_outs = metrics.counter(
            "followup_replies_opt_outs", "Opt-outs, by the way they came.", ["via"]
        )
        self._reports = metrics.counter(
            "followup_replies_reports", "What providers told of touches.", ["kind", "fate"]
        )
        self._refused = metrics.counter(
            "followup_replies_hooks_refused", "Webhooks that were not their sender's.", ["provider"]
        )
        self._parked = metrics.gauge(
            "followup_replies_parked", "Callbacks whose touch is not known yet."
        )
        self._held = metrics.gauge(
            "followup_replies_oldest_hold_seconds",
            "How long the oldest reply has waited for a decision.",
        )

    def reply(self, channel: str, intent: str) -> None:
        """A message came in."""
        self._replies.labels(channel, intent).inc()

    def opt_out(self, via: str) -> None:
        """Somebody opted out."""
        self._opt_outs.labels(via).inc()

    def report(self, kind: str, fate: str) -> None:
        """A provider told something: `applied`, `parked` or `repeated`."""
        self._reports.labels(kind, fate).inc()

    def refused(self, provider: str) -> None:
        """A webhook was turned away."""
        self._refused.labels(provider).inc()

    def parked(self, count: int) -> None:
        """So many callbacks wait for their touch."""
        self._parked.set(count)

    def oldest_hold(self, age: timedelta) -> None:
        """The oldest hold has stood so long; zero without any."""
        self._held.set(max(0.0, age.total_seconds()))
