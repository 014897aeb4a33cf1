"""A3, A7, A8: a booking that the product reports begins what accompanies it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

NEW_YORK = ZoneInfo("America/New_York")
THURSDAY = datetime.fromisoformat("2026-03-12T18:00:00-04:00")
MOVED = datetime.fromisoformat("2026-03-13T12:00:00-04:00")


async def started_by_bookings(followup, key):
    """A copy of a sequence of the library that bookings start, published."""
    source = (await followup.ask("GET", f"/v1/sequences/{key}"))["source"]
    copy = source.replace(f"key: {key}\n", f"key: own-{key}\n", 1)
    copy = copy.replace("\nsteps:\n", "\nstarts: [{event: appointment.booked}]\n\nsteps:\n", 1)
    headers = {"content-type": "application/yaml"}
    await followup.ask("PUT", f"/v1/sequences/own-{key}", content=copy, headers=headers)
    await followup.ask("POST", f"/v1/sequences/own-{key}/publish")


async def report(followup, lead, kind, starts_at):
    """The product says what became of an appointment."""
    event = {"kind": kind, "appointment_id": "v1", "starts_at": starts_at.isoformat()}
    await followup.ask("POST", f"/v1/leads/{lead.id}/events", json=event)


async def sent_by(followup, lead, key):
    """Local times of what one sequence of a lead sent."""
    ids = {i["enrollment_id"] for i in await followup.timeline(lead) if i["enrollment_id"]}
    runs = [await followup.ask("GET", f"/v1/enrollments/{each}") for each in sorted(ids)]
    own = {touch["id"] for run in runs if run["sequence"] == key for touch in run["touches"]}
    sent = [entry for entry in followup.sent(lead) if str(entry.touch_id) in own]
    return [f"{entry.at.astimezone(NEW_YORK):%a %H:%M}" for entry in sent]


@pytest.mark.mission("A3", via="running")
async def test_whoever_books_is_reminded_and_pursued_no_more(followup):
    """Reported right behind the lead; moved later on, the second reminder moves along."""
    await started_by_bookings(followup, "a3")
    lead = await followup.lead()
    await report(followup, lead, "appointment.booked", THURSDAY)
    await followup.play(until=datetime.fromisoformat("2026-03-12T09:00:00-04:00"))
    assert await sent_by(followup, lead, "own-a3") == ["Wed 18:00"]
    await report(followup, lead, "appointment.rescheduled", MOVED)
    await followup.play()
    assert (await sent_by(followup, lead, "own-a3"))[-1] == "Fri 10:00"
    assert len(await sent_by(followup, lead, "d1")) <= 1
    ends = {
        why.get("end_reason")
        for why in await followup.why(lead, "appointment booked; halted (booked)")
    }
    assert ends == {"booked"}


@pytest.mark.parametrize(
    ("key", "calendar"),
    [
        pytest.param(
            "a7",
            ["Fri 10:00", "Wed 18:00", "Thu 16:00", "Fri 11:00"],
            marks=pytest.mark.mission("A7", via="running"),
            id="a7",
        ),
        pytest.param(
            "a8",
            ["Fri 10:00", "Wed 18:00", "Fri 08:00"],
            marks=pytest.mark.mission("A8", via="running"),
            id="a8",
        ),
    ],
)
async def test_a_booking_is_confirmed_and_accompanied(followup, key, calendar):
    """Nobody enrolls the guest: the booking does, whatever the lead came for."""
    await started_by_bookings(followup, key)
    lead = await followup.lead()
    await report(followup, lead, "appointment.booked", THURSDAY)
    await followup.play(until=datetime.fromisoformat("2026-03-14T12:00:00-04:00"))
    assert await sent_by(followup, lead, f"own-{key}") == calendar
