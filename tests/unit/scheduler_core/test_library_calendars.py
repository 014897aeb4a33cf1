"""The library's sequences on the calendar, played by the code that runs them."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from followup_policy.windows import part_of_day
from followup_scheduler.core.document import parse
from followup_scheduler.core.library import load
from followup_scheduler.core.model import Facts, OptedOut, ReplyRead
from followup_scheduler.core.simulate import (
    Outcomes,
    Simulation,
    calendar_json,
    calendar_text,
    simulate,
)

ZONES = {
    "New York": "America/New_York",
    "Los Angeles": "America/Los_Angeles",
    "Berlin": "Europe/Berlin",
}
LEFT = Outcomes(call="voicemail_left")


def shown(simulation: Simulation, zone: str) -> list[tuple[str, str, str]]:
    """Channel, local date and time, template of each touch."""
    return [
        (t.channel, t.local[zone].strftime("%a %m-%d %H:%M"), t.template)
        for t in simulation.touches
    ]


@pytest.mark.parametrize("place", sorted(ZONES))
@pytest.mark.parametrize(
    ("first", "dates"),
    [
        # an ordinary Sunday, and the Sundays on which clocks go forward and back in the US
        ("2026-06-07", ["06-07", "06-08", "06-09", "06-11", "06-14", "06-21"]),
        ("2026-03-08", ["03-08", "03-09", "03-10", "03-12", "03-15", "03-22"]),
        ("2026-11-01", ["11-01", "11-02", "11-03", "11-05", "11-08", "11-15"]),
        # and in Europe
        ("2026-03-29", ["03-29", "03-30", "03-31", "04-02", "04-05", "04-12"]),
        ("2026-10-25", ["10-25", "10-26", "10-27", "10-29", "11-01", "11-08"]),
    ],
)
def test_d1_keeps_its_days_and_hours_across_clock_changes(
    place: str, first: str, dates: list[str], facts_in: Callable[..., Facts]
) -> None:
    """Days 0, 0, 1, 2, 4, 7 and 14 at their hours on the person's own clock, whatever it does."""
    zone = ZONES[place]
    start = datetime.fromisoformat(f"{first}T11:30").replace(tzinfo=ZoneInfo(zone))
    simulation = simulate(load("d1"), facts_in(place), start=start.astimezone(UTC), outcomes=LEFT)
    found = [(channel, when[4:], template) for channel, when, template in shown(simulation, zone)]
    if place == "Berlin":  # no texts or calls on Sundays there (R15)
        emails = [line for line in found if line[0] == "email"]
        assert emails == [
            ("email", f"{dates[0]} 11:50", "confirmation"),
            ("email", f"{dates[3]} 08:00", "value"),
        ]
        assert all(not when.startswith(dates[0]) for c, when, _ in found if c != "email")
    else:
        assert found == [
            ("sms", f"{dates[0]} 11:30", "hello"),
            ("email", f"{dates[0]} 11:50", "confirmation"),
            ("voice", f"{dates[1]} 10:00", "first-call"),
            ("sms", f"{dates[2]} 10:00", "after-voicemail"),
            ("email", f"{dates[3]} 08:00", "value"),
            ("voice", f"{dates[4]} 14:00", "second-call"),
            ("sms", f"{dates[5]} 10:00", "break-up"),
        ]
    assert (simulation.state, simulation.handed_to) == ("completed", "nurture")


@pytest.mark.parametrize("day", range(7))
def test_d1_keeps_to_preferred_times_on_any_weekday(
    day: int, monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """Whatever day it starts: after the first round, texts 10-12 or 16-18, e-mail Tuesday to
    Thursday 8-11, calls 10-12 and then 14-17 (R12, R3); in order, one round a day (R6)."""
    start = monday + timedelta(days=day)
    simulation = simulate(load("d1"), facts_in("New York"), start=start, outcomes=LEFT)
    zone = ZONES["New York"]
    later = [t for t in simulation.touches if t.key.step != "day-0"]
    assert [t.key.step for t in later] == ["day-1", "day-2", "day-4", "day-7", "day-14"]
    for touch in later:
        local = touch.local[zone]
        match touch.channel:
            case "sms":
                assert time(10) <= local.time() < time(12) or time(16) <= local.time() < time(18)
            case "email":
                assert local.weekday() in (1, 2, 3)
                assert time(8) <= local.time() < time(11)
    first, second = (t.local[zone] for t in later if t.channel == "voice")
    assert (first.time(), second.time()) == (time(10), time(14))
    days = [t.local[zone].date() for t in later]
    assert all(earlier < after for earlier, after in pairwise(days))
    assert all(t.due_at >= t.wanted_at for t in simulation.touches)
    assert all(t.due_at - t.wanted_at <= timedelta(days=7) for t in simulation.touches)


def test_a_lead_at_night_gets_its_mail_now_and_its_text_in_the_morning(
    facts_in: Callable[..., Facts],
) -> None:
    """Quiet hours move the text to the first open moment and say so; mail has none by law. The
    call waits for the next day, since the text of the morning is a round of its day."""
    start = datetime(2026, 6, 8, 2, 30, tzinfo=UTC)  # Sunday 22:30 in New York
    simulation = simulate(load("d1"), facts_in("New York"), start=start, outcomes=LEFT)
    found = shown(simulation, ZONES["New York"])
    assert found[:3] == [
        ("email", "Sun 06-07 22:50", "confirmation"),
        ("sms", "Mon 06-08 08:00", "hello"),
        ("voice", "Tue 06-09 10:00", "first-call"),
    ]
    assert simulation.touches[1].moved_by[0].startswith("R15:US")
    assert simulation.touches[2].moved_by[0].startswith("R6")


def test_where_several_zones_are_possible_every_one_suits(facts_in: Callable[..., Facts]) -> None:
    """From coast to coast no hour is preferred everywhere, and the law still holds everywhere;
    the calls come at different times of day all the same."""
    facts = facts_in("somewhere in the US")
    start = datetime(2026, 6, 7, 20, 0, tzinfo=UTC)
    simulation = simulate(load("d1"), facts, start=start, outcomes=LEFT)
    for touch in simulation.touches:
        if touch.channel != "email":
            assert all(8 <= local.hour < 21 for local in touch.local.values())
    first, second = (t.due_at for t in simulation.touches if t.channel == "voice")
    assert part_of_day(first, facts.where) != part_of_day(second, facts.where)


def test_without_a_known_zone_only_mail_goes(facts_nowhere: Facts, monday: datetime) -> None:
    """Not knowing the hour means not texting and not calling (R15)."""
    simulation = simulate(load("d1"), facts_nowhere, start=monday)
    assert {t.channel for t in simulation.touches} == {"email"}
    assert {s.key.channel for s in simulation.skipped} == {"sms", "voice"}
    assert all("time zone is unknown" in s.reason for s in simulation.skipped)


def test_businesses_are_contacted_on_weekdays(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """R11: for B2B nothing falls on a weekend, however the days count."""
    for day in range(7):
        simulation = simulate(
            load("d1"), facts_in("New York", audience="b2b"), start=monday + timedelta(days=day)
        )
        weekdays = {t.local[ZONES["New York"]].weekday() for t in simulation.touches}
        assert weekdays <= {0, 1, 2, 3, 4}


def test_d2_web_form_promises_two_minutes(monday: datetime, facts_in: Callable[..., Facts]) -> None:
    """Organic web form: the standard fourteen days, the first text at once."""
    assert load("d1-web").steps[0].at.within == timedelta(minutes=2)
    facts = facts_in("New York")
    web = simulate(load("d1-web"), facts, start=monday, outcomes=LEFT)
    standard = simulate(load("d1"), facts, start=monday, outcomes=LEFT)
    assert [(t.key, t.due_at) for t in web.touches] == [(t.key, t.due_at) for t in standard.touches]
    assert web.touches[0].due_at == monday


def test_d2_google_is_urgent_and_over_in_seven_days(facts_in: Callable[..., Facts]) -> None:
    """Text, call and mail in one round at once, and everything within seven days."""
    start = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)  # Sunday 11:00 in New York
    simulation = simulate(load("d2-google"), facts_in("New York"), start=start, outcomes=LEFT)
    assert shown(simulation, ZONES["New York"]) == [
        ("sms", "Sun 11-01 11:00", "hello"),
        ("voice", "Sun 11-01 11:05", "first-call"),
        ("email", "Sun 11-01 11:20", "confirmation"),
        ("sms", "Mon 11-02 10:00", "after-voicemail"),
        ("voice", "Tue 11-03 14:00", "second-call"),
        ("email", "Thu 11-05 08:00", "value"),
        ("sms", "Sun 11-08 10:00", "break-up"),
    ]


def test_d2_referral_calls_first_and_twice_and_ends_without_a_text(
    facts_in: Callable[..., Facts],
) -> None:
    """Phone first, at once; a second call at another time of day; no break-up SMS."""
    start = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)
    simulation = simulate(load("d2-referral"), facts_in("New York"), start=start, outcomes=LEFT)
    found = shown(simulation, ZONES["New York"])
    assert found[0] == ("voice", "Sun 11-01 11:00", "first-call")
    assert [when for channel, when, _ in found if channel == "voice"] == [
        "Sun 11-01 11:00",
        "Mon 11-02 14:00",
    ]
    assert found[-1][0] == "email"
    assert [(s.key.channel, s.rule) for s in simulation.skipped] == [("sms", "document")]


def test_d2_referral_texts_at_once_whom_it_may_not_call(facts_in: Callable[..., Facts]) -> None:
    """Urgent stays urgent where no call is possible."""
    start = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)
    facts = facts_in("New York", without="voice")
    simulation = simulate(load("d2-referral"), facts, start=start)
    assert shown(simulation, ZONES["New York"])[0] == ("sms", "Sun 11-01 11:00", "hello")
    assert "voice" not in {t.channel for t in simulation.touches}


def test_d2_cold_starts_a_day_later_and_is_mostly_mail(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """Nothing for 24 hours, 21 days, more e-mail than everything else together."""
    simulation = simulate(load("d2-cold"), facts_in("New York"), start=monday, outcomes=LEFT)
    channels = [t.channel for t in simulation.touches]
    assert simulation.touches[0].due_at - monday >= timedelta(hours=24)
    assert (channels.count("email"), channels.count("voice"), channels.count("sms")) == (5, 1, 1)
    last = simulation.touches[-1].due_at - monday
    assert timedelta(days=20) < last < timedelta(days=24)


def test_d2_cold_is_mail_alone_without_consent(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """Where only mail is lawful the other touches are skipped with their reasons."""
    facts = facts_in("New York", without="sms voice")
    simulation = simulate(load("d2-cold"), facts, start=monday)
    assert {t.channel for t in simulation.touches} == {"email"}
    assert len(simulation.touches) == 5


@pytest.mark.parametrize("key", ["d1", "d1-web", "d2-cold", "d2-google", "d2-referral"])
def test_a_voicemail_is_spoken_of_only_after_one(
    key: str, monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """In no sequence, with no result of any call, is a message claimed that was not left."""
    for call in ("answered", "machine", "no_answer", "busy", "failed", "canceled", None):
        outcomes = Outcomes(call=call)
        simulation = simulate(load(key), facts_in("New York"), start=monday, outcomes=outcomes)
        texts = [load(key).templates[t.template].text for t in simulation.touches]
        assert not [text for text in texts if "voicemail" in text or "message" in text]


def test_happenings_end_a_simulation_where_they_would(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """An opt-out on day 2 cuts what is planned; the calendar shows it as cancelled."""
    at = monday + timedelta(days=1, hours=12)
    simulation = simulate(
        load("d1"), facts_in("New York"), start=monday, happenings=[OptedOut("sms", at)]
    )
    assert (simulation.state, simulation.end_reason) == ("halted", "opted_out")
    assert simulation.ended_at == at
    assert [t.state for t in simulation.touches] == ["sent", "sent", "sent", "cancelled"]


def test_a_simulation_stops_where_a_person_has_to_decide(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """A question holds the run; its task is in the calendar."""
    question = ReplyRead("question", opt_out=False, until=None, at=monday + timedelta(hours=1))
    simulation = simulate(load("d1"), facts_in("New York"), start=monday, happenings=[question])
    assert simulation.state == "held"
    assert [each.task.kind for each in simulation.tasks] == ["answer_question"]


def test_the_calendar_is_told_to_people_and_machines(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """Text names day, local time, template and reason; JSON has every touch with its offsets."""
    facts = facts_in("New York", without="voice")
    simulation = simulate(load("d1"), facts, start=monday)
    text = calendar_text(simulation)
    assert "day   0  sms   Mon 2026-11-02 11:00 EST  day-0: hello" in text
    assert "R12: moved to a preferred time." in text
    assert "voice day-1: skipped. no way to reach by voice" in text
    assert "completed (ran_through), handed to nurture" in text
    told = calendar_json(simulation)
    assert [t["day"] for t in told["touches"]] == [0, 0, 2, 8, 14]
    assert told["touches"][0]["local"] == {"America/New_York": "2026-11-02T11:00:00-05:00"}
    assert told["skipped"][0]["rule"] == "unreachable"


def test_a_sequence_of_many_steps_is_played_to_its_end(
    monday: datetime, facts_in: Callable[..., Facts]
) -> None:
    """Two hundred texts on two hundred days."""
    steps = "".join(
        f"  - {{id: s{n}, at: {{day: {n}}}, touches: [{{channel: sms, template: t}}]}}\n"
        for n in range(200)
    )
    text = f"key: long\nname: Long\nsteps:\n{steps}templates: {{t: {{text: Hi}}}}\n"
    simulation = simulate(parse(text), facts_in("New York"), start=monday)
    assert [t.state for t in simulation.touches] == ["sent"] * 200
