"""R13: always stop when asked, and respect "not interested"."""

import re
from datetime import timedelta

import pytest


async def begun(followup, count=1):
    """Leads that have had the first text and e-mail."""
    leads = [await followup.lead() for _ in range(count)]
    await followup.play(until=followup.clock() + timedelta(hours=2))
    for lead in leads:
        assert [entry.channel for entry in followup.sent(lead)] == ["sms", "email"]
    return leads


async def stays_silent(followup, lead, *, reason):
    """The run is halted for that reason and nothing ever goes out again."""
    run = await followup.run_of(lead)
    assert (run["state"], run["end_reason"]) == ("halted", reason)
    before = len(followup.sent(lead))
    await followup.play()
    assert len(followup.sent(lead)) == before


@pytest.mark.mission("R13", via="send")
async def test_stop_by_text_ends_it(followup):
    """Whoever says stop, in whatever words, hears nothing more, on any channel."""
    words = ("STOP", "please stop texting me", "Unsubscribe")
    *stopped, other = await begun(followup, len(words) + 1)
    for lead, said in zip(stopped, words, strict=True):
        await followup.say(lead, said)
    for lead in stopped:
        await stays_silent(followup, lead, reason="opted_out")
    assert len(followup.sent(other)) == 7


@pytest.mark.mission("R13", via="send")
async def test_stop_by_the_link_in_an_e_mail_ends_it(followup):
    """One click, without a question asked."""
    (lead,) = await begun(followup)
    link = re.search(r"http://followup\.test(/u/\S+)", followup.sent(lead)[1].text)[1]
    await followup.ask("POST", link, data={"List-Unsubscribe": "One-Click"})
    await followup.play(until=followup.clock())
    await stays_silent(followup, lead, reason="opted_out")


@pytest.mark.mission("R13", via="send")
async def test_not_interested_ends_it(followup):
    """Without the word stop, by text as by e-mail."""
    leads = await begun(followup, 2)
    for lead, channel in zip(leads, ("sms", "email"), strict=True):
        await followup.say(lead, "No thanks, I am not interested.", channel=channel)
    for lead in leads:
        await stays_silent(followup, lead, reason="not_interested")


@pytest.mark.mission("R13", via="plan")
async def test_who_said_stop_is_neither_texted_nor_called_on_a_new_enquiry(followup):
    """The number stays on the list: what a new run would send to it is not planned."""
    number = {"phone": "+12125550555", "email": "again@example.com"}
    lead = await followup.lead(**number)
    await followup.play(until=followup.clock() + timedelta(hours=2))
    await followup.say(lead, "STOP")
    again = await followup.lead("web_form", **number)
    await followup.play()
    assert again.person_id == lead.person_id
    assert (await followup.run_of(again))["sequence"] == "d1-web"
    assert {entry.channel for entry in followup.sent(lead)[2:]} <= {"email"}
    refused = {
        touch["channel"]: touch["reason"]
        for touch in (await followup.run_of(again))["touches"]
        if touch["state"] == "skipped"
    }
    assert refused.keys() >= {"sms", "voice"}
    assert set(refused.values()) == {"suppressed"}


@pytest.mark.mission("R13", via="plan")
async def test_on_paper_a_stop_ends_the_calendar(followup):
    """And so does "not interested"."""
    for reply, reason in (
        ({"intent": "opt_out", "opt_out": True}, "opted_out"),
        ({"intent": "not_interested"}, "not_interested"),
    ):
        told = await followup.simulate("d1", replies=[{"at": "2026-03-06T18:00:00Z", **reply}])
        assert [t["channel"] for t in told["touches"] if t["state"] == "sent"] == ["sms", "email"]
        assert (told["state"], told["end_reason"]) == ("halted", reason)
