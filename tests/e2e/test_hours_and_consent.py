"""R15: quiet hours and consent by jurisdiction, when planned and when sent.

Expected hours stand here as the statutes have them, not as the product's data does.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

NEW_YORK, CHICAGO, DENVER = (
    ZoneInfo(f"America/{city}") for city in ("New_York", "Chicago", "Denver")
)
US_NY = {"country": "US", "state": "NY", "postal_code": "10001"}
US_FL = {"country": "US", "state": "FL", "postal_code": "33101"}

# Channel, place, zone, lead in (March 2026, the 6th is a Friday), first touch.
CLOSED = [
    ("sms", US_NY, "America/New_York", "06 22:30", "07 08:00"),  # 47 CFR 64.1200(c)(1)
    ("sms", US_FL, "America/New_York", "06 20:30", "07 08:00"),  # Fla. Stat. 501.616(6)
    (
        "sms",  # Conn. Gen. Stat. 42-288a
        {"country": "US", "state": "CT", "postal_code": "06103"},
        "America/New_York",
        "06 20:10",
        "07 09:00",
    ),
    (
        "sms",  # Tex. Bus. & Com. Code 301.051: Sundays from noon
        {"country": "US", "state": "TX", "postal_code": "78701"},
        "America/Chicago",
        "08 09:30",
        "08 12:00",
    ),
    (
        "sms",  # Louisiana Public Service Commission: no Sundays
        {"country": "US", "state": "LA", "postal_code": "70112"},
        "America/Chicago",
        "07 20:30",
        "09 08:00",
    ),
    # Nobody knows the state: 10 to 17 on Saturdays, no Sundays, on every clock at once.
    ("sms", {"country": "US"}, "America/Los_Angeles", "07 17:30", "09 10:00"),
    ("sms", {"country": "CA", "state": "BC"}, "America/Vancouver", "07 18:30", "08 10:00"),
    ("sms", {"country": "GB"}, "Europe/London", "07 21:30", "09 08:00"),
    ("sms", {"country": "DE"}, "Europe/Berlin", "07 18:30", "09 08:00"),
    ("sms", {"country": "FR"}, "Europe/Paris", "07 22:30", "09 08:00"),
    ("sms", {"country": "IN"}, "Asia/Kolkata", "06 21:30", "07 10:00"),
    ("voice", {"country": "FR"}, "Europe/Paris", "06 13:10", "06 14:00"),  # décret 2022-1313
    (
        "voice",  # KRS 367.46955
        {"country": "US", "state": "KY", "postal_code": "40202"},
        "America/Kentucky/Louisville",
        "06 09:15",
        "06 10:00",
    ),
    (
        "voice",  # 10 MRSA 1498: automated calls 9 to 17 on weekdays
        {"country": "US", "state": "ME", "postal_code": "04101"},
        "America/New_York",
        "06 17:30",
        "09 09:00",
    ),
]
FIRST = {"sms": "d1", "voice": "d2-referral"}
"""A sequence that begins at once with the channel."""


def march(moment, zone):
    """The moment "day hour:minute" of March 2026 in a zone."""
    return datetime.strptime(f"2026-03-{moment}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))


@pytest.mark.mission("R15", via="plan")
async def test_a_first_touch_waits_until_the_law_opens(followup):
    """A lead that comes in quiet hours is answered at their end, and the plan says why."""
    for channel, place, zone, comes, goes in CLOSED:
        told = await followup.simulate(
            FIRST[channel],
            start=march(comes, zone).isoformat(),
            lead={"state": None, "phone": None, **place},
        )
        first = next(touch for touch in told["touches"] if touch["channel"] == channel)
        assert datetime.fromisoformat(first["due_at"]) == march(goes, zone), place
        assert any(reason.startswith("R15:") for reason in first["moved_by"]), place


@pytest.mark.mission("R15", via="plan")
async def test_leads_of_a_saturday_night_are_answered_when_each_law_opens(followup):
    """One moment, four laws: each lead's first text goes at the first minute of its own."""
    followup.clock.jump(march("07 22:00", "America/New_York"))
    expected = {
        await followup.lead(): march("08 08:00", "America/New_York"),
        # Numbers of Texas may be used on both its clocks: noon has come on both at noon in
        # the west.
        await followup.lead(state="TX", postal_code="78701", phone="+15125550123"): march(
            "08 12:00", "America/Denver"
        ),
        await followup.lead(state="LA", postal_code="70112", phone="+15045550123"): march(
            "09 08:00", "America/Chicago"
        ),
        await followup.lead(
            country="GB", state=None, postal_code="SW1A 1AA", phone="+447700900123"
        ): march("09 08:00", "Europe/London"),
    }
    await followup.play(until=march("10 00:00", "America/New_York"))
    for lead, goes in expected.items():
        # E-mail has no quiet hours, and does not wait.
        first = next(entry for entry in followup.sent(lead) if entry.channel == "sms")
        assert timedelta(0) <= first.at - goes < timedelta(seconds=1)
        planned = (await followup.why(lead, "planned"))[0]
        assert planned["moved_by"][0].startswith("R15:")


@pytest.mark.mission("R15", via="plan")
async def test_a_statute_counts_contacts(followup):
    """Florida allows three in 24 hours: a fourth that New York allows waits there."""
    both = [{"channel": "sms", "template": "sms"}, {"channel": "voice", "template": "voice"}]
    document = {
        "format": 1,
        "key": "often",
        "name": "often",
        "steps": [
            {"id": "one", "at": {"after": "0m", "window": "at_once"}, "touches": both},
            {"id": "two", "at": {"after": "16h", "window": "at_once"}, "touches": both},
        ],
        "templates": {
            "sms": {"text": "Is it urgent?"},
            "voice": {"text": "Hello.", "voicemail": "Hello, call us back."},
        },
    }
    start = march("06 18:00", "America/New_York")
    times = {}
    for place in (US_NY, US_FL):
        told = await followup.simulate(
            "often", start=start.isoformat(), document=document, lead={**place, "phone": None}
        )
        moments = [datetime.fromisoformat(touch["due_at"]) for touch in told["touches"]]
        times[place["state"]] = moments
        moved = [reason for touch in told["touches"] for reason in touch["moved_by"]]
        assert any("R15:US-FL" in reason for reason in moved) == (place is US_FL)
    assert times["NY"][3] - start < timedelta(hours=24)
    assert times["FL"][3] - start >= timedelta(hours=24)
    assert times["FL"][:3] == times["NY"][:3]


@pytest.mark.mission("R15", via="send")
async def test_what_comes_late_is_not_sent_in_quiet_hours(followup):
    """Due at noon, seen at half past eight: closed in Florida from eight, in New York from nine.

    novu#2858, novu#8308: what do-not-disturb hours stop is put off to their end and not lost.
    """
    await followup.sequence("soon", ("only", "{after: 2h, window: at_once}", "sms"))
    ny = await followup.lead(sequence="soon")
    fl = await followup.lead(sequence="soon", state="FL", postal_code="33101", phone="+13055550123")
    await followup.oversleep(march("06 20:30", "America/New_York"))
    assert [entry.at for entry in followup.sent(fl)] == []
    assert len(followup.sent(ny)) == 1
    await followup.play()
    (sent,) = followup.sent(fl)
    # Florida has two clocks as well: eight o'clock has come on both at nine in the east.
    assert f"{sent.at.astimezone(NEW_YORK):%a %H:%M}" == "Sat 09:00"
    assert [why["rule"] for why in await followup.why(fl, "deferred")] == ["R15:US-FL"]


@pytest.mark.mission("R15", via="send")
async def test_what_comes_late_at_night_is_sent_to_nobody(followup):
    """At eleven in the evening all states are quiet, and e-mail has no quiet hours."""
    await followup.sequence("text", ("only", "{after: 2h, window: at_once}", "sms"))
    await followup.sequence("call", ("only", "{after: 2h, window: at_once}", "voice"))
    await followup.sequence("mail", ("only", "{after: 2h, window: at_once}", "email"))
    leads = {key: await followup.lead(sequence=key) for key in ("text", "call", "mail")}
    await followup.oversleep(march("06 23:00", "America/New_York"))
    assert {key: len(followup.sent(lead)) for key, lead in leads.items()} == {
        "text": 0,
        "call": 0,
        "mail": 1,
    }
    await followup.play()
    for key in ("text", "call"):
        (sent,) = followup.sent(leads[key])
        assert f"{sent.at.astimezone(NEW_YORK):%a %H:%M}" == "Sat 08:00"
        (why,) = await followup.why(leads[key], "deferred")
        assert why["rule"].startswith("R15:US")


EVERYTHING = {"sms", "email", "voice"}
OPEN = {
    # Who asked, in the first three rows; who never asked, in the last three.
    ("US", "yes", "web_form"): EVERYTHING,
    ("US", "unknown", "web_form"): {"sms", "email"},
    ("US", "no", "web_form"): set(),
    ("GB", "yes", "web_form"): EVERYTHING,
    ("GB", "unknown", "web_form"): {"email"},
    ("GB", "no", "web_form"): set(),
    ("DE", "yes", "web_form"): EVERYTHING,
    ("DE", "unknown", "web_form"): {"email"},
    ("DE", "no", "web_form"): set(),
    ("US", "yes", "cold_outbound"): EVERYTHING,
    ("US", "unknown", "cold_outbound"): {"email"},
    ("US", "no", "cold_outbound"): set(),
    ("GB", "unknown", "cold_outbound"): set(),
    ("DE", "unknown", "cold_outbound"): set(),
}
"""Country, consent on record and source → the channels that may be used."""
SEQUENCES = {"web_form": "d1-web", "cold_outbound": "d2-cold"}


@pytest.mark.mission("R15", via="plan")
async def test_only_channels_with_consent_are_planned(followup):
    """A no closes all, nothing on record leaves what the country allows for an answer."""
    for (country, consent, source), expected in OPEN.items():
        lead = {"country": country, "state": None, "phone": None, "consent": consent}
        told = await followup.simulate(SEQUENCES[source], lead={**lead, "source": source})
        case = (country, consent, source)
        assert {touch["channel"] for touch in told["touches"]} == expected, case
        refused = [skip for skip in told["skipped"] if "consent" in skip["reason"]]
        assert {skip["channel"] for skip in refused} == EVERYTHING - expected, case


@pytest.mark.mission("R15", via="send")
async def test_only_channels_with_consent_are_used(followup):
    """The whole table at once, in the running system, with the reason where nobody was reached."""
    phones = {
        "US": [f"+1212555{n:04}" for n in range(600, 610)],
        "GB": [f"+447700900{n:03}" for n in range(600, 610)],
        "DE": [f"+493023125{n:03}" for n in range(600, 610)],
    }
    places = defaultdict(lambda: {"state": None, "postal_code": None}, US=US_NY)
    leads = {
        case: await followup.lead(
            case[2],
            **{**places[case[0]], "country": case[0]},
            consent=case[1],
            phone=phones[case[0]].pop(),
        )
        for case in OPEN
    }
    await followup.play()
    for case, lead in leads.items():
        assert {entry.channel for entry in followup.sent(lead)} == OPEN[case], case
        run = await followup.run_of(lead)
        assert run["state"] == "completed"
        if not OPEN[case]:
            assert run["end_reason"] == "nobody_to_reach" or "consent" in run["end_reason"], case


@pytest.mark.mission("R15", via="send")
async def test_a_no_that_comes_after_the_plan_counts(followup):
    """Somebody sends the form again and refuses consent: what was planned does not go."""
    number = {"phone": "+12125550555", "email": "again@example.com"}
    lead = await followup.lead(**number)
    await followup.play(until=followup.clock() + timedelta(hours=2))
    before = len(followup.sent(lead))
    again = await followup.lead(consent="no", **number)
    await followup.play()
    assert again.person_id == lead.person_id
    assert before == 2
    assert len(followup.sent(lead)) == before
    assert {why["rule"] for why in await followup.why(lead, "skipped")} >= {"consent"}


YAML = {"content-type": "application/yaml"}
PATIENT = """format: 1
key: text
name: A text that may wait for long
limits: {slide: 60d}
steps:
  - id: only
    at: {after: 5d, window: at_once}
    touches: [{channel: sms, template: sms}]
templates:
  sms: {text: 'Hi {{ person.first_name | default: "there" }}, is it urgent? Reply STOP.'}
"""
FRENCH = {"country": "FR", "state": None, "postal_code": "75001"}


@pytest.mark.mission("R15", via="plan")
@pytest.mark.mission("R13", via="running")
async def test_whoever_says_no_in_france_is_not_called_or_texted_for_sixty_days(followup):
    """A new run waits behind them, what is due before is put off; a letter is not held."""
    await followup.ask("PUT", "/v1/sequences/text", content=PATIENT, headers=YAML)
    await followup.ask("POST", "/v1/sequences/text/publish")
    await followup.sequence("mail", ("only", "{after: 3d, window: at_once}", "email"))
    await followup.sequence("soon", ("only", "{after: 20h, window: at_once}", "voice"))
    await followup.sequence("first", ("only", "{after: 1h, window: at_once}", "sms"))
    lead = await followup.lead(**FRENCH, phone="+33612345678", sequence="first")
    await followup.play(until=followup.clock() + timedelta(hours=2))
    paris = ZoneInfo("Europe/Paris")
    assert len(followup.sent(lead)) == 1
    await followup.say(lead, "Non merci, pas intéressé.")
    said = followup.clock().astimezone(paris)
    for key in ("text", "mail", "soon"):
        await followup.enroll(lead, key)
    await followup.play()
    _, letter, late = followup.sent(lead)
    assert letter.channel == "email"
    first = said.date() + timedelta(days=61)
    assert (late.channel, late.at.astimezone(paris).date()) == ("sms", first)
    planned = [why for why in await followup.why(lead, "planned") if "said no" in str(why)]
    assert any("FR wants 60 days without contact" in str(why["moved_by"]) for why in planned)
    (skipped,) = await followup.why(lead, "skipped")
    assert "said no" in skipped["reason"]


@pytest.mark.mission("R15", via="send")
async def test_a_refusal_on_the_phone_counts_for_what_was_planned_before(followup):
    """What one of ours heard is told; the text of that hour waits, until they agree anew."""
    await followup.sequence("text", ("only", "{after: 1h, window: at_once}", "sms"))
    stays, agrees = [
        await followup.lead(**FRENCH, phone=f"+3361234567{n}", sequence="text") for n in (1, 2)
    ]
    await followup.play(until=followup.clock() + timedelta(minutes=30))
    for lead in (stays, agrees):
        told = await followup.ask(
            "POST", f"/v1/leads/{lead.id}/consent", json={"state": "refused", "channel": "voice"}
        )
        assert (told["consent"]["sms"], set(told["refused"])) == (
            "yes",
            {"sms", "voice", "email", "whatsapp", "instagram"},
        )
    await followup.play(until=followup.clock() + timedelta(minutes=1))
    said = {"state": "yes", "channel": "sms", "wording": "Text me after all"}
    told = await followup.ask("POST", f"/v1/leads/{agrees.id}/consent", json=said)
    assert "sms" not in told["refused"]
    await followup.play(until=followup.clock() + timedelta(hours=2))
    assert [e.channel for e in followup.sent(agrees)] == ["sms"]
    assert followup.sent(stays) == []
    (why,) = await followup.why(stays, "deferred")
    assert (why["rule"], "said no" in why["reason"]) == ("R15:FR", True)
