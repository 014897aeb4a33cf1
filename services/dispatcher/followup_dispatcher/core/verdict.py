"""The last word: whether a touch may go out at this moment.

Precedence (law, suppression and consent; caps; the document; preferences) with
one addition before it: whether there is still anything to send and anybody to send
it to. Not knowing means not sending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from followup_contracts.commands import SendTouch
from followup_directory.written import Confirms
from followup_dispatcher.core.memory import forgotten
from followup_dispatcher.core.priority import Waiter, stands_behind
from followup_policy.caps import PastContact
from followup_policy.check import Check, check, told_allowed
from followup_policy.consent import ConsentState
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.zones import Whereabouts
from followup_suppression import Standing

HOLD_RECHECK = timedelta(seconds=30)
"""A reply is read within seconds; a touch it holds is looked at again after this."""

STOPPED_RECHECK = timedelta(hours=1)
"""Nobody knows when an emergency ends; what it holds is looked at again after this."""

CLOSED_RECHECK = timedelta(hours=12)
"""Where no opening is in sight the touch is looked at again after this."""


_NEVER = ("consent", "house:none")
"""Rules by which a touch is over: no waiting opens what they close."""
_RULES = ("R15", "R11", "house:hours")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Everything the last word may depend on, read in the claiming transaction."""

    command: SendTouch
    standing: Standing
    where: Whereabouts
    consent: ConsentState
    asked: bool
    audience: Literal["b2b", "b2c"]
    history: Sequence[PastContact]
    waiting: Sequence[Waiter] = ()
    asked_at: datetime | None = None
    house: HouseRules = NO_HOUSE
    answering: bool = False
    """Whether it answers what the person has just written."""
    refused_at: datetime | None = None
    """When the person said no, unless they have agreed to the channel since."""
    confirms: Confirms | None = None
    """What it confirms, if the person has just asked for that: a stop, a start, help."""


@dataclass(frozen=True, slots=True)
class Pass:
    """It may go out now."""

    explained: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: try again at `not_before`."""

    kind: Literal["rule", "cap", "rate", "hold", "provider", "paused"]
    rule: str
    reason: str
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """Never: this touch is over."""

    rule: str
    reason: str


Verdict = Pass | Defer | Skip


def decide(candidate: Candidate, *, now: datetime) -> Verdict:
    """What may happen to the touch at `now`; the first thing that stops it is the reason."""
    command = candidate.command
    if forgotten(command.touch_id, now=now):
        return Skip("forgotten", "its month is gone from the ledger, or will be soon")
    if candidate.confirms is not None:
        return _confirmation(candidate, now=now)
    return _stopped(command, candidate.standing, now=now) or _by_policy(candidate, now=now)


def _stopped(command: SendTouch, standing: Standing, *, now: datetime) -> Defer | Skip | None:
    """What stands against a touch whatever the rules say, if anything does."""
    if standing.epoch > command.epoch:
        return Skip("superseded", f"the enrollment is at epoch {standing.epoch}")
    if standing.suppressed:
        return Skip("suppressed", "the address is on the suppression list")
    if standing.held:
        return Defer(
            "hold", "hold", "a reply or an event waits to be decided on", now + HOLD_RECHECK
        )
    if command.not_after is not None and now > command.not_after:
        return Skip("expired", f"its time ended at {command.not_after:%Y-%m-%d %H:%M} UTC")
    return None


def _confirmation(candidate: Candidate, *, now: datetime) -> Verdict:
    """One message without marketing, within minutes of what it confirms (47 CFR 64.1200(a)(12)).

    What stops follow-up does not stop it: it says that follow-up has stopped. What confirms no
    stop is stopped by one, and who has taken a stop back is not told that it holds.
    """
    not_after = candidate.command.not_after
    if not_after is None or now > not_after:
        return Skip("expired", "it comes too late for a confirmation")
    if candidate.standing.suppressed and candidate.confirms != "stop":
        return Skip("suppressed", "the address is on the suppression list")
    if not candidate.standing.suppressed and candidate.confirms == "stop":
        return Skip("superseded", "the stop that it confirms does not stand any more")
    return Pass("It confirms what this person has just asked for.")


def _by_policy(candidate: Candidate, *, now: datetime) -> Verdict:
    command = candidate.command
    verdict = check(
        Check(
            channel=command.channel,
            where=candidate.where,
            consent=candidate.consent,
            asked=candidate.asked or candidate.answering,
            round=command.contact_round,
            history=tuple(candidate.history),
            machine=not command.answer,
            transactional=command.transactional,
            audience=candidate.audience,
            asked_at=candidate.asked_at,
            house=candidate.house,
            answering=candidate.answering,
            refused_at=candidate.refused_at,
        ),
        now=now,
    )
    if verdict.allowed:
        return _by_urgency(candidate, now=now)
    rule, reason = verdict.rule or "policy", verdict.reason or "not allowed"
    if rule.startswith(_NEVER):
        return Skip(rule, reason)
    kind: Literal["rule", "cap"] = "rule" if rule.startswith(_RULES) else "cap"
    stopped = candidate.house.stops & candidate.where.jurisdictions
    recheck = STOPPED_RECHECK if stopped else CLOSED_RECHECK
    return Defer(kind, rule, reason, verdict.opens_at or now + recheck)


def _by_urgency(candidate: Candidate, *, now: datetime) -> Verdict:
    first = stands_behind(
        candidate.command,
        candidate.waiting,
        history=candidate.history,
        where=candidate.where,
        house=candidate.house,
        now=now,
    )
    if first is None:
        return Pass(told_allowed(candidate.command.channel, candidate.where, now))
    reason = f"A more urgent {first.channel} of this person has the next place."
    return Defer("cap", "priority", reason, first.until)
