"""The judge: which rules were broken, by nothing but what went out.

Shares no rule code with the product: own tables (`almanac`), own reading of the clock.
R1, R2, R3, R6, R15 (hours, holidays, caps of statutes), consent, silence after a stop, and
a text that speaks of a voicemail nobody left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from followup_embedded.demo.almanac import CAPS, EUROPE, HOLIDAYS, HOURS, TEXTS, Hours
from followup_embedded.demo.evidence import Evidence, Fate, Human, Sending, Silence, Violation
from followup_embedded.demo.places import clocks_of, countries_of, laws_of

_TWO_DAYS = timedelta(hours=48)
_ENDED = {
    "enrollment": {"halted", "completed"},
    "touch": {"sent", "failed", "skipped", "cancelled"},
    "lead": {"enrolled", "merged", "not enrolled"},
    "message": {"dropped"},
}


def violations(evidence: Evidence) -> list[Violation]:
    """Every rule broken by every touch that went out, in the order of time."""
    humans = {human.id: human for human in evidence.humans}
    by_person: dict[UUID, list[Sending]] = defaultdict(list)
    for sending in sorted(evidence.sendings, key=lambda s: (s.at, s.touch_id)):
        by_person[sending.person_id].append(sending)
    found: list[Violation] = []
    for person_id, sendings in by_person.items():
        human = humans.get(person_id)
        if human is None:
            found += [_broken("nobody", s, "went to somebody nobody knows") for s in sendings]
            continue
        found += _same_day(human, sendings)
        found += _emails(sendings)
        found += _calls(human, sendings)
        found += _hours(human, sendings)
        found += _caps(human, sendings)
        found += _consent(human, sendings)
    found += _silences(by_person, evidence.silences)
    found += _voicemails(evidence)
    return sorted(found, key=lambda violation: str(violation.touch_id))


def duplicates(sendings: Iterable[Sending]) -> int:
    """How many entries share a touch with an earlier one."""
    return sum(n - 1 for n in Counter(sending.touch_id for sending in sendings).values())


def lost(fates: Iterable[Fate]) -> list[Fate]:
    """What has no end, or an end without a reason (having been sent is reason enough)."""
    return [
        fate
        for fate in fates
        if fate.state not in _ENDED[fate.what] or not (fate.reason or fate.state == "sent")
    ]


def _broken(rule: str, sending: Sending, told: str) -> Violation:
    return Violation(rule, sending.touch_id, sending.person_id, told)


def _days(human: Human, at: datetime) -> set[tuple[str, date]]:
    return {(zone, at.astimezone(ZoneInfo(zone)).date()) for zone in clocks_of(human)}


def _same_day(human: Human, sendings: Sequence[Sending]) -> Iterator[Violation]:
    """R1: one text a day. R6: one round a day."""
    for n, one in enumerate(sendings):
        for other in sendings[:n]:
            if not _days(human, one.at) & _days(human, other.at):
                continue
            if one.channel == other.channel == "sms":
                yield _broken("R1", one, "a second SMS on one local day")
            if one.round != other.round:
                yield _broken("R6", one, f"{one.round} on the day of {other.round}")


def _emails(sendings: Sequence[Sending]) -> Iterator[Violation]:
    """R2: e-mails 48 hours apart."""
    mails = [sending for sending in sendings if sending.channel == "email"]
    for first, second in pairwise(mails):
        if second.at - first.at < _TWO_DAYS:
            yield _broken("R2", second, f"{second.at - first.at} after the e-mail before")


def _calls(human: Human, sendings: Sequence[Sending]) -> Iterator[Violation]:
    """R3: a call at another time of day than the call before it."""
    calls = [sending for sending in sendings if sending.channel == "voice"]
    for first, second in pairwise(calls):
        if first.enrollment_id != second.enrollment_id or first.round == second.round:
            continue
        clocks = clocks_of(human) or {"UTC"}
        if all(_part(first.at, zone) == _part(second.at, zone) for zone in clocks):
            yield _broken("R3", second, "a second call at the same time of day")


def _part(at: datetime, zone: str) -> str:
    hour = at.astimezone(ZoneInfo(zone)).hour
    for name, begins in (("evening", 17), ("afternoon", 14), ("midday", 12), ("morning", 5)):
        if hour >= begins:
            return name
    return "night"


def _hours(human: Human, sendings: Sequence[Sending]) -> Iterator[Violation]:
    """R15: inside the hours of every law on every clock the person may live by."""
    for sending in sendings:
        if sending.channel == "email":
            continue
        if not clocks_of(human):
            yield _broken("R15", sending, "nobody knows what time it is there")
        for law in sorted(laws_of(human)):
            hours = TEXTS.get(law) if sending.channel == "sms" else None
            hours = hours or HOURS.get(law)
            if hours is None:
                continue
            for zone in sorted({hours.clock} if hours.clock else clocks_of(human)):
                if not _open(hours, sending.at.astimezone(ZoneInfo(zone)), HOLIDAYS.get(law)):
                    local = f"{sending.at.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}"
                    yield _broken("R15", sending, f"{sending.channel}, {law}, {local} in {zone}")


def _open(hours: Hours, local: datetime, holidays: set[date] | None) -> bool:
    spans = {5: hours.saturday, 6: hours.sunday}.get(local.weekday(), hours.week)
    if hours.holiday is not None and holidays and local.date() in holidays:
        spans = hours.holiday
    clock = local.hour + local.minute / 60
    return any(opens <= clock < closes for opens, closes in spans)


def _caps(human: Human, sendings: Sequence[Sending]) -> Iterator[Violation]:
    """R15: so many calls and texts in so many hours."""
    heard = [sending for sending in sendings if sending.channel != "email"]
    for law in sorted(laws_of(human) & CAPS.keys()):
        most, hours = CAPS[law]
        for n, sending in enumerate(heard):
            since = sending.at - timedelta(hours=hours)
            if sum(other.at > since for other in heard[: n + 1]) > most:
                yield _broken("R15", sending, f"more than {most} in {hours} hours in {law}")


def _consent(human: Human, sendings: Sequence[Sending]) -> Iterator[Violation]:
    for sending in sendings:
        state = _said(human, sending)
        if state == "no":
            yield _broken("consent", sending, f"{sending.channel} after a no")
        elif state != "yes" and sending.channel not in _unasked(human):
            who = "who asked" if human.asked else "who never asked"
            where = "/".join(sorted(countries_of(human))) or "an unknown country"
            yield _broken("consent", sending, f"{sending.channel} to one {who} in {where}")


def _said(human: Human, sending: Sending) -> str:
    """The last word before the sending that speaks of its channel."""
    state = "unknown"
    for word in sorted(human.words, key=lambda w: w.at):
        if word.at <= sending.at and word.channel in (sending.channel, "any"):
            state = word.state
    return state


def _unasked(human: Human) -> set[str]:
    """The channels open without a word of consent, in every country at once."""
    countries = countries_of(human)
    if not human.asked:
        return {"email"} if countries == {"US"} else set()
    if not countries or countries & EUROPE:
        return {"email"}
    return {"email", "sms"}


def _silences(
    by_person: dict[UUID, list[Sending]], silences: Iterable[Silence]
) -> Iterator[Violation]:
    """R13: nothing begins once a stop has been answered."""
    for silence in silences:
        for sending in by_person.get(silence.person_id, ()):
            ends = silence.until
            if sending.at > silence.since and (ends is None or sending.at < ends):
                late = sending.at - silence.since
                yield _broken("stop", sending, f"{sending.channel} {late} after {silence.why}")


def _voicemails(evidence: Evidence) -> Iterator[Violation]:
    """D1: the text after the call speaks of a voicemail if, and only if, one was left."""
    left: dict[UUID, list[datetime]] = defaultdict(list)
    for call in evidence.calls:
        if call.result == "voicemail_left":
            left[call.enrollment_id].append(call.at)
    for sending in evidence.sendings:
        if sending.channel != "sms" or "voicemail" not in sending.text.lower():
            continue
        if not any(at <= sending.at for at in left[sending.enrollment_id]):
            yield _broken("voicemail", sending, "speaks of a voicemail that nobody left")
