"""D1: fourteen days, seven touches; as a calendar, and as it runs."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

NEW_YORK = ZoneInfo("America/New_York")

CALENDAR = [
    (0, "sms", "10:00"),
    (0, "email", "10:20"),
    (1, "voice", "10:00"),
    (2, "sms", "10:00"),
    (4, "email", "08:00"),
    (7, "voice", "14:00"),
    (14, "sms", "10:00"),
]
"""Day, channel and local time, for a lead of Friday ten o'clock. The clocks go forward on
day 2, which nobody should notice."""


def calendar(moments):
    """Day, channel and clock of (channel, moment) pairs, counted from the first."""
    local = [(channel, at.astimezone(NEW_YORK)) for channel, at in moments]
    first = local[0][1].date()
    return [((at.date() - first).days, channel, f"{at:%H:%M}") for channel, at in local]


@pytest.mark.mission("D1", via="simulation")
async def test_the_calendar_has_seven_touches_on_their_days(followup):
    """Text at once, e-mail within the hour, calls on days 1 and 7, texts on 2 and 14."""
    told = await followup.simulate("d1")
    moments = [(t["channel"], datetime.fromisoformat(t["due_at"])) for t in told["touches"]]
    assert calendar(moments) == CALENDAR
    assert {t["state"] for t in told["touches"]} == {"sent"}
    assert (told["state"], told["end_reason"], told["handed_to"]) == (
        "completed",
        "ran_through",
        "nurture",
    )


@pytest.mark.mission("D1", via="running")
async def test_a_lead_gets_the_seven_touches_on_their_days(followup):
    """What the sandbox records is the calendar, and the run ends with its reason."""
    lead = await followup.lead()
    began = followup.clock()
    await followup.play()
    sent = followup.sent(lead)
    assert calendar([(entry.channel, entry.at) for entry in sent]) == CALENDAR
    assert sent[0].at - began <= timedelta(minutes=5)
    assert sent[1].at - began <= timedelta(hours=1)
    run = await followup.run_of(lead)
    assert (run["sequence"], run["state"], run["end_reason"]) == ("d1", "completed", "ran_through")
    assert [touch["state"] for touch in run["touches"]] == ["sent"] * 7


@pytest.mark.mission("D1", via="running")
async def test_every_touch_has_its_own_purpose(followup):
    """One question first, then a confirmation, a call with a voicemail, value, a way back."""
    lead = await followup.lead()
    await followup.play()
    question, confirmation, first_call, second_text, value, second_call, break_up = followup.sent(
        lead
    )
    assert question.text.count("?") == 1
    assert "STOP" in question.text
    assert "choose a time" in confirmation.text
    assert first_call.voicemail
    assert second_call.voicemail
    assert second_text.text.count("?") == 1
    assert "https://roofs.example.com/book" in confirmation.text
    assert "https://roofs.example.com/book" in break_up.text
    assert "last text" in break_up.text
    said = [e.text for e in (question, confirmation, first_call, second_text, value, break_up)]
    assert len(set(said)) == 6


@pytest.mark.mission("D1", via="simulation")
async def test_the_calendar_follows_the_call(followup):
    """The text of day 2 refers to the voicemail only where one was left."""
    used = {}
    for result in ("voicemail_left", "no_answer", "machine", "busy", "answered"):
        told = await followup.simulate("d1", calls={"day-1": result})
        (used[result],) = [t["template"] for t in told["touches"] if t["step"] == "day-2"]
    assert used.pop("voicemail_left") == "after-voicemail"
    assert set(used.values()) == {"second-text"}


@pytest.mark.mission("D1", via="running")
async def test_a_text_speaks_of_a_voicemail_only_to_whom_one_was_left(followup):
    """Both get a text on day 2, and only one of them hears of a voicemail."""
    left, rang = await followup.lead(), await followup.lead()
    followup.script.calls[left.person_id] = ["voicemail"]
    followup.script.calls[rang.person_id] = ["no_answer"]
    await followup.play(until=followup.clock() + timedelta(days=3))
    heard = [e.text for e in followup.sent(left) if e.channel == "sms"]
    unheard = [e.text for e in followup.sent(rang) if e.channel == "sms"]
    assert len(heard) == len(unheard) == 2
    assert "voicemail" in heard[1]
    assert not any("voicemail" in text for text in unheard)


@pytest.mark.mission("D1", via="simulation")
async def test_the_calendar_calls_again_at_another_time_of_day(followup):
    """The first call is a morning's, the second an afternoon's."""
    told = await followup.simulate("d1")
    hours = [
        datetime.fromisoformat(t["local"]["America/New_York"]).hour
        for t in told["touches"]
        if t["channel"] == "voice"
    ]
    assert hours == [10, 14]


@pytest.mark.mission("D1", via="running")
async def test_whoever_was_called_in_the_afternoon_is_called_again_in_the_morning(followup):
    """The other time of day is another than that of the call that was made, not of the plan."""
    lead = await followup.lead()
    await followup.play(until=followup.clock() + timedelta(hours=20))
    # Nothing ran on day 1 until the afternoon.
    await followup.oversleep(datetime(2026, 3, 7, 15, 0, tzinfo=NEW_YORK))
    await followup.play()
    calls = [e.at.astimezone(NEW_YORK) for e in followup.sent(lead) if e.channel == "voice"]
    assert [call.hour for call in calls] == [15, 10]
