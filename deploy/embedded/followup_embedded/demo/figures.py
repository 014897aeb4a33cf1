"""What the demo came to, in figures."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from followup_embedded.demo.checker import duplicates
from followup_embedded.demo.play import Outcome

_AT_ONCE = timedelta(seconds=1)


def summary(outcome: Outcome) -> dict[str, int | float]:
    """Return what `.followup/demo.json` holds.

    Every row of the file is one of `imported` (a lead of its own), `merged` (into a person
    who was there already) and `refused`; times are in seconds, `first_touch_seconds_p50`
    of business time.
    """
    sendings = outcome.evidence.sendings
    return {
        "imported": outcome.imported["accepted"] - outcome.imported["merged"],
        "merged": outcome.imported["merged"],
        "refused": outcome.imported["refused"],
        "touches": len(sendings),
        "replies": sum(row["number"] for row in outcome.intents),
        "opt_outs": outcome.opt_outs,
        "bookings": outcome.bookings,
        "rule_violations": len(outcome.violations),
        "lost": len(outcome.lost),
        "duplicates": duplicates(sendings),
        "first_touch_seconds_p50": round(median(first_touches(outcome) or [0.0]), 3),
        "seconds": round(outcome.seconds, 1),
    }


def first_touches(outcome: Outcome) -> list[float]:
    """Business seconds from enrolment to the first touch, of leads who could have it at once.

    That is where the first touch was planned for the moment of enrolment: no law, cap or
    preference moved it, then or later.
    """
    first: dict[Any, dict[str, Any]] = {}
    for touch in outcome.touches:
        if touch["state"] != "sent":
            continue
        known = first.get(touch["enrollment_id"])
        if known is None or touch["settled_at"] < known["settled_at"]:
            first[touch["enrollment_id"]] = touch
    return sorted(
        (touch["settled_at"] - touch["anchor"]).total_seconds()
        for touch in first.values()
        if _could_go_at_once(touch)
    )


def deferrals(outcome: Outcome) -> Counter[tuple[str, str]]:
    """(when, rule) → how often: moved while planning, or put off at the last moment."""
    found: Counter[tuple[str, str]] = Counter()
    for touch in outcome.touches:
        for entry in touch["trace"]:
            if entry["what"] == "deferred":
                found["at the last look", entry["rule"]] += 1
            elif entry["what"] == "planned":
                found.update(("while planning", rule) for rule in _rules(entry))
    return found


def not_sent(outcome: Outcome) -> Counter[tuple[str, str]]:
    """(state, why) → touches of the sequences that never went out."""
    return Counter(
        (touch["state"], (touch["reason"] or "").partition(":")[0])
        for touch in outcome.touches
        if touch["state"] != "sent"
    )


def by_channel_and_day(outcome: Outcome) -> Mapping[int, Counter[str]]:
    """Day of the demo → touches by channel."""
    days: dict[int, Counter[str]] = {}
    for sending in outcome.evidence.sendings:
        day = (sending.at - outcome.began).days
        days.setdefault(day, Counter())[sending.channel] += 1
    return dict(sorted(days.items()))


def _could_go_at_once(touch: Mapping[str, Any]) -> bool:
    planned = next((e for e in touch["trace"] if e["what"] == "planned"), None)
    if planned is None or planned["moved_by"]:
        return False
    wanted = datetime.fromisoformat(planned["wanted"])
    put_off = any(entry["what"] == "deferred" for entry in touch["trace"])
    return wanted - touch["anchor"] < _AT_ONCE and not put_off


def _rules(planned: Mapping[str, Any]) -> Iterator[str]:
    for sentence in planned["moved_by"]:
        yield sentence.partition(":")[0] if ":" in sentence[:20] else "preference"
