"""Every kind of step, moment and reaction, played by the code that runs them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from followup_scheduler.core.anchors import read
from followup_scheduler.core.document import Sequence, parse
from followup_scheduler.core.model import Facts
from followup_scheduler.core.simulate import Learned, Outcomes, Simulation, simulate
from followup_scheduler.core.whens import parse_when

MONDAY = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)  # 11:00 in New York
NEW_YORK = "America/New_York"
TEMPLATES = """
templates:
  one: {text: One}
  two: {text: Two}
  three: {text: Three}
  letter: {subject: A, text: Letter}
  call: {text: Call, voicemail: Call me}
"""


def doc(body: str) -> Sequence:
    """A document with the texts it uses."""
    used = [line for line in TEMPLATES.splitlines()[2:] if line.split(":")[0].strip() in body]
    return parse(f"key: t\nname: T\n{body}\ntemplates:\n" + "\n".join(used or ["  {}"]))


@pytest.fixture
def person(facts_in: Callable[..., Facts]) -> Callable[..., Facts]:
    def make(*, without: str = "", best: str | None = None, **attributes: Any) -> Facts:
        facts = facts_in(without=f"{without} whatsapp instagram")
        return replace(facts, attributes=attributes, best_channel=best)

    return make


def play(sequence: Sequence, facts: Facts, *whens: str, **more: Any) -> Simulation:
    outcomes = Outcomes(whens=tuple(map(parse_when, whens)), **more.pop("outcomes", {}))
    return simulate(sequence, facts, start=MONDAY, outcomes=outcomes, **more)


def sent(simulation: Simulation) -> list[str]:
    """Local day and time, channel and text of what went out."""
    return [
        f"{t.local[NEW_YORK]:%m-%d %H:%M} {t.channel} {t.template}"
        for t in simulation.touches
        if t.state == "sent"
    ]


def step(name: str, at: str, touch: str = "{channel: sms, template: one}", more: str = "") -> str:
    return f"  - {{id: {name}, at: {at}, {more} touches: [{touch}]}}\n"


@pytest.mark.parametrize(
    ("at", "goes"),
    [
        ("{day: 3, time: '15:30'}", "11-05 15:30"),
        ("{business_days: 5, time: '09:00'}", "11-09 09:00"),
        ("{months: 1, time: '09:00'}", "12-02 09:00"),
        ("{day: 1, weekdays: [thu], time: '12:00'}", "11-05 12:00"),
        ("{day: 1, window: {from: '13:00', to: '14:00'}}", "11-03 13:00"),
        ("{day: 1, window: {from: '13:00', to: '14:00', weekdays: [fri]}}", "11-06 13:00"),
        ("{after: 90m, window: at_once}", "11-02 12:30"),
        ("{after: 26h, weekdays: [wed], window: at_once}", "11-04 08:00"),
    ],
)
def test_a_moment_is_what_its_fields_say(at: str, goes: str, person: Callable[..., Facts]) -> None:
    """Days, business days, months, weekdays, times of day and windows, on the person's clock."""
    assert sent(play(doc("steps:\n" + step("a", at)), person())) == [f"{goes} sms one"]


def test_a_step_counts_from_the_end_of_the_one_before(person: Callable[..., Facts]) -> None:
    """`from: previous` keeps its distance however late the step before went."""
    body = (
        "steps:\n"
        + step("a", "{day: 2, time: '10:00'}")
        + step(
            "b", "{after: 48h, from: previous, window: at_once}", "{channel: sms, template: two}"
        )
    )
    assert sent(play(doc(body), person())) == ["11-04 10:00 sms one", "11-06 10:00 sms two"]


REMINDERS = (
    "anchor: appointment.starts_at\ntransactional: true\nsteps:\n"
    + step("day", "{before: 24h}")
    + step("hours", "{before: 2h}", "{channel: sms, template: two}")
)


def booked(at: str) -> dict[str, Any]:
    return {"id": "a1", "starts_at": at, "state": "booked"}


def test_reminders_come_before_the_appointment(person: Callable[..., Facts]) -> None:
    """24 hours and 2 hours before it, however soon after each other (A3)."""
    played = play(doc(REMINDERS), person(appointment=booked("2026-11-10T15:00:00-05:00")))
    assert sent(played) == ["11-09 15:00 sms one", "11-10 13:00 sms two"]


def test_a_reminder_at_night_goes_the_evening_before(person: Callable[..., Facts]) -> None:
    """The last lawful moment before its own, never after its anchor."""
    played = play(doc(REMINDERS), person(appointment=booked("2026-11-10T08:30:00-05:00")))
    assert sent(played) == ["11-09 08:30 sms one", "11-09 20:55 sms two"]


def test_a_reminder_whose_moment_has_passed_is_left_out(person: Callable[..., Facts]) -> None:
    """Who books three hours ahead is reminded two hours before, and of no day before."""
    played = play(doc(REMINDERS), person(appointment=booked("2026-11-02T14:00:00-05:00")))
    assert sent(played) == ["11-02 12:00 sms two"]


def test_reminders_wait_for_an_appointment(person: Callable[..., Facts]) -> None:
    """An anchor that is not known yet is waited for; without it the run ends."""
    to = "2026-11-12T15:00:00-05:00"
    played = play(doc(REMINDERS), person(), f"start: appointment.booked to {to} after 1d")
    assert sent(played) == ["11-11 15:00 sms one", "11-12 13:00 sms two"]
    alone = play(doc(REMINDERS), person())
    assert (sent(alone), alone.state) == ([], "completed")


def test_reminders_move_with_the_appointment(person: Callable[..., Facts]) -> None:
    """What is pending moves at once; who was reminded of another day is reminded of the new."""
    to = "2026-11-20T15:00:00-05:00"
    facts = person(appointment=booked("2026-11-10T15:00:00-05:00"))
    played = play(doc(REMINDERS), facts, f"day: appointment.rescheduled to {to} after 1h")
    assert sent(played) == ["11-09 15:00 sms one", "11-19 15:00 sms one", "11-20 13:00 sms two"]


def test_a_small_move_reminds_nobody_twice(person: Callable[..., Facts]) -> None:
    """An hour later the same day: only what was still to come moves."""
    facts = person(appointment=booked("2026-11-10T15:00:00-05:00"))
    to = "2026-11-10T16:00:00-05:00"
    played = play(doc(REMINDERS), facts, f"day: appointment.rescheduled to {to} after 10m")
    assert sent(played) == ["11-09 15:00 sms one", "11-10 14:00 sms two"]


def test_reminders_are_cancelled_with_the_appointment(person: Callable[..., Facts]) -> None:
    """Nobody is reminded of what does not take place."""
    facts = person(appointment=booked("2026-11-10T15:00:00-05:00"))
    played = play(doc(REMINDERS), facts, "day: appointment.cancelled after 1h")
    assert sent(played) == ["11-09 15:00 sms one"]
    assert (played.state, played.end_reason) == ("halted", "appointment_cancelled")


BIRTHDAY = "anchor: birthday\nrepeat: {every: year}\nsteps:\n" + step(
    "b", "{day: 0, time: '10:00'}"
)


@pytest.mark.parametrize(
    ("birthday", "dates"),
    [
        ("1990-12-24", ["2026-12-24", "2027-12-24"]),
        ("02-29", ["2027-02-28", "2028-02-29"]),
        ("1990-11-02", ["2026-11-02", "2027-11-02"]),
    ],
)
def test_a_birthday_comes_every_year(
    birthday: str, dates: list[str], person: Callable[..., Facts]
) -> None:
    """On the date where the person is; 29 February on the 28th in a year without (A6)."""
    played = play(doc(BIRTHDAY), person(birthday=birthday), until=datetime(2028, 4, 1, tzinfo=UTC))
    found = [t.local[NEW_YORK].date().isoformat() for t in played.touches if t.state == "sent"]
    assert found[:2] == dates
    assert len(found) == len(set(found))


def test_a_changed_birthday_moves_the_wish(person: Callable[..., Facts]) -> None:
    """What is pending goes to the new date, and nothing goes twice."""
    learned = Learned(MONDAY + timedelta(days=3), {"birthday": "1990-11-20"})
    played = simulate(
        doc(BIRTHDAY),
        person(birthday="1990-11-10"),
        start=MONDAY,
        happenings=[learned],
        until=MONDAY + timedelta(days=60),
    )
    assert sent(played) == ["11-20 10:00 sms one"]


def test_a_month_that_is_too_short_has_its_last_day(person: Callable[..., Facts]) -> None:
    """The 31st is never left out, and texts take turns (A2)."""
    body = "repeat: {every: month, on: 31, times: 5}\nsteps:\n" + step(
        "m", "{day: 0, time: '10:00'}", "{channel: sms, template: {rotate: [one, two, three]}}"
    )
    played = play(doc(body), person())
    assert sent(played) == [
        "11-30 10:00 sms one",
        "12-31 10:00 sms two",
        "01-31 10:00 sms three",
        "02-28 10:00 sms one",
        "03-31 10:00 sms two",
    ]
    assert played.state == "completed"


def test_a_sequence_without_end_keeps_little_in_mind(person: Callable[..., Facts]) -> None:
    """Ten years of months: one touch a month, and only the last two times round remembered."""
    body = "repeat: {every: month}\nsteps:\n" + step("m", "{day: 0}")
    played = play(doc(body), person(), until=MONDAY + timedelta(days=3_652))
    assert len(sent(played)) == 120
    assert played.state == "active"


def test_who_cannot_be_reached_is_looked_at_once_a_month(person: Callable[..., Facts]) -> None:
    """A sequence that repeats does not spin when nothing can go out."""
    body = "repeat: {every: month}\nsteps:\n" + step("m", "{day: 0}")
    played = play(doc(body), person(without="sms"), until=MONDAY + timedelta(days=100))
    assert len(played.skipped) == 4


TASK = (
    """steps:
  - id: note
    task:
      kind: handwritten_note
      title: Write to them
      within: 1d
      remind: 4h
      at_most: 3d
      outcomes:
        lost: {do: halt, reason: lost, hand_off: marketing}
        again: {do: branch, to: second}
"""
    + step("first", "{after: 1d, from: previous, window: at_once}")
    + step(
        "second", "{after: 2d, from: previous, window: at_once}", "{channel: sms, template: two}"
    )
)


def test_a_task_steers_by_its_outcome(person: Callable[..., Facts]) -> None:
    """Done goes on, an outcome branches or ends, and nobody waits for a person for ever (H1)."""
    done = play(doc(TASK), person(), outcomes={"tasks": {"note": "done"}})
    assert sent(done) == ["11-04 11:00 sms one", "11-06 11:00 sms two"]
    again = play(doc(TASK), person(), outcomes={"tasks": {"note": "again"}})
    assert sent(again) == ["11-05 11:00 sms two"]
    lost = play(doc(TASK), person(), outcomes={"tasks": {"note": "lost"}})
    assert (sent(lost), lost.end_reason, lost.handed_to) == ([], "lost", "marketing")
    left = play(doc(TASK), person())
    assert sent(left) == ["11-06 11:00 sms one", "11-08 11:00 sms two"]
    task = left.tasks[0].task
    assert (task.kind, task.title) == ("handwritten_note", "Write to them")
    assert task.due_at - MONDAY == timedelta(days=1)
    assert task.remind_at == task.due_at - timedelta(hours=4)


BRANCH = """steps:
  - id: which
    branch:
      - {when: {fact: {name: deal.value, above: 10000}}, go: vip}
      - {when: {source: [referral]}, go: end}
  - id: plain
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: one}]
    next: join
  - {id: vip, at: {after: 0m, window: at_once}, touches: [{channel: sms, template: two}]}
  - {id: join, at: {day: 2, time: "10:00"}, touches: [{channel: sms, template: three}]}
"""


def test_a_branch_takes_the_first_arm_that_holds_and_ways_join(
    person: Callable[..., Facts],
) -> None:
    """By deal value and source; the step below without an arm; one step where ways meet."""
    vip = play(doc(BRANCH), person(deal={"value": "25000"}))
    assert sent(vip) == ["11-02 11:00 sms two", "11-04 10:00 sms three"]
    plain = play(doc(BRANCH), person(deal={"value": 5}))
    assert sent(plain) == ["11-02 11:00 sms one", "11-04 10:00 sms three"]
    referred = play(doc(BRANCH), replace(person(), source="referral"))
    assert sent(referred) == []


WAIT = """steps:
  - {id: hi, at: {after: 0m, window: at_once}, touches: [{channel: sms, template: one}]}
  - {id: hold-on, wait: {for: [reply.interested], at_most: 3d, timed_out: remind}}
  - id: book
    at: {after: 1d, from: previous, window: at_once}
    touches: [{channel: sms, template: two}]
    next: end
  - id: remind
    at: {after: 0m, from: previous, window: at_once}
    touches: [{channel: sms, template: three}]
on:
  interested: {do: go_on}
"""


def test_a_wait_ends_with_what_it_waits_for_or_in_time(person: Callable[..., Facts]) -> None:
    """An answer goes one way, silence another."""
    met = play(doc(WAIT), person(), "hi: reply.interested after 2h")
    assert sent(met) == ["11-02 11:00 sms one", "11-03 13:00 sms two"]
    late = play(doc(WAIT), person())
    assert sent(late) == ["11-02 11:00 sms one", "11-05 11:00 sms three"]


def test_a_reaction_branches_halts_switches_and_hands_over(person: Callable[..., Facts]) -> None:
    """Replies, calls, deals and sales, each with what the document says to it."""
    body = (
        "steps:\n"
        + step("a", "{after: 0m, window: at_once}", "{channel: voice, template: call}")
        + step("b", "{day: 9}")
        + step("refer", "{after: 1d, from: previous, window: at_once}",
               "{channel: sms, template: two}", more="next: end,")
        + "on:\n"
        "  call.voicemail_left: {do: branch, to: refer}\n"
        "  call.answered: {do: halt, task: {kind: note_call}}\n"
        "  reply.not_now: {do: switch, to: b2, hand_off: nurture}\n"
        "  deal.stage_changed:\n"
        "    - {when: {fact: {name: deal.stage, is: lost}}, do: halt, reason: lost}\n"
        "    - {do: go_on}\n"
    )  # fmt: skip
    sequence = doc(body)
    left = play(sequence, person(), outcomes={"call": "voicemail_left"})
    assert sent(left) == ["11-02 11:00 voice call", "11-03 11:01 sms two"]
    answered = play(sequence, person(), outcomes={"call": "answered"})
    assert (answered.state, answered.tasks[0].task.kind) == ("halted", "note_call")
    later = play(sequence, person(), "a: reply.not_now after 1h")
    assert (later.state, later.enters, later.handed_to) == ("halted", ("b2",), "nurture")
    lost = play(sequence, person(), "a: deal.lost after 1d")
    assert lost.end_reason == "lost"
    quoted = play(sequence, person(), "a: deal.quoted after 1d")
    assert sent(quoted)[1] == "11-11 10:00 sms one"


def test_the_channel_follows_its_rule_and_falls_back(person: Callable[..., Facts]) -> None:
    """Another than before (A1), the best one (T6), the first that works; else the next."""
    texts = "{sms: one, email: letter, voice: call}"
    body = (
        "steps:\n"
        + step("a", "{after: 0m, window: at_once}",
               f"{{channel: {{best: [sms, email]}}, template: {texts}}}")
        + step("b", "{day: 3}", f"{{channel: {{other_than: previous}}, template: {texts}}}")
        + step("c", "{day: 8}", f"{{channel: {{first_of: [sms, voice]}}, template: {texts}}}")
    )  # fmt: skip
    sequence = doc(body)

    def channels(facts: Facts) -> list[str]:
        return [line.split()[2] for line in sent(play(sequence, facts))]

    assert channels(person()) == ["sms", "email", "sms"]
    assert channels(person(best="email")) == ["email", "sms", "sms"]
    assert channels(person(without="sms")) == ["email", "voice", "voice"]
    assert channels(person(without="email")) == ["sms", "voice", "sms"]


def test_variants_are_shared_out_and_kept(person: Callable[..., Facts]) -> None:
    """By weight over many leads; the same lead gets the same, and the trace says so (M9)."""
    body = "steps:\n" + step(
        "a",
        "{after: 0m, window: at_once}",
        "{channel: sms, template: {variants: [{use: one, weight: 3}, {use: two}]}}",
    )
    sequence = doc(body)
    found = [play(sequence, person(), lead_id=UUID(int=n)).touches[0].template for n in range(200)]
    again = play(sequence, person(), lead_id=UUID(int=7)).touches[0]
    assert again.template == found[7]
    assert again.variant == "of 2 texts"
    assert 130 <= found.count("one") <= 170


def test_what_follows_is_entered_by_whoever_never_answered(person: Callable[..., Facts]) -> None:
    """A1 leads to A2; one who answered does not go there."""
    sequence = doc(
        "steps:\n" + step("a", "{after: 0m, window: at_once}") + "end: {wait: 2d, then: a2}\n"
    )
    assert play(sequence, person()).enters == ("a2",)
    assert play(sequence, person(), "a: reply.interested after 1h").enters == ()


def test_a_sale_ends_what_pursues_and_not_what_accompanies(person: Callable[..., Facts]) -> None:
    """Who has bought is not chased, and is still reminded of their appointment."""
    facts = person(appointment=booked("2026-11-10T15:00:00-05:00"), birthday="1990-11-20")
    chased = doc("steps:\n" + step("a", "{day: 3}"))
    assert play(chased, facts, "start: lead.converted after 1h").end_reason == "converted"
    assert len(sent(play(doc(REMINDERS), facts, "start: lead.converted after 1h"))) == 2
    assert sent(play(doc(BIRTHDAY), facts, "start: lead.converted after 1h"))


def test_a_step_is_passed_over_unless_it_is_to_be(person: Callable[..., Facts]) -> None:
    """`when` of a whole step, on what is known and on what happened before."""
    body = (
        "steps:\n"
        + step("a", "{after: 0m, window: at_once}", "{channel: voice, template: call}")
        + step("b", "{day: 1}", more="when: {outcome: {of: a, is: no_answer}},")
        + step("c", "{day: 2}", "{channel: sms, template: two}", more="when: {tried: email},")
        + step("d", "{day: 3}", "{channel: sms, template: three}",
               more="when: {all: [{asked: true}, {not: {replied: true}}]},")
    )  # fmt: skip
    assert [line.split()[3] for line in sent(play(doc(body), person()))] == ["call", "one", "three"]


def test_a_sequence_keeps_to_caps_of_its_own(person: Callable[..., Facts]) -> None:
    """Two texts a week, whatever its steps ask for; other channels are not counted."""
    body = "caps: [{touches: 2, per: 7d, channel: sms}]\nsteps:\n" + "".join(
        step(f"s{day}", f"{{day: {day}, time: '10:00'}}") for day in (1, 2, 3)
    )
    body += step("mail", "{day: 4, time: '11:00'}", "{channel: email, template: letter}")
    played = play(doc(body), person())
    assert [line.split()[0] for line in sent(played)] == ["11-03", "11-04", "11-10", "11-11"]
    assert "2 touches by sms in 7d" in played.touches[2].moved_by[0]


def test_one_day_is_one_day() -> None:
    """A date that an attribute holds is a date and no moment."""
    assert read("2026-02-29") is None
    assert read("--02-29") == date(2000, 2, 29)
    assert read("2026-11-02T10:00:00Z") == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert all(read(value) is None for value in ("", "soon", 5, None, "9999-99-99", "1066-10-14"))
