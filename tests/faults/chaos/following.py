"""Every accepted lead has its touches, or a recorded reason why not (yet)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from chaos.evidence import Evidence, Lead, Told, Violation

RULE = "lost"
FIRST_STEP = "first"
CHANNELS = frozenset({"sms", "voice"})
CROWDED = "another sequence goes first"
"""Why a touch is planned anew where two sequences of a person collide."""

OVERDUE = timedelta(seconds=5)
SOON = timedelta(hours=3)
"""A provider's own reasons put a touch off by minutes, an hour at most."""
PASSING = ("provider", "not_begun", "account", "rate")
"""Rules by which a touch of the first step may still be waiting."""

Body = Mapping[str, Any]


def lost_leads(evidence: Evidence) -> Iterator[Violation]:
    """Accepted leads without an enrollment, and enrollments without their touches."""
    for lead in evidence.leads:
        told = evidence.told.get(lead.lead_id)
        if told is None:
            yield Violation(RULE, lead.lead_id, "the API does not know this lead")
        elif not told.enrollments:
            yield Violation(RULE, lead.lead_id, "accepted and never enrolled")
        else:
            for enrollment in told.enrollments:
                yield from _missing(lead, enrollment)


def _missing(lead: Lead, enrollment: Body) -> Iterator[Violation]:
    found = {t["channel"] for t in enrollment["touches"] if t["step"] == FIRST_STEP}
    for channel in sorted(CHANNELS - found):
        text = f"{enrollment['sequence']} has planned no {channel} of its first step"
        yield Violation(RULE, lead.lead_id, text)


def lost_touches(evidence: Evidence) -> Iterator[Violation]:
    """Touches that neither went out nor have a good reason not to have."""
    for lead in evidence.leads:
        told = evidence.told.get(lead.lead_id)
        if told is None:
            continue
        for enrollment in told.enrollments:
            for touch in enrollment["touches"]:
                if _planned_again(touch, enrollment):
                    continue
                why = _unexcused(touch, lead=lead, told=told, evidence=evidence)
                if why is not None:
                    name = f"{touch['channel']} of {enrollment['sequence']}/{touch['step']}"
                    yield Violation(RULE, touch["id"], f"{name}: {why}")


def _planned_again(touch: Body, enrollment: Body) -> bool:
    """Whether it made room for another sequence, and a later one of its step stands for it."""
    return (touch["state"], touch["reason"]) == ("cancelled", CROWDED) and any(
        (later["step"], later["channel"]) == (touch["step"], touch["channel"])
        and later["occurrence"] > touch["occurrence"]
        for later in enrollment["touches"]
    )


def _unexcused(touch: Body, *, lead: Lead, told: Told, evidence: Evidence) -> str | None:
    """Why a touch is not as it should be, or None."""
    state = touch["state"]
    match state:
        case "sent":
            return None if touch["id"] in evidence.accepted else "sent, says the API; never taken"
        case "commanded":
            return "asked for and never answered"
        case "planned":
            return _waiting(touch, lead=lead, told=told, now=evidence.checked)
        case "unknown":
            return None  # `still_unknown` has it
        case "cancelled" | "skipped" if lead.phone in evidence.wrote:
            return None if touch["reason"] else f"{state} without a reason"
        case _:
            return f"{state} though nobody wrote: {touch['reason']}"


def _waiting(touch: Body, *, lead: Lead, told: Told, now: datetime) -> str | None:
    due = datetime.fromisoformat(touch["due_at"])
    if due < now - OVERDUE:
        return f"overdue since {due:%H:%M:%S}"
    rules = _reasons(touch["id"], told)
    if not rules:
        return f"waits until {due:%Y-%m-%d %H:%M:%S} for no recorded reason"
    if touch["step"] != FIRST_STEP or lead.kind != "steady":
        return None
    if not rules[-1].startswith(PASSING) or due > now + SOON:
        return f"waits until {due:%Y-%m-%d %H:%M:%S} because of {rules[-1]}"
    return None


def _reasons(touch_id: str, told: Told) -> list[str]:
    """Why a touch waits, as its lead's timeline tells: rules, the latest last."""
    rules: list[str] = []
    for line in told.timeline:
        if line["touch_id"] != touch_id:
            continue
        if line["what"] == "planned":
            rules += line["why"].get("moved_by", [])
        elif line["what"] == "deferred":
            rules.append(f"{line['why']['kind']}: {line['why']['rule']}")
    return rules


def unlisted_sends(evidence: Evidence) -> Iterator[Violation]:
    """Touches that the provider accepted and that the API does not call sent."""
    states = {
        touch["id"]: touch["state"]
        for told in evidence.told.values()
        for enrollment in told.enrollments
        for touch in enrollment["touches"]
    }
    for touch_id in sorted(evidence.accepted):
        state = states.get(touch_id, "missing")
        if state not in ("sent", "unknown"):
            yield Violation("untold", touch_id, f"taken by the provider; {state}, says the API")


def lost_words(evidence: Evidence) -> Iterator[Violation]:
    """Acknowledged replies and STOPs that the conversation does not hold exactly once."""
    leads = {lead.phone: lead for lead in evidence.leads}
    for word in evidence.words:
        lead = leads.get(word.phone)
        if word.acknowledged is None or lead is None or lead.lead_id not in evidence.told:
            continue
        said = evidence.told[lead.lead_id].conversation
        heard = [s for s in said if s["direction"] == "inbound" and s["body"] == word.body]
        if len(heard) != 1:
            text = f"{word.body!r} was acknowledged and stands {len(heard)} times"
            yield Violation("words", lead.lead_id, text)
        elif word.stop and not heard[0]["opt_out"]:
            yield Violation("words", lead.lead_id, "STOP was acknowledged and not taken for one")


def turned_away(evidence: Evidence) -> Iterator[Violation]:
    """Clients that were never heard, refused, or told that it was our fault; or no clients."""
    for what, count in evidence.clients.items():
        if "refused" in what or "never" in what or "500" in what:
            yield Violation("clients", what, f"{count} times")
    if not evidence.leads:
        yield Violation("clients", "lead", "none was accepted: nothing has been tried")
