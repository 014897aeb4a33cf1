import itertools
from datetime import timedelta

import pytest

from followup_contracts.events import ANOTHER_DAY
from followup_directory import create_tenant
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import Ordered


async def test_sent_touches_move_the_enrollment_on(desk):
    """When the first step's touches are out, the next step's are planned."""
    _, run = await desk.enrolled()
    await desk.send(await desk.touch(run, "sms"))
    desk.clock.advance(timedelta(minutes=20))
    await desk.timers.run_once()
    await desk.send(await desk.touch(run, "email"))
    assert (await desk.run(run))["step"] == "day-1"
    call = await desk.touch(run, "voice", "day-1")
    assert call["state"] == "planned"
    assert call["due_at"].date() == (desk.clock() + timedelta(days=1)).date()
    assert await desk.timer(call["id"]) is not None


async def test_answers_may_come_twice(desk):
    """The second of two equal answers changes nothing."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.send(touch)
    before = await desk.touches(run)
    await desk.send(touch)
    assert await desk.touches(run) == before


async def test_a_deferral_arms_the_touch_again(desk, say):
    """The dispatcher waits for nothing: the scheduler does, with the rule in the trace."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    until = desk.clock() + timedelta(hours=3)
    await desk.tell(desk.outcomes, say.deferred(touch, at=desk.clock(), until=until))
    again = await desk.touch(run, "sms")
    assert (again["state"], again["due_at"], again["outstanding"]) == ("planned", until, False)
    assert (await desk.timer(touch["id"]))["due_at"] == until
    assert again["trace"][-1]["rule"] == "R15:US-NY"
    assert again["trace"][-1]["until"] == until.isoformat()
    desk.clock.jump(until)
    await desk.timers.run_once()
    third = await desk.touch(run, "sms")
    assert (third["state"], third["round"]) == ("commanded", 2)
    assert await desk.timer(touch["id"]) is None


async def test_a_touch_deferred_by_a_rate_keeps_its_place_in_the_window(desk, say):
    """Commanded or deferred by a rate: outstanding alike."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    soon = desk.clock() + timedelta(seconds=30)
    await desk.tell(desk.outcomes, say.deferred(touch, at=desk.clock(), until=soon, kind="rate"))
    assert (await desk.touch(run, "sms"))["outstanding"]
    desk.set_window(1)
    desk.clock.jump(soon)
    await desk.timers.run_once()
    assert (await desk.touch(run, "sms"))["state"] == "commanded"


async def test_a_touch_that_was_told_another_day_holds_up_nobody(desk, say):
    """Its account has spent its day: the tenant's other touches have the whole window."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    tomorrow = desk.clock() + timedelta(days=1)
    told = say.deferred(touch, at=desk.clock(), until=tomorrow, kind="rate", rule=ANOTHER_DAY)
    await desk.tell(desk.outcomes, told)
    waiting = await desk.touch(run, "sms")
    assert (waiting["state"], waiting["outstanding"]) == ("planned", False)
    desk.clock.jump(tomorrow)
    await desk.timers.run_once()
    assert (await desk.touch(run, "sms"))["state"] == "commanded"


async def test_a_late_deferral_of_an_earlier_round_is_ignored(desk, say):
    """`deferred` and `superseded` are said of one command only."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    until = desk.clock() + timedelta(hours=1)
    await desk.tell(desk.outcomes, say.deferred(touch, at=desk.clock(), until=until))
    desk.clock.jump(until)
    await desk.timers.run_once()
    before = await desk.touch(run, "sms")
    assert before["round"] == 2
    later = until + timedelta(hours=5)
    await desk.tell(
        desk.outcomes,
        say.deferred(touch, at=until, until=later, round_=1),
        say.skipped(touch, at=until, rule="superseded", round_=1),
    )
    assert await desk.touch(run, "sms") == before


async def test_a_final_answer_counts_whatever_its_round(desk):
    """The provider took round 1 after all, while round 2 was on its way."""
    _, run = await desk.enrolled()
    first = await desk.touch(run, "sms")
    await desk.rows(
        "UPDATE scheduler.touches SET round = 2 WHERE id = :id RETURNING id", id=first["id"]
    )
    await desk.send(first, round=1)
    assert (await desk.touch(run, "sms"))["state"] == "sent"


async def test_an_unknown_outcome_is_resolved_later(desk, say):
    """Unknown stays open; what the provider says in the end is final."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    known = await desk.touch(run, "sms")
    assert (known["state"], known["outstanding"]) == ("unknown", False)
    await desk.send(touch)
    assert (await desk.touch(run, "sms"))["state"] == "sent"


async def test_an_unknown_outcome_shown_absent_is_tried_again(desk, say):
    """The dispatcher frees it by a deferral; a late `unknown` does not bring it back."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    until = desk.clock() + timedelta(minutes=5)
    lost = say.unknown(touch, at=desk.clock())
    await desk.tell(desk.outcomes, lost)
    await desk.tell(
        desk.outcomes, say.deferred(touch, at=desk.clock(), until=until, kind="provider")
    )
    assert (await desk.touch(run, "sms"))["state"] == "planned"
    await desk.tell(desk.outcomes, lost)
    assert (await desk.touch(run, "sms"))["state"] == "planned"


@pytest.mark.parametrize("known", [False, True], ids=["never known as unknown", "freed before"])
async def test_a_late_unknown_does_not_outlive_what_freed_a_cancelled_touch(desk, say, known):
    """The sequence was halted; the attempt was unknown, then shown absent; told in any order."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    if known:
        await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    await _order(desk, run, "halt")
    await desk.tell(desk.outcomes, _freed(desk, say, touch))
    await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    assert (await desk.touch(run, "sms"))["state"] == "cancelled"


async def test_a_late_unknown_does_not_outlive_a_halt_behind_what_freed_it(desk, say):
    """Shown absent, planned again, halted; only then comes word that it was unknown."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.tell(desk.outcomes, _freed(desk, say, touch))
    assert (await desk.touch(run, "sms"))["state"] == "planned"
    await _order(desk, run, "halt")
    await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    assert (await desk.touch(run, "sms"))["state"] == "cancelled"


async def test_a_cancelled_touch_that_is_not_freed_may_still_turn_out_unknown(desk, say):
    """Its call had begun: only what shows that it did not go out takes that back."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await _order(desk, run, "halt")
    until = desk.clock() + timedelta(hours=1)
    await desk.tell(desk.outcomes, say.deferred(touch, at=desk.clock(), until=until))
    await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    assert (await desk.touch(run, "sms"))["state"] == "unknown"


async def _unknown(desk, say):
    """An enrollment whose first text nobody knows about."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    return run, touch


def _freed(desk, say, touch, **more):
    """What the dispatcher says when the vendor's record, or a person, rules a send out."""
    soon = desk.clock() + timedelta(seconds=1)
    return say.deferred(touch, at=desk.clock(), until=soon, kind="provider", **more)


async def test_an_unknown_touch_is_freed_whatever_the_round(desk, say):
    """The attempt was of round 1; the touch has been asked for again since."""
    _, run = await desk.enrolled()
    first = await desk.touch(run, "sms")
    await desk.rows(
        "UPDATE scheduler.touches SET round = 2 WHERE id = :id RETURNING id", id=first["id"]
    )
    second = await desk.touch(run, "sms")
    await desk.tell(desk.outcomes, say.unknown(second, at=desk.clock()))
    await desk.tell(desk.outcomes, _freed(desk, say, first, round_=1))
    again = await desk.touch(run, "sms")
    assert again["state"] == "planned"
    assert (await desk.timer(first["id"]))["due_at"] == again["due_at"]


async def test_only_what_frees_it_arms_an_unknown_touch_of_another_round(desk, say):
    """A rule that deferred an earlier command knows nothing of the attempt."""
    run, touch = await _unknown(desk, say)
    until = desk.clock() + timedelta(hours=1)
    await desk.tell(
        desk.outcomes, say.deferred(touch, at=desk.clock(), until=until, round_=0, kind="rule")
    )
    assert (await desk.touch(run, "sms"))["state"] == "unknown"


async def test_a_touch_freed_after_its_step_was_left_is_not_sent_out_of_order(desk, say):
    """The sequence waited a day for it and went on; it ends, and its trace says why."""
    run, touch = await _unknown(desk, say)
    desk.clock.advance(timedelta(minutes=20))
    await desk.timers.run_once()
    await desk.send(await desk.touch(run, "email"))
    desk.clock.advance(timedelta(days=1))
    await desk.timers.run_once()
    assert (await desk.run(run))["step"] == "day-1"
    await desk.tell(desk.outcomes, _freed(desk, say, touch))
    ended = await desk.touch(run, "sms")
    assert ended["state"] == "cancelled"
    assert "gone on from day-0" in ended["reason"]
    assert ended["trace"][-1]["what"] == "cancelled"
    assert await desk.timer(touch["id"]) is None


async def test_a_touch_freed_during_a_pause_is_planned_anew_after_it(desk, say):
    """Nothing leaves while the pause stands; the step still gets its text."""
    run, touch = await _unknown(desk, say)
    await _order(desk, run, "pause")
    await desk.tell(desk.outcomes, _freed(desk, say, touch))
    assert (await desk.touch(run, "sms"))["state"] == "cancelled"
    await _order(desk, run, "resume")
    anew = await desk.touch(run, "sms")
    assert (anew["state"], anew["occurrence"] > touch["occurrence"]) == ("planned", True)


async def test_a_touch_freed_after_a_pause_goes_with_the_epoch_that_counts(desk, say):
    """With the epoch of before the pause its next command would be superseded."""
    run, touch = await _unknown(desk, say)
    await _order(desk, run, "pause")
    await _order(desk, run, "resume")
    await desk.tell(desk.outcomes, _freed(desk, say, touch))
    armed = await desk.touch(run, "sms")
    assert (armed["id"], armed["state"]) == (touch["id"], "planned")
    (fence,) = await desk.rows(
        "SELECT epoch FROM suppression.epochs WHERE enrollment_id = :id", id=run
    )
    assert armed["epoch"] == (await desk.run(run))["epoch"] == fence["epoch"] > 0


async def _order(desk, run, order):
    async with desk.databases.worker.transaction() as tx:
        runs = await desk.runs.load(tx, [run])
        tell(runs[run], Ordered(order, "test", tx.now), now=tx.now)
        await desk.runs.save(tx, runs.values())


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_no_order_of_answers_sends_twice_or_loses_the_end(desk, say, order):
    """Deferred, unknown, sent and sent again end in sent, with no timer left."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    now = desk.clock()
    answers = [
        say.unknown(touch, at=now),
        say.deferred(touch, at=now, until=now + timedelta(hours=1)),
        say.sent(touch, at=now),
        say.sent(touch, at=now),
    ]
    for place in order:
        await desk.tell(desk.outcomes, answers[place])
    end = await desk.touch(run, "sms")
    assert end["state"] == "sent"
    assert await desk.timer(end["id"]) is None
    assert [entry["what"] for entry in end["trace"]].count("sent") == 1


async def test_a_refused_touch_does_not_stop_the_rest(desk, say):
    """A failed text settles its touch; the round's e-mail still goes."""
    _, run = await desk.enrolled()
    await desk.tell(desk.outcomes, say.failed(await desk.touch(run, "sms"), at=desk.clock()))
    assert (await desk.touch(run, "sms"))["state"] == "failed"
    assert (await desk.touch(run, "email"))["state"] == "planned"
    assert (await desk.run(run))["state"] == "active"


async def test_an_answer_about_an_erased_touch_is_no_error(desk):
    """Nothing is left to tell, and the queue goes on."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.rows("DELETE FROM scheduler.touches RETURNING id")
    await desk.rows("DELETE FROM scheduler.enrollments RETURNING id")
    await desk.send(touch)
    assert await desk.rows("SELECT id FROM scheduler.touches") == []


async def _to_first_call(desk):
    lead, run = await desk.enrolled()
    await desk.send(await desk.touch(run, "sms"))
    desk.clock.advance(timedelta(minutes=20))
    await desk.timers.run_once()
    await desk.send(await desk.touch(run, "email"))
    call = await desk.touch(run, "voice", "day-1")
    desk.clock.jump(call["due_at"])
    await desk.timers.run_once()
    return lead, run, await desk.touch(run, "voice", "day-1")


@pytest.mark.parametrize(
    ("result", "content"), [("voicemail_left", "after-voicemail"), ("no_answer", "second-text")]
)
async def test_the_text_after_the_call_speaks_of_a_voicemail_only_if_one_was_left(
    desk, say, result, content
):
    """The call's result chooses the words of day 2."""
    _, run, call = await _to_first_call(desk)
    assert call["state"] == "commanded"
    await desk.send(call)
    await desk.tell(desk.feedback, say.call_ended(call, at=desk.clock(), result=result))
    ended = await desk.touch(run, "voice", "day-1")
    assert (ended["state"], ended["call_result"]) == ("sent", result)
    assert (await desk.touch(run, "sms", "day-2"))["content"] == content


async def test_a_call_may_end_before_it_is_reported_as_begun(desk, say):
    """The provider's callback overtakes the dispatcher's word."""
    _, run, call = await _to_first_call(desk)
    await desk.tell(desk.feedback, say.call_ended(call, at=desk.clock(), result="voicemail_left"))
    await desk.send(call)
    await desk.tell(desk.feedback, say.call_ended(call, at=desk.clock(), result="no_answer"))
    ended = await desk.touch(run, "voice", "day-1")
    assert (ended["state"], ended["call_result"]) == ("sent", "voicemail_left")
    assert (await desk.touch(run, "sms", "day-2"))["content"] == "after-voicemail"


async def test_a_call_nobody_reports_about_is_not_waited_for_for_ever(desk):
    """After an hour the enrollment wakes and goes on without a voicemail known."""
    _, run, call = await _to_first_call(desk)
    await desk.send(call)
    wake = await desk.timer(run)
    assert (wake["kind"], wake["due_at"]) == ("wake", desk.clock() + timedelta(hours=1))
    desk.clock.jump(wake["due_at"])
    await desk.timers.run_once()
    assert (await desk.run(run))["step"] == "day-2"
    assert (await desk.touch(run, "sms", "day-2"))["content"] == "second-text"


async def test_delivery_and_bounce_belong_to_the_trace(desk, say):
    """They are kept with the touch and change no state."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.send(touch)
    await desk.tell(desk.feedback, say.delivered(touch, at=desk.clock()))
    await desk.tell(desk.feedback, say.bounced(touch, at=desk.clock()))
    told = await desk.touch(run, "sms")
    assert [entry["what"] for entry in told["trace"]][-2:] == ["delivered", "bounced"]
    assert (told["state"], told["reason"]) == ("sent", "bounced: 30005")


@pytest.mark.parametrize("report", ["delivered", "bounced"])
@pytest.mark.parametrize("state", ["commanded", "unknown", "planned", "cancelled"])
async def test_what_is_reported_on_went_out(desk, say, report, state):
    """Nobody knew, or it was to be tried again: the provider's own report settles it."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    if state == "cancelled":
        await _order(desk, run, "pause")
    elif state != "commanded":
        await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    if state == "planned":
        await desk.tell(desk.outcomes, _freed(desk, say, touch))
    assert (await desk.touch(run, "sms"))["state"] == state
    at = desk.clock()
    await desk.tell(desk.feedback, getattr(say, report)(touch, at=at))
    told = await desk.touch(run, "sms")
    assert (told["state"], told["settled_at"]) == ("sent", at)
    assert [entry["what"] for entry in told["trace"]][-2:] == ["sent", report]
    assert told["reason"] == ("bounced: 30005" if report == "bounced" else None)
    assert await desk.timer(touch["id"]) is None


async def test_a_report_about_a_refused_touch_changes_no_state(desk, say):
    """A refusal is final; the report is kept all the same."""
    _, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.tell(desk.outcomes, say.failed(touch, at=desk.clock()))
    await desk.tell(desk.feedback, say.delivered(touch, at=desk.clock()))
    told = await desk.touch(run, "sms")
    assert (told["state"], told["trace"][-1]["what"]) == ("failed", "delivered")


async def test_feedback_of_one_tenant_says_nothing_about_anothers_touches(desk, say):
    """Whoever holds a secret may sign any id; only their own enrollments listen."""
    _, run, call = await _to_first_call(desk)
    await desk.send(call)
    async with desk.databases.worker.transaction() as tx:
        stranger = await create_tenant(tx, "stranger", "Stranger")
    forged = say.call_ended(call, at=desk.clock(), result="voicemail_left")
    await desk.tell(desk.feedback, forged, tenant_id=stranger.id)
    assert (await desk.touch(run, "voice", "day-1"))["call_result"] is None
    await desk.tell(desk.feedback, forged)
    assert (await desk.touch(run, "voice", "day-1"))["call_result"] == "voicemail_left"


ELSEWHERE = """
key: elsewhere
name: Elsewhere
steps:
  - id: only
    at: {after: 0m, window: at_once}
    touches:
      - {channel: {first_of: [sms, email]}, template: {sms: t, email: m}}
templates:
  t: {text: 'Hi {{ person.first_name | default: "there" }}, is it urgent? STOP to opt out.'}
  m: {subject: Your roof, text: 'Hi {{ person.first_name | default: "there" }}, is it urgent?'}
"""


async def test_a_touch_whose_channel_is_closed_goes_on_the_next(desk, say):
    """Suppressed while the text was on its way: the letter is asked for, once, and whatever comes
    twice or late changes nothing; with the letter closed as well the run ends."""
    await desk.publish_sequence(ELSEWHERE, key="elsewhere")
    run = await desk.enter(await desk.lead(), "elsewhere")
    text = await desk.touch(run, "sms", "only")
    assert text["state"] == "commanded"

    listed = say.skipped(text, at=desk.clock())
    await desk.tell(desk.outcomes, listed, listed)
    await desk.tell(desk.outcomes, listed)
    letter = await desk.touch(run, "email", "only")
    assert letter["trace"][0]["instead_of"] == ["sms"]
    assert letter["contact_round"] == text["contact_round"]
    await desk.timers.run_once()
    letter = await desk.touch(run, "email", "only")
    assert (letter["state"], letter["round"]) == ("commanded", 1)

    gone = say.skipped(letter, at=desk.clock(), rule="no_contact_point")
    await desk.tell(desk.outcomes, gone, listed)
    ended = await desk.run(run)
    assert (ended["state"], len(await desk.touches(run))) == ("completed", 2)
    assert {touch["state"] for touch in await desk.touches(run)} == {"skipped"}
