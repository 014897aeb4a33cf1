"""R1, R2, R3, R6, R12: how often and at what times, when planned and when sent.

A person with two runs at once is how a plan goes wrong: neither knows of the other's
touches until they have gone.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

NEW_YORK = ZoneInfo("America/New_York")
AT_ONCE = "{after: 0m, window: at_once}"
SOON = "{after: 2h, window: at_once}"


def local(entry):
    """When it went, in New York."""
    return entry.at.astimezone(NEW_YORK)


async def after_another(followup, first, second):
    """A lead whose first run has sent a touch before the second one is planned."""
    await followup.sequence("one", ("only", AT_ONCE, first))
    await followup.sequence("two", ("only", SOON, second))
    lead = await followup.lead(sequence="one")
    await followup.play(until=followup.clock())
    await followup.enroll(lead, "two")
    await followup.play()
    return lead


async def beside_another(followup, first, second):
    """Two people with a run each, planned for the same moment, who turn out to be one.

    Neither plan knew of the other. Returns what was sent, and by which rules it was put off.
    """
    await followup.sequence("one", ("only", SOON, first))
    await followup.sequence("two", ("only", SOON, second))
    phone, email = "+12125550197", "one.and.the.same@example.com"
    leads = [
        await followup.lead(sequence="one", phone=phone),
        await followup.lead(sequence="two", email=email),
    ]
    await followup.play(until=followup.clock())
    await followup.lead(phone=phone, email=email)
    await followup.play()
    sent = sorted((e for lead in leads for e in followup.sent(lead)), key=lambda entry: entry.at)
    return sent, set().union(*[await deferred(followup, lead) for lead in leads])


async def moved(followup, lead):
    """The rules that moved planned touches of a lead."""
    reasons = [reason for why in await followup.why(lead, "planned") for reason in why["moved_by"]]
    return {reason.partition(":")[0] for reason in reasons}


async def deferred(followup, lead):
    """The rules by which the last word put touches off."""
    return {why["rule"] for why in await followup.why(lead, "deferred")}


@pytest.mark.mission("R1", via="plan")
async def test_a_second_text_of_the_day_is_planned_for_the_next(followup):
    """The plan says that R1 moved it."""
    lead = await after_another(followup, "sms", "sms")
    first, second = followup.sent(lead)
    assert (local(second).date() - local(first).date()).days == 1
    assert "R1" in await moved(followup, lead)
    assert await deferred(followup, lead) == set()


@pytest.mark.mission("R1", via="send")
async def test_a_second_text_of_the_day_is_not_sent(followup):
    """Two texts come due at once: one goes, the other on the next day."""
    (first, second), rules = await beside_another(followup, "sms", "sms")
    assert (local(second).date() - local(first).date()).days == 1
    assert rules == {"R1"}


@pytest.mark.mission("R2", via="plan")
async def test_e_mails_are_planned_two_days_apart(followup):
    """The second waits for its 48 hours."""
    lead = await after_another(followup, "email", "email")
    first, second = followup.sent(lead)
    assert second.at - first.at >= timedelta(hours=48)
    assert "R2" in await moved(followup, lead)
    assert await deferred(followup, lead) == set()


@pytest.mark.mission("R2", via="send")
async def test_e_mails_are_sent_two_days_apart(followup):
    """Two e-mails come due at once: one goes, the other 48 hours later."""
    (first, second), rules = await beside_another(followup, "email", "email")
    assert second.at - first.at >= timedelta(hours=48)
    assert rules == {"R2"}


@pytest.mark.mission("R6", via="plan")
async def test_a_second_round_of_the_day_is_planned_for_the_next(followup):
    """On whatever channel."""
    lead = await after_another(followup, "sms", "email")
    first, second = followup.sent(lead)
    assert (local(second).date() - local(first).date()).days == 1
    assert "R6" in await moved(followup, lead)
    assert await deferred(followup, lead) == set()


@pytest.mark.mission("R6", via="send")
async def test_a_second_round_of_the_day_is_not_sent(followup):
    """A text and an e-mail of two runs come due at once: one of them waits a day."""
    (first, second), rules = await beside_another(followup, "sms", "email")
    assert (local(second).date() - local(first).date()).days == 1
    assert rules == {"R6"}


@pytest.mark.mission("R6", via="send")
async def test_the_channels_of_one_round_share_a_day(followup):
    """A round may use several channels: they are no two rounds."""
    lead = await followup.lead("google_lsa")
    await followup.play(until=followup.clock() + timedelta(hours=12))
    assert [entry.channel for entry in followup.sent(lead)] == ["sms", "voice", "email"]
    assert await deferred(followup, lead) == set()


async def calls(followup):
    """A lead in a sequence of two calls, played until the first was made."""
    await followup.sequence("calls", ("first", "{day: 1}", "voice"), ("again", "{day: 3}", "voice"))
    lead = await followup.lead(sequence="calls")
    await followup.play(until=followup.clock() + timedelta(days=2))
    return lead


@pytest.mark.mission("R3", via="plan")
async def test_a_second_call_is_planned_for_another_time_of_day(followup):
    """Ten o'clock first, then two in the afternoon."""
    lead = await calls(followup)
    await followup.play()
    assert [f"{local(entry):%H:%M}" for entry in followup.sent(lead)] == ["10:00", "14:00"]
    assert await deferred(followup, lead) == set()


@pytest.mark.mission("R3", via="send")
async def test_a_call_that_comes_late_is_not_made_at_the_same_time_of_day(followup):
    """Planned for the afternoon, it comes due in a morning, like the first: it waits."""
    lead = await calls(followup)
    await followup.oversleep(datetime(2026, 3, 10, 10, 30, tzinfo=NEW_YORK))
    await followup.play()
    first, second = map(local, followup.sent(lead))
    assert first.hour < 12 <= second.hour
    assert await deferred(followup, lead) == {"R3"}


@pytest.mark.mission("R12", via="plan")
async def test_touches_are_planned_for_preferred_times(followup):
    """Texts 10 to 12 and 16 to 18, e-mails Tuesday to Thursday in the morning."""
    await followup.sequence(
        "wishes",
        ("text", "{after: 3h}", "sms"),  # a Friday, one o'clock
        ("mail", "{day: 1}", "email"),  # a Saturday
        ("early", "{day: 6}", "sms"),
        ("late", "{after: 153h}", "email"),  # a Thursday, eight in the evening
    )
    lead = await followup.lead(sequence="wishes")
    await followup.play()
    assert [f"{local(entry):%a %H:%M} {entry.channel}" for entry in followup.sent(lead)] == [
        "Fri 16:00 sms",
        "Tue 08:00 email",
        "Thu 10:00 sms",
        "Tue 08:00 email",
    ]
    assert "R12" in await moved(followup, lead)


@pytest.mark.mission("R11", via="plan")
async def test_businesses_are_contacted_on_weekdays(followup):
    """The call of the first Saturday waits for Monday; consumers are called on Saturday."""
    business, consumer = await followup.lead(audience="b2b"), await followup.lead()
    await followup.play()
    first = {
        lead: next(local(entry) for entry in followup.sent(lead) if entry.channel == "voice")
        for lead in (business, consumer)
    }
    assert f"{first[business]:%a}" == "Mon"
    assert f"{first[consumer]:%a}" == "Sat"
    assert all(local(entry).weekday() < 5 for entry in followup.sent(business))
    assert "R11" in await moved(followup, business)


@pytest.mark.mission("R11", via="send")
async def test_a_business_is_not_contacted_on_a_weekend_however_late_a_touch_comes(followup):
    """Due on a Friday, seen on a Saturday: the business waits for Monday, the consumer not."""
    await followup.sequence("soon", ("only", SOON, "sms"))
    business = await followup.lead(sequence="soon", audience="b2b")
    consumer = await followup.lead(sequence="soon")
    await followup.oversleep(datetime(2026, 3, 7, 12, 0, tzinfo=NEW_YORK))
    assert followup.sent(business) == []
    assert len(followup.sent(consumer)) == 1
    await followup.play()
    (sent,) = followup.sent(business)
    assert f"{local(sent):%a %H:%M}" == "Mon 08:00"
    assert await deferred(followup, business) == {"R11"}


async def test_a_tenants_own_rules_narrow_what_is_sent(followup):
    """Hours, caps, exemptions and emergency stops by HTTP: kept, shown and obeyed."""
    rules = {
        "hours": [{"channels": ["sms"], "sat": ["15:00-17:00"]}],
        "caps": [{"channels": ["sms"], "count": 0, "hours": 24}],
    }
    shown = await followup.ask("PUT", "/v1/rules", json=rules)
    assert shown["rules"] == rules
    await followup.ask("PUT", "/v1/rules", json={"hours": rules["hours"]})
    stop = {"jurisdiction": "US-NJ", "reason": "flood", "who": "Roe"}
    assert (await followup.ask("POST", "/v1/rules/emergency-stops", json=stop))["emergency_stops"]
    await followup.sequence("soon", ("only", SOON, "sms"))
    here = await followup.lead(sequence="soon")
    there = await followup.lead(
        sequence="soon", state="NJ", postal_code="07101", phone="+12015550155"
    )
    await followup.oversleep(datetime(2026, 3, 7, 12, 0, tzinfo=NEW_YORK))
    await followup.play(until=followup.clock() + timedelta(days=2))
    (sent,) = followup.sent(here)
    assert f"{local(sent):%a %H:%M}" == "Sat 15:00"
    assert "house:hours" in await deferred(followup, here)
    assert followup.sent(there) == []
    assert "R15:US-NJ" in await deferred(followup, there)
    await followup.ask("DELETE", "/v1/rules/emergency-stops/US-NJ")
    await followup.play(until=followup.clock() + timedelta(days=1))
    assert len(followup.sent(there)) == 1


async def test_only_a_law_that_knows_an_exemption_can_be_exempted_from(followup):
    """Who, why and until when are asked for; Florida's caps stay whatever is said."""
    body = {
        "jurisdiction": "US-VA",
        "what": "hours",
        "channels": ["sms"],
        "reason": "written consents on file",
        "who": "R. Roe",
        "ends_at": (followup.clock() + timedelta(days=30)).isoformat(),
    }
    shown = await followup.ask("POST", "/v1/rules/exemptions", json=body)
    (granted,) = shown["exemptions"]
    assert granted["granted_by"].startswith("R. Roe (key ")
    refusals = [
        {**body, "jurisdiction": "US-FL"},
        {**body, "ends_at": (followup.clock() + timedelta(days=900)).isoformat()},
        {**body, "who": ""},
        {**body, "channels": []},
        {**body, "jurisdiction": "us"},
    ]
    for refused in refusals:
        answer = await followup.client.post("/v1/rules/exemptions", json=refused)
        assert answer.status_code == 422, answer.text
    path = f"/v1/rules/exemptions/{granted['id']}"
    assert (await followup.ask("DELETE", path))["exemptions"][0]["revoked_at"]
    assert (await followup.client.delete(path)).status_code == 404
