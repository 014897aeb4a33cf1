"""One row that cannot be carried out holds up no other, and is not tried in a circle."""

from datetime import timedelta

from structlog.testing import capture_logs


def _left_out(desk, loop):
    line = f'followup_scheduler_left_out_total{{loop="{loop}"}} '
    found = [row for row in desk.metrics.exposition().decode().splitlines() if line in row]
    return float(found[0].removeprefix(line)) if found else 0.0


async def _broken(desk, touch):
    """A touch that cannot be commanded: it is due at no time."""
    await desk.rows(
        "UPDATE scheduler.touches SET due_at = NULL WHERE id = :id RETURNING id", id=touch["id"]
    )


async def test_a_touch_that_cannot_be_asked_for_holds_up_no_other(desk):
    """The others go at once; the culprit comes again in five minutes, and is named."""
    runs = [(await desk.enrolled())[1] for _ in range(3)]
    broken = await desk.touch(runs[1], "email")
    await _broken(desk, broken)
    desk.clock.advance(timedelta(hours=1))
    with capture_logs() as logged:
        tick = await desk.timers.run_once()
    assert tick.worked == 2
    mails = [await desk.touch(run, "email") for run in runs]
    assert [(t["state"], t["round"]) for t in mails] == [
        ("commanded", 1),
        ("planned", 0),
        ("commanded", 1),
    ]
    later = desk.clock() + timedelta(minutes=5)
    assert (await desk.timer(broken["id"]))["due_at"] == later
    assert [line["id"] for line in logged if "id" in line] == [str(broken["id"])]
    assert _left_out(desk, "scheduler:timers") == 1
    assert (await desk.timers.run_once()).worked == 0
    await desk.rows(
        "UPDATE scheduler.touches SET due_at = :at WHERE id = :id RETURNING id",
        at=later,
        id=broken["id"],
    )
    desk.clock.jump(later)
    assert (await desk.timers.run_once()).worked == 1
    assert (await desk.touch(runs[1], "email"))["state"] == "commanded"


async def test_an_enrollment_that_cannot_be_woken_holds_up_no_other(desk, say):
    """Its sequence is gone, so nothing can be decided; the others go on."""
    pairs = [await desk.enrolled() for _ in range(3)]
    runs = [run for _, run in pairs]
    back = (desk.clock() + timedelta(days=1)).date()
    for lead, _ in pairs:
        out = say.reply(lead, at=desk.clock(), intent="out_of_office", until=back)
        await desk.tell(desk.replies, out)
    await desk.rows(
        "UPDATE scheduler.enrollments SET version = 99 WHERE id = :id RETURNING id", id=runs[1]
    )
    desk.clock.jump((await desk.timer(runs[1]))["due_at"])
    assert (await desk.timers.run_once()).worked == 2
    assert [(await desk.run(run))["state"] for run in runs] == ["active", "paused", "active"]
    wake = await desk.timer(runs[1])
    assert wake["due_at"] == desk.clock() + timedelta(minutes=5)
    assert _left_out(desk, "scheduler:timers") == 1


async def test_a_touch_that_cannot_be_asked_for_again_holds_up_no_other(desk):
    """The reconciler too: late again in five minutes of machine time."""
    runs = [(await desk.enrolled())[1] for _ in range(3)]
    broken = await desk.touch(runs[1], "sms")
    await _broken(desk, broken)
    await desk.rows(
        "UPDATE scheduler.touches SET commanded_at = clock_timestamp() - interval '61 seconds'"
        " WHERE state = 'commanded' RETURNING id"
    )
    assert (await desk.reconciler.run_once()).worked == 2
    assert [(await desk.touch(run, "sms"))["round"] for run in runs] == [2, 1, 2]
    assert _left_out(desk, "scheduler:reconciler") == 1
    assert (await desk.reconciler.run_once()).worked == 0
    (left,) = await desk.rows(
        "SELECT commanded_at - clock_timestamp() + interval '60 seconds' AS wait"
        " FROM scheduler.touches WHERE id = :id",
        id=broken["id"],
    )
    assert timedelta(minutes=4) < left["wait"] <= timedelta(minutes=5)
