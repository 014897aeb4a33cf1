"""When a touch goes: the document's wish, moved by law, caps and preferences.

Caps before the document, the document before preferences: a touch is moved until
everything lets it pass, keeps its place in the order, and is given up when its slide is
used up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from followup_contracts.events import Audience
from followup_contracts.payload import Channel
from followup_policy.caps import PastContact, caps, enrollment_of
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.silence import silence
from followup_policy.verdicts import ALLOWED, Verdict, refuse
from followup_policy.windows import (
    Planned,
    SendWindow,
    last_open_before,
    next_open,
    part_of_day,
)
from followup_policy.zones import Whereabouts
from followup_scheduler.core.durations import write
from followup_scheduler.core.format.limits import Cap
from followup_scheduler.core.format.touch import Touch
from followup_scheduler.core.moments import clock_on_day_of

_TRIES = 100  # windows and caps may send each other on for some days
_MORNING = time(8)
_EVERY_DAY = frozenset(range(7))
_PARTS = {
    "morning": SendWindow(_EVERY_DAY, ((time(10), time(12)),)),
    "afternoon": SendWindow(_EVERY_DAY, ((time(14), time(17)),)),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a touch has to fit: where the person is, who they are, what they were sent.

    `house`: what the tenant adds to the law. `refused_at`: when they said no.
    """

    channel: Channel
    where: Whereabouts
    audience: Audience
    round: str
    history: Sequence[PastContact]
    own_calls: Sequence[datetime]
    own_caps: Sequence[Cap] = ()
    house: HouseRules = NO_HOUSE
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When a touch goes, and what moved it there, in order."""

    at: datetime
    moved_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoMoment:
    """There is none in time: by which rule, and the sentence for people."""

    rule: str
    reason: str


@dataclass(slots=True)
class _Search:
    """The moment found so far and the sentences that explain it, each once."""

    at: datetime
    told: list[str] = field(default_factory=list)

    def tell(self, sentences: Sequence[str]) -> None:
        self.told += [sentence for sentence in sentences if sentence not in self.told]


def find_moment(
    channel: Channel,
    occasion: Occasion,
    *,
    earliest: datetime,
    latest: datetime,
    window: SendWindow | None,
) -> Moment | NoMoment:
    """The first moment in [earliest, latest] that suits everything.

    `window` None prefers no hours. R1, R2, R3, R6 and the caps of statutes are kept
    against what has been sent so far, and the silence a statute asks for after a refusal.
    """
    search = _Search(earliest)
    for _ in range(_TRIES):
        if search.at > latest:
            break
        planned = _open(channel, occasion, search.at, latest=latest, window=window)
        search.tell(_telling(planned, search, first=search.at == earliest))
        if planned.at is None:
            break
        capped = _capped(channel, occasion, planned.at)
        if capped.allowed:
            return Moment(planned.at, tuple(search.told))
        search.tell([f"{capped.rule}: {capped.reason}"])
        if capped.opens_at is None:
            return NoMoment(str(capped.rule), str(capped.reason))
        search.at = max(
            _hour_of(window, occasion, capped.opens_at), planned.at + timedelta(seconds=1)
        )
    because = " ".join(search.told) or "Its moment has passed."
    return NoMoment("slide", f"No moment until {latest:%Y-%m-%d %H:%M} UTC. {because}")


def _capped(channel: Channel, occasion: Occasion, at: datetime) -> Verdict:
    """The silence after a refusal, caps by law, house and rule, and those of the sequence."""
    held = silence(channel, refused_at=occasion.refused_at, where=occasion.where, now=at)
    if held.allowed:
        held = caps(
            channel,
            round=occasion.round,
            history=occasion.history,
            where=occasion.where,
            now=at,
            house=occasion.house,
        )
    return _own_caps(channel, occasion, at) if held.allowed else held


def _own_caps(channel: Channel, occasion: Occasion, at: datetime) -> Verdict:
    """Whether the caps of the sequence itself leave room for one more touch of this run."""
    own = enrollment_of(occasion.round)
    for cap in occasion.own_caps:
        if cap.channel not in (None, channel):
            continue
        inside = sorted(
            each.at
            for each in occasion.history
            if enrollment_of(each.round) == own
            and cap.channel in (None, each.channel)
            and abs(at - each.at) < cap.per
        )
        if len(inside) >= cap.touches:
            what = "touches" if cap.channel is None else f"touches by {cap.channel}"
            return refuse(
                rule="document",
                reason=f"The sequence allows {cap.touches} {what} in {write(cap.per)}.",
                opens_at=inside[-cap.touches] + cap.per,
            )
    return ALLOWED


def before_anchor(
    channel: Channel,
    occasion: Occasion,
    *,
    wanted: datetime,
    earliest: datetime,
    deadline: datetime,
) -> Moment | NoMoment:
    """When a transactional touch goes: as wanted, else at the last lawful moment before.

    Exempt from R1, R6 and R12, not from the law nor from R2 and the caps of statutes. One
    wanted in the past goes at once, or is given up after `deadline`.
    """
    if max(wanted, earliest) > deadline:
        return NoMoment("slide", "Its moment has passed.")
    planned = last_open_before(
        channel,
        where=occasion.where,
        anchor=deadline,
        wanted=wanted,
        earliest=earliest,
        house=occasion.house,
    )
    if planned.at is None:
        because = " ".join(planned.moved_by) or "Its moment has passed."
        return NoMoment("R15", f"No moment until {deadline:%Y-%m-%d %H:%M} UTC. {because}")
    capped = caps(
        channel,
        round=occasion.round,
        history=occasion.history,
        where=occasion.where,
        now=planned.at,
        transactional=True,
        house=occasion.house,
    )
    if capped.allowed:
        return Moment(planned.at, planned.moved_by)
    moved = (*planned.moved_by, f"{capped.rule}: {capped.reason}")
    if capped.opens_at is None or capped.opens_at > deadline:
        return NoMoment(str(capped.rule), str(capped.reason))
    later = last_open_before(
        channel,
        where=occasion.where,
        anchor=deadline,
        wanted=capped.opens_at,
        earliest=capped.opens_at,
        house=occasion.house,
    )
    if later.at is None:
        return NoMoment(str(capped.rule), str(capped.reason))
    return Moment(later.at, (*moved, *later.moved_by))


def preference(touch: Touch, occasion: Occasion, usual: SendWindow) -> SendWindow:
    """The hours the document prefers, else `usual`. A second call prefers another part (R3)."""
    if touch.part in _PARTS:
        return _PARTS[touch.part]
    if occasion.channel == "voice" and occasion.own_calls:
        last = part_of_day(max(occasion.own_calls), occasion.where)
        return _PARTS["afternoon" if last == "morning" else "morning"]
    return usual


def _hour_of(window: SendWindow | None, occasion: Occasion, opens_at: datetime) -> datetime:
    """A day that a cap opens begins at the preferred hour, or in the morning: not at midnight."""
    hour = _MORNING if window is None else window.spans[0][0]
    return max(opens_at, clock_on_day_of(occasion.where, opens_at, hour))


def _telling(planned: Planned, search: _Search, *, first: bool) -> Sequence[str]:
    """What moved a touch, without the night after a day on which a cap was full."""
    if first or planned.at is None or planned.at - search.at >= timedelta(days=1):
        return planned.moved_by
    return [sentence for sentence in planned.moved_by if not sentence.startswith("R15")]


def _open(
    channel: Channel,
    occasion: Occasion,
    earliest: datetime,
    *,
    latest: datetime,
    window: SendWindow | None,
) -> Planned:
    return next_open(
        channel,
        where=occasion.where,
        earliest=earliest,
        latest=latest,
        window=window,
        audience=occasion.audience,
        house=occasion.house,
    )
