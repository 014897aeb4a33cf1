"""R5 and R10 at the last word, and what a tenant may look at and rehearse before it sends."""

from datetime import datetime

import pytest

DOCUMENT = """
format: 1
key: personal
name: personal
accept:
  V3-no-default: whoever asked for nothing in particular is to get nothing
steps:
  - id: only
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: hello}]
templates:
  hello: {text: "You asked about {{ lead.need }}. Is it urgent? Reply STOP to end."}
"""
OFFER = """
format: 1
key: offer
name: offer
accept:
  R7-one-channel: one message is enough to see when it goes
steps:
  - id: offer
    at: {day: 3, time: "10:00"}
    touches: [{channel: sms, template: offer}]
templates:
  offer:
    text: >-
      Hi {{ person.first_name | default: "there" }}, the price is held until
      {{ lead.attributes.offer_ends | date: "%B %-d" }}. Shall we come?
      Reply STOP to end.
"""
LATE = datetime.fromisoformat("2026-03-10T15:00:00-04:00")
LETTER = {"subject": "Your roof", "text": "Hi {{ person.first_name }}, shall we come?"}


async def publish(followup, document=DOCUMENT, *, key="personal"):
    headers = {"content-type": "application/yaml"}
    await followup.ask("PUT", f"/v1/sequences/{key}", content=document, headers=headers)
    await followup.ask("POST", f"/v1/sequences/{key}/publish")


@pytest.mark.mission("R5", via="send")
async def test_no_message_goes_out_that_refers_to_nothing_of_its_person(followup):
    """The first line names what each asked for; who asked for nothing in particular gets none."""
    await publish(followup)
    roof = await followup.lead(sequence="personal", need="a new roof")
    fence = await followup.lead(sequence="personal", need="a fence")
    nothing = await followup.lead(sequence="personal", need=None)
    await followup.play()
    lines = [followup.sent(lead)[0].text.partition(".")[0] for lead in (roof, fence)]
    assert lines == ["You asked about a new roof", "You asked about a fence"]
    assert followup.sent(nothing) == []
    (why,) = await followup.why(nothing, "failed")
    assert "missing_variable" in str(why)
    assert "lead.need" in str(why)


@pytest.mark.mission("R10", via="send")
async def test_what_hurries_goes_while_its_date_is_ahead_and_never_after(followup):
    """An outage of a day: the deadline of one has passed meanwhile, the other's has not."""
    await publish(followup, OFFER, key="offer")
    passed, today, ahead = [
        await followup.lead(sequence="offer", attributes={"offer_ends": ends})
        for ends in ("2026-03-09", "2026-03-10", "2026-03-20")
    ]
    await followup.oversleep(LATE)
    await followup.play()
    assert ["March 10" in entry.text for entry in followup.sent(today)] == [True]
    assert ["March 20" in entry.text for entry in followup.sent(ahead)] == [True]
    assert followup.sent(passed) == []
    (why,) = await followup.why(passed, "skipped")
    assert why["rule"] == "R10"
    assert why["reason"] == "words that hurry, to a date that has passed"


async def test_a_touch_can_be_looked_at_before_it_goes(followup):
    """Words, sender, headers, and whether it would go now; nothing is sent or kept."""
    lead = await followup.lead(sequence=await followup.sequence("later", ("a", "{day: 3}", "sms")))
    ask = {"lead_id": str(lead.id), "channel": "email", "template": LETTER}
    shown = await followup.ask("POST", "/v1/touches/preview", json=ask)
    assert shown["text"].startswith("Hi Robin, shall we come?")
    assert "<p>Hi Robin, shall we come?</p>" in shown["html"]
    assert shown["headers"]["Auto-Submitted"] == "auto-generated"
    assert "/u/" in shown["headers"]["List-Unsubscribe"]
    assert (shown["verdict"]["result"], shown["sandbox"]) == ("go", True)
    text = {**ask, "channel": "sms", "template": {"text": "Zo\u00eb\u2019s \U0001f600"}}
    shown = await followup.ask("POST", "/v1/touches/preview", json=text)
    assert (shown["segments"], shown["alphabet"]) == (1, "UCS-2")
    stop = {"jurisdiction": "US-NY", "reason": "flood", "who": "Roe"}
    await followup.ask("POST", "/v1/rules/emergency-stops", json=stop)
    shown = await followup.ask("POST", "/v1/touches/preview", json=text)
    assert (shown["verdict"]["result"], shown["verdict"]["rule"]) == ("wait", "R15:US-NY")
    assert followup.sent(lead) == []
    for wrong, status in (
        ({**text, "template": {"text": "{{ lead.missing }}"}}, 422),
        ({**text, "template": {"text": "{% if %}"}}, 422),
        ({**text, "template": "0" * 64}, 404),
        ({**text, "template": {}}, 422),
        ({**text, "lead_id": "00000000-0000-0000-0000-000000000001"}, 404),
    ):
        answer = await followup.client.post("/v1/touches/preview", json=wrong)
        assert answer.status_code == status, answer.text
