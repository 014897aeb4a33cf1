"""What replies counts for those who watch it."""

from followup_contracts.channels import CHANNELS
from followup_runtime.metrics import Metrics
from followup_suppression import HoldsStanding


class Figures:
    """The metrics of replies; labels are small closed sets."""

    def __init__(self, metrics: Metrics) -> None:
        self._replies = metrics.counter(
            "followup_replies_received", "Messages that came in.", ["channel", "intent"]
        )
        self._opt_outs = metrics.counter(
            "followup_replies_opt_outs", "Addresses opted out, by the way it came.", ["via"]
        )
        for via in (*CHANNELS, "link", "api", "vendor"):
            self._opt_outs.labels(via)  # there from the start, at 0
        self._reports = metrics.counter(
            "followup_replies_reports", "What providers told of touches.", ["kind", "fate"]
        )
        self._refused = metrics.counter(
            "followup_replies_hooks_refused", "Webhooks that were not their sender's.", ["provider"]
        )
        self._parked = metrics.gauge(
            "followup_replies_parked", "Callbacks whose touch is not known yet."
        )
        self._holds = metrics.gauge(
            "followup_replies_holds", "Replies nobody has decided on, counted up to 10,000."
        )
        self._held_long = metrics.gauge(
            "followup_replies_holds_late",
            "Holds that have stood for more than a minute; a person is asked about each.",
        )
        self._held = metrics.gauge(
            "followup_replies_oldest_hold_seconds",
            "How long the oldest reply has waited for a decision.",
        )

    def reply(self, channel: str, intent: str) -> None:
        """A message came in."""
        self._replies.labels(channel, intent).inc()

    def opt_out(self, via: str) -> None:
        """An address is listed that was not."""
        self._opt_outs.labels(via).inc()

    def report(self, kind: str, fate: str) -> None:
        """A provider told something: `applied`, `parked`, `kept` or `repeated`."""
        self._reports.labels(kind, fate).inc()

    def refused(self, provider: str) -> None:
        """A webhook was turned away."""
        self._refused.labels(provider).inc()

    def parked(self, count: int) -> None:
        """So many callbacks wait for their touch."""
        self._parked.set(count)

    def holds(self, found: HoldsStanding) -> None:
        """So many holds stand, so many of them for too long, the oldest for so long."""
        self._holds.set(found.standing)
        self._held_long.set(found.late)
        self._held.set(max(0.0, found.oldest.total_seconds()))
