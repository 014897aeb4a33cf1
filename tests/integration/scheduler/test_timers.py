import asyncio
from datetime import timedelta

from sqlalchemy import text

from followup_scheduler.loops import Reconciler, TimerLoop, idle, next_due
from followup_scheduler.store import timers


async def test_nothing_is_done_before_its_time(desk):
    """A timer that is not due is neither taken nor moved."""
    _, run = await desk.enrolled()
    mail = await desk.touch(run, "email")
    desk.clock.jump(mail["due_at"] - timedelta(seconds=1))
    tick = await desk.timers.run_once()
    assert tick.worked == 0
    assert 0 < tick.again_in <= 0.1
    desk.clock.jump(mail["due_at"])
    assert (await desk.timers.run_once()).worked == 1
    assert (await desk.touch(run, "email"))["state"] == "commanded"


async def test_a_wait_outlives_who_began_it(desk):
    """Neither a broker nor a process holds it: whoever is there when it is over asks, once
    (rabbitmq-delayed-message-exchange#72, #133: 15 minutes took three days, or for ever)."""
    _, run = await desk.enrolled()
    mail = await desk.touch(run, "email")
    asked = []
    for moment in (mail["due_at"] - timedelta(seconds=1), mail["due_at"], mail["due_at"]):
        desk.clock.jump(moment)
        fresh = TimerLoop(desk.databases.worker, desk.runs, window=1000)
        asked.append((await fresh.run_once()).worked)
    assert asked == [0, 1, 0]
    assert (await desk.touch(run, "email"))["round"] == 1


async def test_two_schedulers_never_take_the_same_timer(desk):
    """Each touch is commanded once, whoever takes it (mautic#3669); and nobody loses what comes
    next (mautic#2004)."""
    leads = 12
    for _ in range(leads):
        await desk.enrolled()
    desk.clock.advance(timedelta(hours=1))
    loops = [TimerLoop(desk.databases.worker, desk.runs, window=1000, most=3) for _ in range(4)]
    while (await next_due_of(desk)) is not None:
        await asyncio.gather(*(loop.run_once() for loop in loops))
    mails = await desk.rows("SELECT state, round FROM scheduler.touches WHERE channel = 'email'")
    assert mails == [{"state": "commanded", "round": 1}] * leads
    runs = await desk.rows("SELECT state, step FROM scheduler.enrollments")
    assert runs == [{"state": "active", "step": "day-0"}] * leads


async def next_due_of(desk):
    async with desk.databases.worker.transaction() as tx:
        due = await next_due(tx)
        return due if due is not None and due <= tx.now else None


async def test_a_timer_whose_touch_is_being_decided_on_waits(desk):
    """Held by somebody's transaction, it is left alone and taken later."""
    _, run = await desk.enrolled()
    mail = await desk.touch(run, "email")
    desk.clock.jump(mail["due_at"])
    async with desk.databases.worker.transaction() as tx:
        await tx.all(
            text("SELECT id FROM scheduler.touches WHERE id = :id FOR UPDATE"), id=mail["id"]
        )
        tick = await desk.timers.run_once()
        assert tick.worked == 0
        assert tick.again_in > 0
    assert (await desk.timers.run_once()).worked == 1
    assert (await desk.touch(run, "email"))["state"] == "commanded"


async def test_a_wake_whose_enrollment_is_being_decided_on_waits(desk, say):
    """Nor does the loop wait for a lock while it holds timers."""
    lead, run = await desk.enrolled()
    back = (desk.clock() + timedelta(days=1)).date()
    await desk.tell(
        desk.replies, say.reply(lead, at=desk.clock(), intent="out_of_office", until=back)
    )
    desk.clock.jump((await desk.timer(run))["due_at"])
    async with desk.databases.worker.transaction() as tx:
        await tx.all(text("SELECT id FROM scheduler.enrollments WHERE id = :id FOR UPDATE"), id=run)
        assert (await desk.timers.run_once()).worked == 0
    assert (await desk.run(run))["state"] == "paused"
    await desk.timers.run_once()
    assert (await desk.run(run))["state"] == "active"


async def test_timers_of_erased_targets_go(desk):
    """They are not looked at for ever."""
    await desk.enrolled()
    await desk.rows("DELETE FROM scheduler.touches RETURNING id")
    await desk.rows("DELETE FROM scheduler.enrollments RETURNING id")
    desk.clock.advance(timedelta(days=1))
    await desk.timers.run_once()
    assert await desk.rows("SELECT * FROM scheduler.timers") == []


async def test_what_has_no_place_in_the_window_waits_and_is_not_lost(desk):
    """Over the window a touch keeps its timer, until there is room."""
    for _ in range(3):
        await desk.enrolled()
    desk.set_window(2)
    desk.clock.advance(timedelta(hours=1))
    await desk.timers.run_once()
    mails = "SELECT * FROM scheduler.touches WHERE channel = 'email' ORDER BY id"
    states = [row["state"] for row in await desk.rows(mails)]
    assert sorted(states) == ["commanded", "commanded", "planned"]
    waiting = next(row for row in await desk.rows(mails) if row["state"] == "planned")
    assert (await desk.timer(waiting["id"]))["due_at"] == waiting["due_at"]
    done = next(row for row in await desk.rows(mails) if row["state"] == "commanded")
    await desk.send(done)
    await TimerLoop(desk.databases.worker, desk.runs, window=2).run_once()
    assert {row["state"] for row in await desk.rows(mails)} == {"commanded", "sent"}


async def test_a_full_line_does_not_hold_up_another(desk):
    """While the window of one channel is full its timers are passed over, and no others."""
    await desk.enrolled()
    desk.set_window(0)
    desk.clock.advance(timedelta(hours=1))
    assert (await desk.timers.run_once()).worked == 0
    await desk.rows(
        "UPDATE scheduler.timers SET channel = NULL WHERE kind = 'touch' RETURNING kind"
    )
    await desk.rows("UPDATE scheduler.touches SET outstanding = true RETURNING id")
    assert (await desk.timers.run_once()).worked == 1


async def test_tenants_share_what_a_batch_has_room_for(desk, say):
    """From the second batch of a backlog on, another tenant's touch need not wait for its end
    (mautic#10648, where one campaign made everybody's messages hours late)."""
    await crowd(desk, say, 12)
    other = await desk.other_tenant()
    theirs = await crowd(desk, say, 2, tenant_id=other)
    desk.clock.advance(timedelta(hours=1))
    loop = TimerLoop(desk.databases.worker, desk.runs, window=100, most=4)
    await loop.run_once()
    await loop.run_once()
    commanded = await desk.rows(
        "SELECT tenant_id FROM scheduler.touches WHERE state = 'commanded' AND lane = 'later'"
    )
    assert sum(row["tenant_id"] == other for row in commanded) == len(theirs)
    assert len(commanded) == 8


async def test_a_tenants_fresh_lead_does_not_wait_behind_its_own_campaign(desk, say):
    """Lane `later` fills three quarters of the window and not the last one."""
    await crowd(desk, say, 12)
    desk.set_window(8)
    desk.clock.advance(timedelta(hours=1))
    for _ in range(3):
        await desk.timers.run_once()
    commanded = await desk.rows("SELECT channel FROM scheduler.touches WHERE state = 'commanded'")
    assert sorted(row["channel"] for row in commanded) == ["email"] * 6 + ["sms"] * 6

    _, fresh = await desk.enrolled()
    assert (await desk.touch(fresh, "sms"))["state"] == "commanded"


async def test_a_backlog_of_one_line_is_not_read_through_for_another(desk, say):
    """However much of a full line is due, what is due of others is found past it."""
    await crowd(desk, say, 6)
    desk.set_window(0)
    other = await desk.other_tenant()
    desk.clock.advance(timedelta(hours=1))
    await desk.timers.run_once()
    await crowd(desk, say, 2, tenant_id=other)
    desk.clock.advance(timedelta(hours=1))
    full = {"now": (), "later": [(desk.tenant.id, channel) for channel in ("sms", "email")]}
    async with desk.databases.worker.transaction() as tx:
        due = await timers.due_touches(tx, most=100, shared=True, full=full)
    assert {timer.tenant_id for timer in due} == {other}
    assert len(due) == 4


async def crowd(desk, say, count, **fields):
    """Imported leads, each with a text and a mail of lane `later` to go out."""
    leads = [await desk.lead(**fields) for _ in range(count)]
    captured = [say.captured(lead, lane="later") for lead in leads]
    await desk.tell(desk.captured, *captured, tenant_id=fields.get("tenant_id"))
    return leads


async def test_lane_now_goes_first(desk, say):
    """Speed to lead does not wait behind a campaign, however long that has waited."""
    late = await desk.lead()
    await desk.tell(desk.captured, say.captured(late, lane="later"))
    _, fresh = await desk.enrolled()
    desk.clock.advance(timedelta(minutes=20))
    loop = TimerLoop(desk.databases.worker, desk.runs, window=100, most=1)
    await loop.run_once()
    assert (await desk.touch(fresh, "email"))["state"] == "commanded"


async def test_unanswered_commands_are_asked_for_again(desk):
    """After 60 s of machine time, with the next round; business time does not matter."""
    _, run = await desk.enrolled()
    assert (await desk.reconciler.run_once()).worked == 0
    desk.clock.advance(timedelta(minutes=10))
    assert (await desk.reconciler.run_once()).worked == 0
    await desk.rows(
        "UPDATE scheduler.touches SET commanded_at = clock_timestamp() - interval '61 seconds'"
        " WHERE state = 'commanded' RETURNING id"
    )
    assert (await desk.reconciler.run_once()).worked == 1
    again = await desk.touch(run, "sms")
    assert (again["state"], again["round"]) == ("commanded", 2)
    assert again["trace"][-1]["what"] == "asked for again: no answer"
    assert (await desk.reconciler.run_once()).worked == 0
    assert b"followup_scheduler_touches_asked_again_total 1.0" in desk.metrics.exposition()


async def test_two_reconcilers_ask_once(desk):
    """Rows one holds the other does not take."""
    for _ in range(6):
        await desk.enrolled()
    await desk.rows(
        "UPDATE scheduler.touches SET commanded_at = clock_timestamp() - interval '61 seconds'"
        " WHERE state = 'commanded' RETURNING id"
    )
    pair = [Reconciler(desk.databases.worker, desk.runs, most=3) for _ in range(3)]
    await asyncio.gather(*(one.run_once() for one in pair))
    await asyncio.gather(*(one.run_once() for one in pair))
    texts = await desk.rows("SELECT round FROM scheduler.touches WHERE state = 'commanded'")
    assert texts == [{"round": 2}] * 6


async def test_idle_means_no_command_is_open(desk):
    """What the demo's clock waits for before it jumps."""
    _, run = await desk.enrolled()
    async with desk.databases.worker.transaction() as tx:
        assert not await idle(tx)
        assert await next_due(tx) == (await desk.touch(run, "email"))["due_at"]
    await desk.send(await desk.touch(run, "sms"))
    async with desk.databases.worker.transaction() as tx:
        assert await idle(tx)


async def test_d1_runs_to_its_end(desk, say):
    """Seven touches, every one on its day, and the lead is handed to nurture."""
    _, run = await desk.enrolled()
    for _ in range(60):
        if (await desk.run(run))["state"] != "active":
            break
        for touch in await desk.touches(run):
            if touch["state"] == "commanded":
                await desk.send(touch)
                if touch["channel"] == "voice":
                    ended = say.call_ended(touch, at=desk.clock(), result="no_answer")
                    await desk.tell(desk.feedback, ended)
        due = await desk.next_due()
        if due is not None:
            desk.clock.jump(max(due, desk.clock()))
        await desk.timers.run_once()
    ended = await desk.run(run)
    assert ended["state"] == "completed"
    told = [(t["step"], t["channel"], t["state"]) for t in await desk.touches(run)]
    assert told == [
        ("day-0", "sms", "sent"),
        ("day-0", "email", "sent"),
        ("day-1", "voice", "sent"),
        ("day-2", "sms", "sent"),
        ("day-4", "email", "sent"),
        ("day-7", "voice", "sent"),
        ("day-14", "sms", "sent"),
    ]
    assert await desk.rows("SELECT * FROM scheduler.timers") == []
    (handed,) = await desk.events("lead.handed_off")
    assert handed["to"] == "nurture"
