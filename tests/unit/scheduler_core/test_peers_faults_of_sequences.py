"""What users of other products complain about, and what is so here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from followup_policy.caps import PastContact
from followup_policy.zones import Place, whereabouts
from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import parse
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.model import Enrollment, Facts, Started, TouchSettled, Woken
from followup_scheduler.core.simulate import simulate

HEAD = "key: t\nname: T\n"
TEXTS = "templates: {one: {text: One}, two: {text: Two}}\n"
START = datetime(2026, 11, 6, 16, tzinfo=UTC)  # a Friday, 11:00 in New York


def steps(*lines: str) -> str:
    return HEAD + "steps:\n" + "".join(f"  - {line}\n" for line in lines) + TEXTS


WEEKDAYS = steps(
    "{id: a, at: {day: 1, weekdays: [mon, tue]}, touches: [{channel: sms, template: one}]}",
    "{id: b, at: {day: 10, time: '09:30'}, touches: [{channel: sms, template: two}]}",
)


def test_a_message_of_certain_weekdays_goes_once(facts_in: Callable[..., Facts]) -> None:
    """On the first of its days and never again (mautic#8802)."""
    played = simulate(parse(WEEKDAYS), facts_in(), start=START)
    days = [t.local["America/New_York"].strftime("%a") for t in played.touches]
    assert [t.template for t in played.touches] == ["one", "two"]
    assert days[0] == "Mon"
    assert all(t.state == "sent" for t in played.touches)


@pytest.mark.parametrize("place", ["New York", "Los Angeles", "Berlin"])
def test_a_time_of_day_is_the_persons(place: str, facts_in: Callable[..., Facts]) -> None:
    """Half past nine is half past nine where they are, not in UTC (mautic#7665, mautic#10170)."""
    facts = facts_in(place)
    played = simulate(parse(WEEKDAYS), facts, start=START)
    (zone,) = facts.where.zones
    last = played.touches[-1].due_at.astimezone(ZoneInfo(zone))
    assert f"{last:%H:%M}" == "09:30"


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ("0m", timedelta()),
        ("1m", timedelta(minutes=1)),
        ("15m", timedelta(minutes=15)),
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(hours=24)),
    ],
)
def test_a_wait_is_as_long_as_it_says(
    said: str, waits: timedelta, facts_in: Callable[..., Facts]
) -> None:
    """A minute is a minute (parcelvoy#607, where it took a day)."""
    touch = "{channel: email, template: one}"
    line = f"{{id: a, at: {{after: {said}, window: at_once}}, touches: [{touch}]}}"
    texts = "templates: {one: {subject: One, text: One}}\n"
    source = steps(line).replace(TEXTS, texts)
    (planned,) = simulate(parse(source), facts_in(), start=START).touches
    assert planned.due_at == START + waits


@pytest.mark.parametrize("stated", ["Mars/Olympus", "America/Nowhere", "GMT+25", ""])
def test_a_zone_that_is_none_leaves_nobody_out(stated: str) -> None:
    """The person is where phone and address say (parcelvoy#610: no send, and no error)."""
    known = Place(country="US", state="NY", phone="+12125550100")
    where = whereabouts(replace(known, stated_zone=stated))
    assert where.zones == whereabouts(known).zones == {"America/New_York"}


def test_sequences_keep_to_the_caps_of_a_person(facts_in: Callable[..., Facts]) -> None:
    """What another sequence has sent today counts for this one too (mautic#6729)."""
    now = steps(
        "{id: a, at: {after: 0m, window: at_once}, touches: [{channel: sms, template: one}]}",
        "{id: b, at: {day: 3}, touches: [{channel: sms, template: two}]}",
    )
    other = PastContact("x", "sms", START - timedelta(hours=1), "another:step.0")
    facts = replace(facts_in(), contacts=(other,))
    first = simulate(parse(now), facts, start=START).touches[0]
    local = first.due_at.astimezone(ZoneInfo("America/New_York"))
    assert local.date() == START.date() + timedelta(days=1)
    assert first.moved_by


def test_a_cap_of_nothing_is_refused_rather_than_obeyed() -> None:
    """A cap of 0 would block everything without a word; the document is refused (mautic#10416)."""
    with pytest.raises(BadDocument) as caught:
        parse(WEEKDAYS.replace("name: T\n", "name: T\ncaps: [{touches: 0, per: 7d}]\n"))
    assert [fault.path for fault in caught.value.errors] == ["/caps/0/touches"]


def test_a_step_that_is_taken_out_plays_nothing_again(
    facts_in: Callable[..., Facts], enrolled: Callable[..., Enrollment]
) -> None:
    """Without the step they had, people who have passed it go on where they are (mautic#6054)."""
    facts, sequence = facts_in(), parse(WEEKDAYS)
    started = advance(enrolled("t", anchor=START), sequence, Started(START), facts, START)
    (first,) = started.plan
    settled = TouchSettled(first.key, "sent", first.due_at)
    stands = advance(started.enrollment, sequence, settled, facts, first.due_at)
    shorter = parse(
        steps("{id: b, at: {day: 10, time: '09:30'}, touches: [{channel: sms, template: two}]}")
        .replace(", one: {text: One}", "")
        .replace("{one: {text: One}, two", "{two")
    )
    (second,) = stands.plan
    woken = advance(stands.enrollment, shorter, Woken("", second.due_at), facts, second.due_at)
    assert woken.plan == ()
    sent = TouchSettled(second.key, "sent", second.due_at)
    over = advance(woken.enrollment, shorter, sent, facts, second.due_at)
    assert (over.plan, over.enrollment.state) == ((), "completed")
