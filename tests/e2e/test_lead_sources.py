"""D2 and C3: what a lead's source changes, and that people who never asked get other rules."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

NEW_YORK = ZoneInfo("America/New_York")
FRIDAY = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)

STANDARD = [
    (0, "sms", "10:00"),
    (0, "email", "10:20"),
    (1, "voice", "10:00"),
    (2, "sms", "10:00"),
    (4, "email", "08:00"),
    (7, "voice", "14:00"),
    (14, "sms", "10:00"),
]
URGENT = [
    (0, "sms", "10:00"),
    (0, "voice", "10:05"),
    (0, "email", "10:20"),
    (1, "sms", "10:00"),
    (2, "voice", "14:00"),
    (4, "email", "08:00"),
    (7, "sms", "10:00"),
]
PHONE_FIRST = [
    (0, "voice", "10:00"),
    (0, "email", "10:30"),
    (1, "voice", "14:00"),
    (2, "sms", "10:00"),
    (5, "email", "08:00"),
    (9, "sms", "10:00"),
    (18, "email", "08:00"),  # day 14 is a Friday; e-mails go from Tuesday to Thursday
]
ASKED = {
    "google_lsa": ("d2-google", URGENT),
    "gmb_call": ("d2-google", URGENT),
    "facebook_lead_ad": ("d1", STANDARD),
    "instagram_lead_ad": ("d1", STANDARD),
    "referral": ("d2-referral", PHONE_FIRST),
    "web_form": ("d1-web", STANDARD),
}
"""Source → sequence and calendar of a Friday's lead at ten o'clock in New York."""


def calendar(moments, *, start):
    """Day, channel and clock of (channel, moment) pairs, in New York."""
    first = start.astimezone(NEW_YORK).date()
    local = [(channel, at.astimezone(NEW_YORK)) for channel, at in moments]
    return [((at.date() - first).days, channel, f"{at:%H:%M}") for channel, at in local]


def planned(told):
    """Channel and moment of a simulation's touches."""
    return [(t["channel"], datetime.fromisoformat(t["due_at"])) for t in told["touches"]]


def sent(followup, lead):
    """Channel and moment of what went out."""
    return [(entry.channel, entry.at) for entry in followup.sent(lead)]


def check_cold(moments, *, start):
    """It starts a day later, takes three weeks, and most of it is e-mail (with a yes)."""
    days = calendar(moments, start=start)
    channels = [channel for channel, _ in moments]
    assert moments[0][1] - start >= timedelta(hours=24)
    assert days[0] == (1, "email", "10:00")
    assert days[-1] == (21, "email", "08:00")
    assert channels.count("email") == 5
    assert sorted(channels) == ["email"] * 5 + ["sms", "voice"]


@pytest.mark.mission("D2", via="simulation")
async def test_every_source_has_its_calendar(followup):
    """Google is urgent and short, referrals are called first, the others are standard."""
    for source, (sequence, expected) in ASKED.items():
        told = await followup.simulate(sequence, start=FRIDAY.isoformat(), lead={"source": source})
        assert calendar(planned(told), start=FRIDAY) == expected, source


@pytest.mark.mission("D2", via="simulation")
async def test_cold_outbound_waits_a_day_and_writes(followup):
    """Twenty-one days from the day after, five e-mails of seven touches."""
    told = await followup.simulate(
        "d2-cold", start=WEDNESDAY.isoformat(), lead={"source": "cold_outbound"}
    )
    check_cold(planned(told), start=WEDNESDAY)


@pytest.mark.mission("D2", via="running")
async def test_leads_run_as_their_sources_demand(followup):
    """Posted together, each goes its own way, and first touches keep their promises."""
    leads = {source: await followup.lead(source) for source in ASKED}
    began = followup.clock()
    await followup.play()
    for source, (sequence, expected) in ASKED.items():
        lead = leads[source]
        assert calendar(sent(followup, lead), start=began) == expected, source
        assert (await followup.run_of(lead))["sequence"] == sequence
    first = {source: followup.sent(lead)[0].at - began for source, lead in leads.items()}
    assert first["web_form"] <= timedelta(minutes=2)
    assert max(first.values()) <= timedelta(minutes=5)


@pytest.mark.mission("D2", via="running")
async def test_a_referral_is_called_twice_and_gets_no_break_up_text(followup):
    """The phone comes first, and the last word is an e-mail's."""
    lead = await followup.lead("referral")
    await followup.play()
    entries = followup.sent(lead)
    assert [entry.channel for entry in entries].count("voice") == 2
    assert entries[0].channel == "voice"
    assert entries[-1].channel == "email"
    assert not any("last text" in e.text for e in entries if e.channel == "sms")


@pytest.mark.mission("D2", via="running")
async def test_cold_leads_wait_a_day_and_get_e_mail(followup):
    """The same in the running system."""
    followup.clock.jump(WEDNESDAY)
    lead = await followup.lead("cold_outbound")
    await followup.play()
    check_cold(sent(followup, lead), start=WEDNESDAY)


@pytest.mark.mission("C3", via="simulation")
async def test_on_paper_only_who_asked_is_hurried(followup):
    """Without a word on consent: a text at once to who asked, e-mail a day later to who did not."""
    asked = await followup.simulate("d1-web", lead={"source": "web_form", "consent": "unknown"})
    never = await followup.simulate(
        "d2-cold", lead={"source": "cold_outbound", "consent": "unknown"}
    )
    check_asked_and_never(planned(asked), planned(never), start=FRIDAY)


@pytest.mark.mission("C3", via="running")
async def test_only_who_asked_is_hurried(followup):
    """The same in the running system, where the source alone decides."""
    asked = await followup.lead("web_form", consent=None)
    never = await followup.lead("cold_outbound", consent=None)
    start = followup.clock()
    await followup.play()
    check_asked_and_never(sent(followup, asked), sent(followup, never), start=start)


def check_asked_and_never(asked, never, *, start):
    """Fast rounds for the one, cold rules for the other."""
    assert asked[0][0] == "sms"
    assert asked[0][1] - start <= timedelta(minutes=2)
    assert {channel for channel, _ in asked} == {"sms", "email"}
    assert {channel for channel, _ in never} == {"email"}
    assert never[0][1] - start >= timedelta(hours=24)
    assert all(b[1] - a[1] >= timedelta(hours=48) for a, b in pairwise(never))
