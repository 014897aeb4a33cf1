"""Every rule about one proposed contact, asked in order; for planning and for the last word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from followup_policy.caps import PastContact, caps
from followup_policy.consent import ConsentState, consent
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.quiet import SPAN, quiet_hours
from followup_policy.silence import silence
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.weekdays import Audience, weekdays
from followup_policy.zones import Whereabouts

_TRIES = 60  # a cap and the hours may send each other on for some days


@dataclass(frozen=True, slots=True)
class Check:
    """A contact somebody means to make, and what is known about it.

    `round` is "{enrollment_id}:{step-round}"; `history` every touch sent to the person or
    reserved for them, on all channels; `machine` False for a contact a person of ours makes.
    `asked_at`: when a person who asked did so, None if that is not known. `answering`: it
    answers what the person has just written. `refused_at`: when the person last said no, unless
    they have agreed to the channel since.
    """

    channel: Channel
    round: str
    where: Whereabouts
    consent: ConsentState
    asked: bool
    history: Sequence[PastContact] = ()
    machine: bool = True
    transactional: bool = False
    span: timedelta = SPAN
    audience: Audience = "b2c"
    asked_at: datetime | None = None
    house: HouseRules = NO_HOUSE
    answering: bool = False
    refused_at: datetime | None = None


def check(contact: Check, *, now: datetime) -> Verdict:
    """The first refusal of consent, silence, quiet hours and caps, in that order; else allowed.

    Consent, hours and caps refuse by rules "consent…", "R15:…", R11 and R1, R2, R3, R6 or (caps
    and silences of statutes) "R15:…"; the tenant's own by "house:…". `opens_at` is the earliest
    moment found at which all of them pass, None if there is none in sight. Suppression, holds
    and rates are not known here and are the caller's to ask.
    """
    agreed = consent(
        contact.channel,
        state=contact.consent,
        asked=contact.asked,
        where=contact.where,
        machine=contact.machine,
        transactional=contact.transactional,
        asked_ago=None if contact.asked_at is None else now - contact.asked_at,
    )
    first = _timed(contact, now) if agreed.allowed else agreed
    if first.allowed:
        return ALLOWED
    at = first.opens_at
    for _ in range(_TRIES):
        if at is None or (later := _timed(contact, at)).allowed:
            return refuse(rule=str(first.rule), reason=str(first.reason), opens_at=at)
        at = later.opens_at
    return refuse(rule=str(first.rule), reason=str(first.reason))


def describe(verdict: Verdict) -> str:
    """The verdict in one line for people and traces."""
    if verdict.allowed:
        return "allowed"
    opens = f" Opens {verdict.opens_at:%Y-%m-%d %H:%M} UTC." if verdict.opens_at else ""
    return f"{verdict.rule}: {verdict.reason}{opens}"


def told_allowed(channel: Channel, where: Whereabouts, now: datetime) -> str:
    """Why a contact may take place at `now`, in one sentence for people and traces."""
    return _told_allowed(channel, where, now.replace(second=0, microsecond=0))


@lru_cache(maxsize=4096)  # touches of one minute share their places
def _told_allowed(channel: Channel, where: Whereabouts, minute: datetime) -> str:
    clocks = [f"{minute.astimezone(ZoneInfo(z)):%A %H:%M} in {z}" for z in sorted(where.zones)]
    laws = " and ".join(sorted(where.jurisdictions)) or "no law that is known to apply"
    when = f"It is {', '.join(clocks)}" if clocks else "No clock of the person's is known"
    return f"{when}; consent, hours and caps of {laws} allow {channel}."


def _timed(contact: Check, now: datetime) -> Verdict:
    """The silence after a refusal, hours and caps: what waiting may change."""
    # Neither what was arranged nor an answer solicits anything.
    silent = (
        ALLOWED
        if contact.transactional or contact.answering
        else silence(contact.channel, refused_at=contact.refused_at, where=contact.where, now=now)
    )
    if not silent.allowed:
        return silent
    hours = quiet_hours(
        contact.channel,
        where=contact.where,
        now=now,
        span=contact.span,
        machine=contact.machine,
        house=contact.house,
    )
    if not hours.allowed:
        return hours
    # What was arranged keeps its time: a reminder for a Monday morning goes on a Sunday.
    # And who writes on a Saturday is answered on a Saturday.
    suits = (
        ALLOWED
        if contact.transactional or contact.answering
        else weekdays(contact.audience, where=contact.where, now=now)
    )
    if not suits.allowed:
        return suits
    return caps(
        contact.channel,
        round=contact.round,
        history=contact.history,
        where=contact.where,
        now=now,
        transactional=contact.transactional,
        house=contact.house,
        answering=contact.answering,
    )
