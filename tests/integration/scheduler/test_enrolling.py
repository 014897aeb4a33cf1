import asyncio
from datetime import timedelta

from followup_contracts import decode
from followup_contracts.commands import SendTouch
from followup_people import set_lead_state
from followup_scheduler.loops import idle, next_due


async def test_a_fresh_lead_is_asked_for_at_once(desk):
    """D1's first text is commanded by the enrolling transaction itself, without a timer."""
    _, run = await desk.enrolled()
    text = await desk.touch(run, "sms")
    assert (text["state"], text["round"], text["outstanding"]) == ("commanded", 1, True)
    assert text["commanded_at"] is not None
    assert await desk.timer(text["id"]) is None
    mail = await desk.touch(run, "email")
    assert mail["state"] == "planned"
    assert mail["due_at"] == desk.clock() + timedelta(minutes=20)
    assert (await desk.timer(mail["id"]))["due_at"] == mail["due_at"]
    (event,) = await desk.events("sequence.enrolled")
    assert (event["enrollment_id"], event["sequence"]) == (str(run), "d1")


async def test_the_command_leaves_after_the_commit(desk):
    """The dispatcher's queue gets the touch with its epoch, round and template's hash."""
    await desk.bus.connect()
    stop = asyncio.Event()
    relay = asyncio.create_task(desk.outbox.relay.run(stop))
    async with desk.bus.subscribe("dispatcher.sms.now", prefetch=10) as source:
        _, run = await desk.enrolled()
        (delivery,) = await source.take(most=1, linger=0)
        await source.settle([delivery])
    stop.set()
    # Events of the scheduler that nobody subscribes to stay in the outbox.
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await desk.bus.close()
    touch = await desk.touch(run, "sms")
    command = decode(delivery.body).data
    assert isinstance(command, SendTouch)
    assert (command.touch_id, command.round, command.epoch) == (touch["id"], 1, 0)
    (template,) = await desk.rows(
        "SELECT * FROM directory.templates WHERE hash = :h", h=command.template
    )
    assert template["tenant_id"] == desk.tenant.id


async def test_the_same_lead_is_enrolled_once(desk, say):
    """Whether it comes twice in a batch or again later."""
    lead = await desk.lead()
    await desk.tell(desk.captured, say.captured(lead), say.captured(lead))
    await desk.tell(desk.captured, say.captured(lead))
    runs = await desk.rows("SELECT id FROM scheduler.enrollments")
    assert len(runs) == 1
    assert len(await desk.touches(runs[0]["id"])) == 2


async def test_a_person_under_way_is_not_entered_a_second_time(desk, say):
    """The second enquiry's journal says why; the first goes on."""
    first, _ = await desk.enrolled()
    second = await desk.lead(phone_e164=first.phone_e164, email=first.email)
    await desk.tell(desk.captured, say.captured(second, person_id=first.person_id))
    assert len(await desk.rows("SELECT id FROM scheduler.enrollments")) == 1
    (line,) = await desk.rows(
        "SELECT * FROM scheduler.journal WHERE lead_id = :lead", lead=second.lead_id
    )
    assert line["what"] == "not enrolled"
    assert "already" in line["why"]["reason"]


async def test_a_lead_won_before_it_was_read_is_not_followed_up(desk, say):
    """`lead.converted` may overtake `lead.captured`."""
    lead = await desk.lead()
    async with desk.databases.worker.transaction() as tx:
        await set_lead_state(tx, desk.tenant.id, lead.lead_id, "converted")
    await desk.tell(desk.captured, say.captured(lead))
    assert await desk.rows("SELECT id FROM scheduler.enrollments") == []


async def test_sources_choose_the_sequence(desk):
    """D2: each source its own calendar; the sequences are installed on first use."""
    for source, key in {
        "google_lsa": "d2-google",
        "web_form": "d1-web",
        "referral": "d2-referral",
        "facebook_lead_ad": "d1",
    }.items():
        _, run = await desk.enrolled(source=source)
        assert (await desk.run(run))["sequence"] == key
    _, cold = await desk.enrolled(source="cold_outbound", asked=False)
    assert (await desk.run(cold))["sequence"] == "d2-cold"
    installed = await desk.rows("SELECT key, version, state FROM scheduler.sequences ORDER BY key")
    assert [row["key"] for row in installed] == [
        "d1",
        "d1-web",
        "d2-cold",
        "d2-google",
        "d2-referral",
    ]
    assert {(row["version"], row["state"]) for row in installed} == {(1, "published")}


async def test_a_sequence_nobody_knows_becomes_a_task(desk, say):
    """The lead is not lost, and nothing is sent that nobody chose."""
    lead = await desk.lead()
    await desk.tell(desk.captured, say.captured(lead, sequence="no-such"))
    (task,) = await desk.rows("SELECT * FROM scheduler.tasks")
    assert (task["kind"], task["lead_id"], task["state"]) == (
        "choose_sequence",
        lead.lead_id,
        "open",
    )
    assert len(await desk.events("task.created")) == 1


async def test_who_said_no_is_not_contacted_on_any_channel(desk):
    """The run ends at once, with the reason kept."""
    _, run = await desk.enrolled(consent="no")
    ended = await desk.run(run)
    assert ended["state"] == "completed"
    assert "consent" in ended["end_reason"].lower() or "no" in ended["end_reason"].lower()
    assert {touch["state"] for touch in await desk.touches(run)} == {"skipped"}
    assert all(touch["reason"] for touch in await desk.touches(run))


async def test_a_suppressed_address_is_planned_around(desk, say):
    """A text that may not be sent is skipped; the e-mail goes."""
    lead = await desk.lead()
    await desk.suppress("phone", lead.phone_e164, channel="sms")
    await desk.tell(desk.captured, say.captured(lead))
    (run,) = await desk.rows("SELECT id FROM scheduler.enrollments")
    assert (await desk.touch(run["id"], "sms"))["state"] == "skipped"
    assert (await desk.touch(run["id"], "email"))["state"] == "planned"


async def test_imports_wait_for_their_timer(desk, say):
    """Lane `later` never leaves with the enrolling transaction."""
    lead = await desk.lead()
    await desk.tell(desk.captured, say.captured(lead, lane="later"))
    (run,) = await desk.rows("SELECT id FROM scheduler.enrollments")
    text = await desk.touch(run["id"], "sms")
    assert text["state"] == "planned"
    assert (await desk.timer(text["id"]))["lane"] == 1
    async with desk.databases.worker.transaction() as tx:
        assert await next_due(tx) == desk.clock()
        assert await idle(tx)


async def test_a_full_window_leaves_the_first_touch_to_its_timer(desk):
    """Speed to lead has its limit where a tenant's window is full."""
    desk.set_window(1)
    _, first = await desk.enrolled()
    _, second = await desk.enrolled()
    assert (await desk.touch(first, "sms"))["state"] == "commanded"
    waiting = await desk.touch(second, "sms")
    assert waiting["state"] == "planned"
    assert await desk.timer(waiting["id"]) is not None


async def test_a_batch_of_leads_is_enrolled_whole(desk, say):
    """All leads of a batch each get their own run and first text."""
    leads = [await desk.lead() for _ in range(30)]
    await desk.tell(desk.captured, *(say.captured(lead) for lead in leads))
    rows = await desk.rows("SELECT state, count(*) AS n FROM scheduler.touches GROUP BY state")
    assert {row["state"]: row["n"] for row in rows} == {"commanded": 30, "planned": 30}
