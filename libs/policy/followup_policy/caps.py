"""How often one person may be contacted: R1, R2, R3, R6 and the caps of statutes.

The history holds every touch sent to the person or reserved for them; one whose outcome is
unknown counts as sent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from followup_policy.house import HOUSE, NO_HOUSE, HouseRules, caps_on
from followup_policy.statutes import Cap, Statute
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.wallclock import local_date, starts_of_day
from followup_policy.windows import next_part, part_of_day
from followup_policy.zones import Whereabouts

EMAIL_GAP = timedelta(hours=48)  # R2

SILENCED = "The tenant's cap for this channel is none at all."

_DAY = timedelta(days=1)
_LONGEST_DAY = timedelta(hours=48)  # where the date line moved, a date came twice
_TRIES = 50  # how many openings are followed until all caps pass at one moment


@dataclass(frozen=True, slots=True)
class PastContact:
    """A touch that went out or is reserved; `round` is "{enrollment_id}:{step-round}".

    `sender` is who it came from, `attempt` how a letter is named, where that is known.
    """

    touch_id: str
    channel: Channel
    at: datetime
    round: str
    sender: str | None = None
    attempt: str | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    channel: Channel
    round: str
    history: Sequence[PastContact]
    where: Whereabouts
    transactional: bool
    house: HouseRules
    answering: bool = False


def caps(
    channel: Channel,
    *,
    round: str,  # noqa: A002 - the domain's word for the channels of one follow-up
    history: Sequence[PastContact],
    where: Whereabouts,
    now: datetime,
    transactional: bool = False,
    house: HouseRules = NO_HOUSE,
    answering: bool = False,
) -> Verdict:
    """Whether one more contact at `now` keeps every cap; the first broken one is named.

    R1: one SMS per local day; R2: e-mails 48 h apart; R3: no call in the same part of day
    as the enrollment's last call (of another round); R6: one round per local day. A local
    day is that of every candidate zone. Then the caps of statutes (for instance Fla. Stat.
    501.616(6): three in 24 hours) and of the house. A transactional touch is exempt from R1
    and R6 alone; one that answers what the person has just written, from the pace of follow-up
    altogether (R1, R2, R3, R6), but from no statute's cap and none of the house.
    `opens_at` is the earliest moment at which all of them pass, None if waiting never helps.
    """
    if not history and not silenced(channel, where=where, house=house):
        return ALLOWED  # a first contact, as most are: there is nothing to be counted
    case = _Case(channel, round, history, where, transactional, house, answering)
    first = _first_broken(case, now)
    if first.allowed:
        return ALLOWED
    at = first.opens_at
    for _ in range(_TRIES):
        if at is None:
            break
        later = _first_broken(case, at)
        if later.allowed:
            break
        at = later.opens_at
    return refuse(rule=str(first.rule), reason=str(first.reason), opens_at=at)


def silenced(channel: Channel, *, where: Whereabouts, house: HouseRules) -> bool:
    """Whether a cap of none at all keeps everybody there from being contacted on a channel."""
    return any(not cap.count for _, cap in caps_on(channel, where.jurisdictions, house))


def enrollment_of(round_id: str) -> str:
    """The enrollment a round belongs to."""
    return round_id.rpartition(":")[0] or round_id


def _first_broken(case: _Case, now: datetime) -> Verdict:
    if case.answering:
        return _statutory(case, now)
    rules: tuple[Callable[[_Case, datetime], Verdict], ...] = (
        _statutory, _one_sms_a_day, _emails_apart, _one_round_a_day, _another_part_of_day,
    )  # fmt: skip
    return next((v for rule in rules if not (v := rule(case, now)).allowed), ALLOWED)


def _one_sms_a_day(case: _Case, now: datetime) -> Verdict:
    if case.channel != "sms" or case.transactional:
        return ALLOWED
    past = [each.at for each in case.history if each.channel == "sms"]
    same = [at for at in past if _same_day(at, now, case.where)]
    if not same:
        return ALLOWED
    return refuse(
        rule="R1",
        reason="This person has had an SMS on this local day.",
        opens_at=max(_day_after(at, case.where) for at in same),
    )


def _one_round_a_day(case: _Case, now: datetime) -> Verdict:
    if case.transactional:
        return ALLOWED
    others = [each.at for each in case.history if each.round != case.round]
    same = [at for at in others if _same_day(at, now, case.where)]
    if not same:
        return ALLOWED
    return refuse(
        rule="R6",
        reason="This person has had another round of follow-up on this local day.",
        opens_at=max(_day_after(at, case.where) for at in same),
    )


def _emails_apart(case: _Case, now: datetime) -> Verdict:
    if case.channel != "email":
        return ALLOWED
    past = [each.at for each in case.history if each.channel == "email"]
    near = [at for at in past if abs(now - at) < EMAIL_GAP]
    if not near:
        return ALLOWED
    return refuse(
        rule="R2",
        reason="E-mails to one person stay 48 hours apart.",
        opens_at=max(near) + EMAIL_GAP,
    )


def _another_part_of_day(case: _Case, now: datetime) -> Verdict:
    calls = [
        each
        for each in case.history
        if each.channel == "voice"
        and enrollment_of(each.round) == enrollment_of(case.round)
        and each.at <= now
    ]
    last = max(calls, key=lambda each: (each.at, each.round != case.round), default=None)
    if case.channel != "voice" or last is None or last.round == case.round:
        return ALLOWED
    part = part_of_day(now, case.where)
    if part != part_of_day(last.at, case.where):
        return ALLOWED
    return refuse(
        rule="R3",
        reason=f"The last call of this enrollment came at the same part of day ({part}).",
        opens_at=next_part(now, case.where),
    )


def _statutory(case: _Case, now: datetime) -> Verdict:
    for row, cap in caps_on(case.channel, case.where.jurisdictions, case.house):
        verdict = _within(row, cap, _counted(case, row, cap), now)
        if not verdict.allowed:
            return verdict
    return ALLOWED


def _counted(case: _Case, row: Statute, cap: Cap) -> Iterator[datetime]:
    own = enrollment_of(case.round)
    for each in case.history:
        mine = cap.scope == "person" or enrollment_of(each.round) == own
        if each.channel in cap.counts and mine and row.in_force(each.at.date()):
            yield each.at


def _within(row: Statute, cap: Cap, counted: Iterator[datetime], now: datetime) -> Verdict:
    if not row.in_force(now.date()):
        return ALLOWED
    if not cap.count:
        return refuse(rule="house:none", reason=SILENCED)
    name, past = _rule(row), sorted(counted)
    if cap.hours is None:
        if len(past) < cap.count:
            return ALLOWED
        return refuse(rule=name, reason=f"{row.source}: {cap.count} contacts in all.")
    length = timedelta(hours=cap.hours)
    inside = [at for at in past if abs(now - at) < length]
    if len(inside) < cap.count:
        return ALLOWED
    return refuse(
        rule=name,
        reason=f"This person has had {len(inside)} contacts in {cap.hours} hours, and "
        f"{row.jurisdiction} allows {cap.count} ({row.source}).",
        opens_at=inside[-cap.count] + length,
    )


def _rule(row: Statute) -> str:
    return "house:caps" if row.jurisdiction == HOUSE else f"R15:{row.jurisdiction}"


def _same_day(past: datetime, now: datetime, where: Whereabouts) -> bool:
    if not where.zones:
        return abs(now - past) < _DAY  # any clock on earth may call them one day
    if abs(now - past) >= _LONGEST_DAY:
        return False
    return any(local_date(zone, past) == local_date(zone, now) for zone in where.zones)


def _day_after(past: datetime, where: Whereabouts) -> datetime:
    if not where.zones:
        return past + _DAY
    return max(starts_of_day(zone, local_date(zone, past) + _DAY) for zone in where.zones)
