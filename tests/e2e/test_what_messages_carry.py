"""R5 at the last word, and what a tenant may look at and rehearse before it sends."""

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
LETTER = {"subject": "Your roof", "text": "Hi {{ person.first_name }}, shall we come?"}


async def publish(followup):
    headers = {"content-type": "application/yaml"}
    await followup.ask("PUT", "/v1/sequences/personal", content=DOCUMENT, headers=headers)
    await followup.ask("POST", "/v1/sequences/personal/publish")


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
