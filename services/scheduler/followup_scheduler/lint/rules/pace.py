"""What a sequence's own calendar collides with: R1, R2, R6, R14, R16 and quiet hours."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from itertools import combinations

from followup_contracts.channels import TRAITS, Channel
from followup_policy.statutes import statutes_for
from followup_scheduler.core.durations import write
from followup_scheduler.core.format.clock import Window
from followup_scheduler.core.steps import HandOverStep, SwitchStep, TouchStep
from followup_scheduler.lint.course import DAY
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script

TWO_DAYS = timedelta(hours=48)
_FAST = timedelta(hours=1)
_MOST_ROUNDS = 7
_SPAN = timedelta(days=14)
_CAMPAIGN = 4
_WORKDAY = date(2030, 1, 2)
_FEDERAL = frozenset({"US", "US-CA"})

Round = tuple[int, TouchStep, timedelta]


def _rounds(script: Script) -> list[Round]:
    """The rounds whose moment can be told, with their places."""
    return [
        (place, step, moment)
        for place, step in enumerate(script.sequence.steps)
        if isinstance(step, TouchStep)
        and place in script.course.reached
        and (moment := script.course.moments[place]) is not None
    ]


def _pairs(script: Script) -> Iterator[tuple[Round, Round]]:
    """Rounds of which one lead gets both, whatever happens."""
    certain = [r for r in _rounds(script) if r[1].when is None]
    for one, other in combinations(certain, 2):
        if script.course.may_follow(one[0], other[0]):
            yield one, other


def _sure(step: TouchStep, channel: Channel) -> bool:
    return any(t.candidates() == (channel,) and t.when is None for t in step.touches)


def _path_of(place: int, step: TouchStep, channel: Channel) -> str:
    number = next(n for n, t in enumerate(step.touches) if channel in t.candidates())
    return f"/steps/{place}/touches/{number}"


def _two_texts(script: Script) -> Iterator[Flaw]:
    for (_, one, first), (place, other, second) in _pairs(script):
        if script.is_transactional(one) or script.is_transactional(other):
            continue
        if _sure(one, "sms") and _sure(other, "sms") and _same_day(first, second):
            yield Flaw(
                _path_of(place, other, "sms"),
                f"a second text on the day of {one.id!r}: it would be moved to the next",
                "leave a day between texts",
            )


def _close_mails(script: Script) -> Iterator[Flaw]:
    for (_, one, first), (place, other, second) in _pairs(script):
        if not (_sure(one, "email") and _sure(other, "email")):
            continue
        if abs(second - first) < TWO_DAYS:
            hours = abs(second - first) / timedelta(hours=1)
            yield Flaw(
                _path_of(place, other, "email"),
                f"an e-mail {hours:.0f} hours after that of {one.id!r}: it would be moved",
                "leave 48 hours between e-mails",
            )


def _two_rounds(script: Script) -> Iterator[Flaw]:
    for (_, one, first), (place, other, second) in _pairs(script):
        if script.is_transactional(one) or script.is_transactional(other):
            continue
        if any(_sure(one, c) and _sure(other, c) for c in ("sms", "email")):
            continue  # told by R1 or R2
        if _same_day(first, second):
            yield Flaw(
                f"/steps/{place}",
                f"a second round on the day of {one.id!r}: it would be moved to the next",
                "make it a touch of that step, or leave a day between them",
            )


def _own_caps(script: Script) -> Iterator[Flaw]:
    """Rounds that the document's own caps do not leave room for, whatever happens."""
    certain = [
        r for r in _rounds(script) if r[1].when is None and not script.is_transactional(r[1])
    ]
    for number, cap in enumerate(script.sequence.caps):
        for place, step, moment in certain:
            within = sum(
                _certain_touches(other, cap.channel)
                for before, other, earlier in certain
                if (before == place or script.course.may_follow(before, place))
                and timedelta(0) <= moment - earlier < cap.per
            )
            if within > cap.touches and _certain_touches(step, cap.channel):
                what = "touches" if cap.channel is None else f"touches by {cap.channel}"
                yield Flaw(
                    f"/caps/{number}",
                    f"{step.id!r} would be {within} {what} in {write(cap.per)}: it would be moved",
                    "leave room in the cap, or days between the steps",
                )
                break


def _certain_touches(step: TouchStep, channel: Channel | None) -> int:
    """How many of its touches surely count for a cap."""
    return sum(t.when is None and channel in (None, *_only(t.candidates())) for t in step.touches)


def _only(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    return channels if len(channels) == 1 else ()


def _same_day(first: timedelta, second: timedelta) -> bool:
    return first // DAY == second // DAY


def _many_rounds(script: Script) -> Iterator[Flaw]:
    if script.asked_for or script.sequence.repeat is not None:
        return
    rounds = [r for r in _rounds(script) if not script.is_transactional(r[1])]
    for place, step, moment in rounds:
        before = [
            p
            for p, _, other in rounds
            if p != place and script.course.may_follow(p, place) and moment - other <= _SPAN
        ]
        if len(before) >= _MOST_ROUNDS:
            yield Flaw(
                f"/steps/{place}",
                f"{step.id!r} is round {len(before) + 1} within fourteen days",
                "five to seven are enough; go on with a nurture sequence",
            )
            return


def _no_nurture(script: Script) -> Iterator[Flaw]:
    sequence = script.sequence
    rounds = [s for s in sequence.touch_steps() if not script.is_transactional(s)]
    if len(rounds) < _CAMPAIGN or sequence.repeat is not None:
        return
    leads_on = sequence.end.hand_off or sequence.end.then
    if not leads_on and not any(isinstance(s, HandOverStep | SwitchStep) for s in sequence.steps):
        yield Flaw(
            "/end",
            "whoever never answered is forgotten after the last step",
            "name the sequence that follows in `then`, or the list in `hand_off`",
        )


def _slow_start(script: Script) -> Iterator[Flaw]:
    """An answer at once that is written as an e-mail, where texts come later."""
    if script.asked_for or script.sequence.anchor != "enrolled":
        return
    rounds = _rounds(script)
    if not rounds:
        return
    place, first, moment = rounds[0]
    channels = {channel for touch in first.touches for channel in touch.candidates()}
    texts = any(m.channel == "sms" and m.place != place for m in script.follow_ups())
    if channels == {"email"} and moment <= _FAST and texts and not script.is_transactional(first):
        yield Flaw(
            f"/steps/{place}/touches/0/channel",
            "the first answer is an e-mail, although this lead is texted later",
            "answer by text for speed, and let the e-mail follow with the depth",
        )


def _quiet(script: Script) -> Iterator[Flaw]:
    for place, step in enumerate(script.sequence.steps):
        if not isinstance(step, TouchStep) or step.at is None:
            continue
        hours = step.at.hours
        fixed = (hours.from_, hours.to) if isinstance(hours, Window) else None
        at = step.at.time
        span = fixed if fixed is not None else None if at is None else (at, at)
        if span is None:
            continue
        for touch in step.touches:
            for channel in touch.candidates():
                if TRAITS[channel].hours != "none" and not _lawful(channel, *span):
                    yield Flaw(
                        f"/steps/{place}/at",
                        f"{_told(span)} is outside the hours in which {channel} is lawful in the"
                        f" United States ({_hours_of(channel)})",
                        "choose an hour inside them: it would be moved to the next lawful one",
                    )


def _lawful(channel: Channel, begins: time, ends: time) -> bool:
    """Whether some moment from `begins` to `ends` is inside federal hours."""
    first, last = (at.hour * 60 + at.minute for at in (begins, ends))
    return any(first < closes and last >= opens for opens, closes in _federal(channel))


def _federal(channel: Channel) -> list[tuple[int, int]]:
    rows = statutes_for(channel, jurisdictions=_FEDERAL, machine=True)
    return [window for row in rows for window in row.windows(_WORKDAY)]


def _hours_of(channel: Channel) -> str:
    return " and ".join(
        f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in _federal(channel)
    )


def _told(span: tuple[time, time]) -> str:
    begins, ends = span
    return f"{begins:%H:%M}" if begins == ends else f"{begins:%H:%M}-{ends:%H:%M}"


RULES = (
    Rule(
        id="R1-two-texts-a-day",
        severity="error",
        asks="No two texts on one day, except what somebody booked.",
        because="One text a day for one person; the second would be moved, with all that follows.",
        check=_two_texts,
    ),
    Rule(
        id="R2-close-emails",
        severity="error",
        asks="E-mails are 48 hours apart.",
        because="Nearer than that they are moved, and the calendar is not what it says.",
        check=_close_mails,
    ),
    Rule(
        id="R6-two-rounds-a-day",
        severity="error",
        asks="One round a day; several channels at once are one round.",
        because="One round a day for one person; the second would be moved.",
        check=_two_rounds,
    ),
    Rule(
        id="L1-own-cap",
        severity="error",
        asks="The document's own caps leave room for its own rounds.",
        because="What hits a cap is moved, and the calendar is not what it says.",
        check=_own_caps,
    ),
    Rule(
        id="R14-too-many-rounds",
        severity="warning",
        asks="No more than seven rounds in fourteen days.",
        because="Five to seven touches in about two weeks are answered; more is pestering.",
        check=_many_rounds,
    ),
    Rule(
        id="R14-nothing-follows",
        severity="warning",
        asks="A sequence of four rounds and more says what follows it.",
        because="Most who buy do so later: after the last touch comes nurture.",
        check=_no_nurture,
    ),
    Rule(
        id="R16-slow-start",
        severity="error",
        asks="Who is answered at once is answered by text or call, if texts are used at all.",
        because="A text is read in minutes, an e-mail when somebody looks.",
        check=_slow_start,
    ),
    Rule(
        id="R15-quiet-hours",
        severity="error",
        asks="A fixed hour for a text or a call is inside the lawful ones.",
        because="47 CFR 64.1200(c)(1); outside it waits for the morning. States may be stricter.",
        check=_quiet,
        acceptable=False,
    ),
)
