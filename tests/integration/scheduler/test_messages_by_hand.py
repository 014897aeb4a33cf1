"""What somebody of ours wrote, as the scheduler has it sent."""

from datetime import timedelta

from followup_contracts.events import ANOTHER_DAY, MessageWritten
from followup_database import new_id
from followup_database.personal import Subject
from followup_scheduler.forgetting import end_work
from followup_suppression import holds_of, place_hold


def written(desk, lead, **fields):
    """A message to a lead, now."""
    known = {
        "message_id": new_id(),
        "lead_id": lead.lead_id,
        "person_id": lead.person_id,
        "channel": "sms",
        "template": "0" * 64,
        "at": desk.clock(),
    }
    return MessageWritten(**(known | fields))


async def told(desk):
    """What became of messages, as everybody is told."""
    return [
        (event["state"], event["rule"], event["not_before"])
        for event in await desk.events("message.updated")
    ]


async def test_a_message_pauses_its_lead_and_is_asked_for(desk):
    """The hold goes in the same transaction; what the run had planned is cancelled."""
    lead, run = await desk.enrolled()
    word = written(desk, lead)
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, word.message_id)
    await desk.tell(desk.replies, word)
    assert (await desk.run(run))["state"] == "paused"
    assert {touch["state"] for touch in await desk.touches(run)} == {"cancelled"}
    async with desk.databases.worker.transaction() as tx:
        assert await holds_of(tx, [lead.person_id]) == {}
    await desk.timers.run_once()
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["round"], touch["template"]) == ("commanded", 1, "0" * 64)


async def test_a_confirmation_pauses_nothing_and_goes_within_minutes(desk, say):
    """It is asked for at once, is good for five minutes, and nobody is told of it."""
    lead, run = await desk.enrolled()
    word = written(desk, lead, confirms=True)
    await desk.tell(desk.replies, word)
    assert (await desk.run(run))["state"] == "active"
    await desk.timers.run_once()
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["step"]) == ("commanded", "confirmation")
    assert touch["not_after"] == desk.clock() + timedelta(minutes=5)
    await desk.tell(desk.outcomes, say.sent(touch, at=desk.clock()))
    (touch,) = await desk.touches(word.message_id)
    assert touch["state"] == "sent"
    assert await told(desk) == []


async def test_a_confirmation_for_somebody_unknown_goes_too(desk, say):
    """Under the message's own id, and in no journal: there is no lead that had one."""
    id_ = new_id()
    word = MessageWritten(
        message_id=id_, lead_id=id_, person_id=id_, channel="sms", template="0" * 64,
        confirms=True, at=desk.clock(),
    )  # fmt: skip
    await desk.tell(desk.replies, word, word)
    await desk.timers.run_once()
    (touch,) = await desk.touches(id_)
    assert (touch["state"], touch["step"], touch["lead_id"]) == ("commanded", "confirmation", id_)
    assert touch["not_after"] == desk.clock() + timedelta(minutes=5)
    assert await desk.rows("SELECT 1 FROM scheduler.journal") == []
    sent = say.sent(touch, at=desk.clock())
    await desk.tell(desk.outcomes, sent)
    await desk.tell(desk.feedback, say.delivered(touch, at=desk.clock()))
    (touch,) = await desk.touches(id_)
    assert touch["state"] == "sent"
    assert await told(desk) == []


async def test_a_message_told_twice_is_sent_once(desk):
    """In one batch, or long after the first."""
    lead, _ = await desk.enrolled()
    word = written(desk, lead)
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    await desk.tell(desk.replies, word)
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["round"]) == ("commanded", 1)
    assert await desk.timer(word.message_id) is None


async def test_a_message_of_a_lead_that_nothing_runs_for_is_sent_too(desk):
    """Its journal says so; another enquiry of the same person goes on."""
    lead, run = await desk.enrolled()
    other = await desk.lead(person_id=lead.person_id, phone_e164=lead.phone_e164, email=lead.email)
    word = written(desk, lead, lead_id=other.lead_id)
    await desk.tell(desk.replies, word)
    assert (await desk.run(run))["state"] == "active"
    (line,) = await desk.rows(
        "SELECT what, enrollment_id FROM scheduler.journal WHERE lead_id = :lead",
        lead=other.lead_id,
    )
    assert (line["what"], line["enrollment_id"]) == ("written to", None)
    assert len(await desk.touches(word.message_id)) == 1


async def test_another_tenants_word_pauses_and_sends_nothing(desk):
    """A message is its own tenant's alone."""
    lead, run = await desk.enrolled()
    other = await desk.other_tenant()
    word = written(desk, lead)
    await desk.tell(desk.replies, word, tenant_id=other)
    assert (await desk.run(run))["state"] == "active"
    assert await desk.touches(word.message_id) == []


async def test_what_becomes_of_a_message_is_told(desk, say):
    """Put off, asked for again at its time, unknown, and out in the end: each once."""
    lead, _ = await desk.enrolled()
    word = written(desk, lead)
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    (touch,) = await desk.touches(word.message_id)
    opens = desk.clock() + timedelta(hours=9)
    put_off = say.deferred(touch, at=desk.clock(), until=opens, kind="rule")
    await desk.tell(desk.outcomes, put_off, put_off)
    assert (await desk.timer(word.message_id))["due_at"] == opens
    desk.clock.jump(opens)
    await desk.timers.run_once()
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["round"]) == ("commanded", 2)
    await desk.tell(desk.outcomes, say.unknown(touch, at=desk.clock()))
    await desk.send(touch)
    await desk.send(touch)
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["outstanding"]) == ("sent", False)
    states = await told(desk)
    assert [state for state, _, _ in states] == ["waiting", "unknown", "sent"]
    assert states[0][2] is not None


async def test_a_message_that_is_refused_is_over(desk, say):
    """Skipped for good, with the rule; a deferral of before that changes nothing."""
    lead, _ = await desk.enrolled()
    word = written(desk, lead)
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    (touch,) = await desk.touches(word.message_id)
    await desk.tell(desk.outcomes, say.skipped(touch, at=desk.clock(), rule="suppressed"))
    late = say.deferred(touch, at=desk.clock(), until=desk.clock() + timedelta(hours=1))
    await desk.tell(desk.outcomes, late)
    assert [(state, rule) for state, rule, _ in await told(desk)] == [("skipped", "suppressed")]
    assert await desk.timer(word.message_id) is None


async def test_a_message_is_commanded_again_where_nobody_answers(desk):
    """The reconciler asks with the next round, and still calls it an answer."""
    lead, _ = await desk.enrolled()
    word = written(desk, lead)
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    await desk.rows(
        "UPDATE scheduler.touches SET commanded_at = commanded_at - interval '2 minutes'"
        " WHERE id = :id RETURNING id",
        id=word.message_id,
    )
    await desk.reconciler.run_once()
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["round"]) == ("commanded", 2)


async def test_a_message_told_another_day_holds_no_place_in_the_window(desk, say):
    """Its account's day is spent: others are not held up by it, and it asks for a place then."""
    lead, _ = await desk.enrolled()
    word = written(desk, lead)
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    (touch,) = await desk.touches(word.message_id)
    tomorrow = desk.clock() + timedelta(days=1)
    told_so = say.deferred(touch, at=desk.clock(), until=tomorrow, kind="rate", rule=ANOTHER_DAY)
    await desk.tell(desk.outcomes, told_so)
    (touch,) = await desk.touches(word.message_id)
    assert (touch["state"], touch["outstanding"]) == ("planned", False)
    assert (await desk.timer(word.message_id))["channel"] == "sms"


async def test_who_is_forgotten_leaves_no_place_in_the_window_taken(desk):
    """Of what was asked for when its person was erased nobody gives a place back later."""
    lead, run = await desk.enrolled()
    await desk.timers.run_once()
    word = written(desk, lead, lead_id=new_id())
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    (asked_for,) = await desk.touches(word.message_id)
    assert (asked_for["state"], asked_for["outstanding"]) == ("commanded", True)
    async with desk.databases.worker.transaction() as tx:
        await end_work(tx, Subject(desk.tenant.id, [lead.person_id]))
    after = [*await desk.touches(run), *await desk.touches(word.message_id)]
    assert {(touch["state"], touch["outstanding"]) for touch in after} == {("cancelled", False)}


async def test_who_is_forgotten_is_told_no_more_of_what_was_answered(desk, say):
    """An "unknown" said before its attempt was freed may come after both, and counts no more."""
    lead, _ = await desk.enrolled()
    word = written(desk, lead, lead_id=new_id())
    await desk.tell(desk.replies, word)
    await desk.timers.run_once()
    (asked_for,) = await desk.touches(word.message_id)
    late = say.unknown(asked_for, at=desk.clock())
    soon = desk.clock() + timedelta(minutes=1)
    freed = say.deferred(asked_for, at=desk.clock(), until=soon, kind="provider", rule="retry")
    await desk.tell(desk.outcomes, freed)
    async with desk.databases.worker.transaction() as tx:
        await end_work(tx, Subject(desk.tenant.id, [lead.person_id]))
    await desk.tell(desk.outcomes, late)
    (touch,) = await desk.touches(word.message_id)
    assert touch["state"] == "cancelled"
