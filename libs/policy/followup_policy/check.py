"""Every rule about one proposed contact, asked in order; for planning and for the last word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from followup_policy.caps import PastContact, caps
from followup_policy.consent import ConsentState, consent
from followup_policy.quiet import SPAN, quiet_hours
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.zones import Whereabouts

_TRIES = 60  # a cap and the hours may send each other on for some days


@dataclass(frozen=True, slots=True)
class ProposedContact:
    """A contact somebody means to make; `round` is "{enrollment_id}:{step-round}"."""

    channel: Channel
    round: str
    where: Whereabouts
    consent: ConsentState
    asked: bool
    machine: bool = True
    transactional: bool = False


def check(
    contact: ProposedContact,
    *,
    history: Sequence[PastContact],
    now: datetime,
    span: timedelta = SPAN,
    emergency_stops: frozenset[str] = frozenset(),
) -> Verdict:
    """The first refusal of consent, quiet hours and caps, in that order; else allowed.

    `opens_at` is the earliest moment found at which all of them pass, None if there is none
    in sight. Suppression, holds and rates are not known here and are the caller's to ask.
    """

    def ask(at: datetime) -> Verdict:
        return _timed(contact, history=history, now=at, span=span, emergency_stops=emergency_stops)

    agreed = consent(
        contact.channel,
        state=contact.consent,
        asked=contact.asked,
        where=contact.where,
        machine=contact.machine,
        transactional=contact.transactional,
    )
    first = ask(now) if agreed.allowed else agreed
    if first.allowed:
        return ALLOWED
    at = first.opens_at
    for _ in range(_TRIES):
        if at is None or (later := ask(at)).allowed:
            return refuse(rule=str(first.rule), reason=str(first.reason), opens_at=at)
        at = later.opens_at
    return refuse(rule=str(first.rule), reason=str(first.reason))


def describe(verdict: Verdict) -> str:
    """The verdict in one line for people and traces."""
    if verdict.allowed:
        return "allowed"
    opens = f" Opens {verdict.opens_at:%Y-%m-%d %H:%M} UTC." if verdict.opens_at else ""
    return f"{verdict.rule}: {verdict.reason}{opens}"


def _timed(
    contact: ProposedContact,
    *,
    history: Sequence[PastContact],
    now: datetime,
    span: timedelta,
    emergency_stops: frozenset[str],
) -> Verdict:
    hours = quiet_hours(
        contact.channel,
        where=contact.where,
        now=now,
        span=span,
        emergency_stops=emergency_stops,
        machine=contact.machine,
    )
    if not hours.allowed:
        return hours
    return caps(
        contact.channel,
        round=contact.round,
        history=history,
        where=contact.where,
        now=now,
        transactional=contact.transactional,
    )
