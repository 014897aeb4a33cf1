"""What the scheduler counts for those who watch it."""

from datetime import timedelta

from followup_runtime.metrics import Metrics

_REASONS = frozenset(
    {
        "ran_through",
        "opted_out",
        "interested",
        "not_interested",
        "already_bought",
        "wrong_person",
        "nurture",
        "booked",
        "appointment",
        "deal",
    }
)
"""Reasons with a series of their own; a label must be a small closed set."""


class Figures:
    """The scheduler's metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._late = metrics.gauge(
            "followup_scheduler_timer_lateness_seconds",
            "How long the oldest due timer had waited when it was last looked at.",
        )
        self._again = metrics.counter(
            "followup_scheduler_touches_asked_again",
            "Touches commanded again because nobody answered.",
        )
        self._ended = metrics.counter(
            "followup_scheduler_enrollments_ended",
            "Enrollments that ended, and why.",
            ["state", "reason"],
        )

        self._left_out = metrics.counter(
            "followup_scheduler_left_out",
            "Timers and unanswered touches put off because carrying them out failed.",
            ["loop"],
        )
        for loop in ("scheduler:timers", "scheduler:reconciler"):
            self._left_out.labels(loop)  # there from the start, at 0

    def late(self, by: timedelta) -> None:
        """The oldest due timer was due this long ago."""
        self._late.set(max(0.0, by.total_seconds()))

    def asked_again(self, count: int) -> None:
        """So many commands had to be repeated."""
        self._again.inc(count)

    def left_out(self, loop: str) -> None:
        """One of a loop's rows could not be carried out."""
        self._left_out.labels(loop).inc()

    def ended(self, state: str, reason: str) -> None:
        """An enrollment ended."""
        self._ended.labels(state, reason if reason in _REASONS else "other").inc()
