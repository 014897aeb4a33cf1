"""Somebody of ours answers in the conversation: inside the rules, once, automation paused."""

from datetime import timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
AT_ONCE = "{after: 0m, window: at_once}"


async def answered(followup, lead, text, *, key="k1", **more):
    """What the route says to an answer."""
    return await followup.client.post(
        f"/v1/leads/{lead.id}/messages",
        json={"text": text, **more},
        headers={"Idempotency-Key": key},
    )


async def conversation(followup, lead):
    """Who said what, in order."""
    page = await followup.ask("GET", f"/v1/leads/{lead.id}/conversation")
    return [(said["direction"], said["body"], said["state"]) for said in page["items"]]


async def test_an_answer_goes_out_at_once_and_automation_pauses(followup):
    """The same day's second text, from the number they know; what was planned stays away."""
    await followup.sequence("two", ("first", AT_ONCE, "sms"), ("second", "{after: 2d}", "sms"))
    lead = await followup.lead(sequence="two")
    await followup.play(until=followup.clock())
    await followup.say(lead, "How much does it cost?")
    words = "It is {{ about }} $400, {% most %} of it work."
    first = await answered(followup, lead, words, by="kim")
    again = await answered(followup, lead, words, by="kim")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    await followup.play(until=followup.clock())
    sent = followup.sent(lead)
    assert [(entry.channel, entry.sender) for entry in sent] == [("sms", sent[0].sender)] * 2
    assert sent[1].text == words
    assert await conversation(followup, lead) == [
        ("outbound", "Hi Robin, is it urgent? Reply STOP to opt out.", "sent"),
        ("inbound", "How much does it cost?", None),
        ("outbound", words, "sent"),
    ]
    run = await followup.run_of(lead)
    assert run["state"] == "paused"
    await followup.play()
    assert len(followup.sent(lead)) == 2
    await followup.ask("POST", f"/v1/enrollments/{run['id']}/resume")
    await followup.play()
    assert len(followup.sent(lead)) == 3
    told = [item["what"] for item in await followup.timeline(lead)]
    assert told.index("reply received") < told.index("written to") < told.index("sent", 5)


async def test_an_answer_waits_for_the_morning_and_says_so(followup):
    """At night the law has the last word: the message tells which, until when, and then goes."""
    await followup.sequence("one", ("first", AT_ONCE, "sms"))
    lead = await followup.lead(sequence="one")
    night = followup.clock() + timedelta(hours=12)
    await followup.play(until=night)
    await followup.say(lead, "Are you there?")
    asked = (await answered(followup, lead, "Yes, I am.")).json()
    await followup.play(until=night)
    path = f"/v1/leads/{lead.id}/messages/{asked['id']}"
    waiting = await followup.ask("GET", path)
    assert (waiting["state"], waiting["rule"][:4]) == ("waiting", "R15:")
    assert len(followup.sent(lead)) == 1
    await followup.play(until=night + timedelta(hours=12))
    sent = followup.sent(lead)[1]
    assert sent.text == "Yes, I am."
    assert sent.at.astimezone(NEW_YORK).hour >= 8
    assert (await followup.ask("GET", path))["state"] == "sent"


async def test_a_message_nobody_waits_for_keeps_the_pace_of_follow_up(followup):
    """Where the person has not written it is one more text of the day, and waits for the next."""
    await followup.sequence("one", ("first", AT_ONCE, "sms"))
    lead = await followup.lead(sequence="one")
    await followup.play(until=followup.clock())
    asked = (await answered(followup, lead, "One more thing.")).json()
    await followup.play(until=followup.clock())
    waiting = await followup.ask("GET", f"/v1/leads/{lead.id}/messages/{asked['id']}")
    assert (waiting["state"], waiting["rule"]) == ("waiting", "R1")


async def test_who_said_stop_is_not_written_to(followup):
    """Refused at once; and one that waits when they say it never goes."""
    await followup.sequence("one", ("first", AT_ONCE, "sms"))
    lead = await followup.lead(sequence="one")
    await followup.play(until=followup.clock())
    asked = (await answered(followup, lead, "One more thing.")).json()
    await followup.say(lead, "STOP")
    refused = await answered(followup, lead, "Please reconsider.", key="k2")
    assert (refused.status_code, refused.json()["title"]) == (409, "Suppressed")
    await followup.play()
    over = await followup.ask("GET", f"/v1/leads/{lead.id}/messages/{asked['id']}")
    assert (over["state"], over["rule"]) == ("skipped", "suppressed")
    assert len(followup.sent(lead)) == 1
