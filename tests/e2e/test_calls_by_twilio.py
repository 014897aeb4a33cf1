"""Calls from end to end: placed at the vendor, asked what to say, and heeded by the sequence."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from twilio_house import OURS, twilio_house, words

AGENT = "+12125550777"
YAML = {"content-type": "application/yaml"}
CALLS = """format: 1
key: calls
name: A call, and a text about it
accept:
  R7-same-message: what these say does not matter
steps:
  - id: ring
    at: {after: 0m, window: at_once}
    touches: [{channel: voice, template: ring}]
  - id: text
    at: {after: 1d, window: at_once}
    touches:
      - channel: sms
        template:
          - when: {voicemail_left: ring}
            use: after-voicemail
          - use: after-ringing
templates:
  ring:
    text: 'Hello {{ person.first_name | default: "there" }}, this is about your roof.'
    voicemail: 'Hello {{ person.first_name | default: "there" }}, please call us back.'
  after-voicemail:
    text: 'Hi {{ person.first_name | default: "there" }}, got our message? Reply STOP to end.'
  after-ringing:
    text: 'Hi {{ person.first_name | default: "there" }}, when may we call? Reply STOP to end.'
"""


@pytest.fixture
async def twilio(followup):
    await followup.ask("PUT", "/v1/sequences/calls", content=CALLS, headers=YAML)
    await followup.ask("POST", "/v1/sequences/calls/publish")
    async with twilio_house(followup, connect_to=AGENT) as house:
        yield house


# Who picks up, how the call ends, its result, and whether the text speaks of a message.
ENDS = {
    "beep": ("machine_end_beep", "completed", "voicemail_left", True),
    "silence": ("machine_end_silence", "completed", "voicemail_left", True),
    "greeting": ("machine_start", "completed", "machine", False),
    "fax": ("fax", "completed", "machine", False),
    "person": ("human", "completed", "answered", False),
    "doubt": ("unknown", "completed", "answered", False),
    "rings out": (None, "no-answer", "no_answer", False),
    "engaged": (None, "busy", "busy", False),
}


@pytest.mark.mission("D1", via="running")
@pytest.mark.mission("R4", via="send")
async def test_a_voicemail_is_spoken_after_the_greeting_and_to_nobody_else(twilio):
    """Machines that have done hear it, people hear the call, and the next text knows which."""
    followup = twilio.followup
    leads = {name: await followup.lead(sequence="calls") for name in ENDS}
    await followup.play(until=followup.clock())
    for name, (by, end, _, _) in ENDS.items():
        call = twilio.call(leads[name])
        assert call.request.field("MachineDetection") == "DetectMessageEnd"
        if by is not None:
            said = await call.answered(by)
            heard = words(said)
            assert ("please call us back" in heard) == ENDS[name][3], name
            assert ("about your roof" in heard) == (by in {"human", "unknown"}), name
        await call.over(end, **({} if by is None else {"AnsweredBy": by}))
    await followup.play(until=followup.clock() + timedelta(hours=25))
    for name, (_, _, result, left) in ENDS.items():
        (text,) = twilio.texts(leads[name])
        assert ("got our message" in text) == left, name
        ended = await followup.why(leads[name], "call ended")
        assert [why["result"] for why in ended] == [result], name
    assert twilio.vendor.ledger.twice() == []


async def test_a_key_connects_to_a_person_and_the_sequence_waits_for_them(twilio):
    """1: our side hears who it is and takes the call; the run halts with a task."""
    followup = twilio.followup
    lead = await followup.lead(sequence="calls")
    await followup.play(until=followup.clock())
    call = twilio.call(lead)
    said = await call.answered("human")
    joined = await call.press(said, "1")
    dial = joined.find("Dial")
    assert (dial.find("Number").text, dial.get("callerId")) == (AGENT, OURS)
    whispered = await call.ask(dial.find("Number").get("url"), To=AGENT, From=OURS)
    assert "Robin" in words(whispered)
    assert len(await call.press(whispered, "5", To=AGENT, From=OURS)) == 0
    await call.ask(dial.get("action"), DialCallStatus="completed")
    await call.over("completed")
    await followup.play()
    assert twilio.texts(lead) == []
    run = await followup.run_of(lead)
    assert (run["state"], run["end_reason"]) == ("halted", "interested")
    (task,) = (await followup.ask("GET", "/v1/tasks", params={"state": "open"}))["items"]
    assert (task["lead_id"], task["kind"]) == (str(lead.id), "contact_interested")


@pytest.mark.mission("R13", via="running")
async def test_a_key_stops_calls_and_texts_for_good(twilio):
    """9: nothing more goes to that number, from another sequence neither."""
    followup = twilio.followup
    lead = await followup.lead(sequence="calls")
    await followup.play(until=followup.clock())
    call = twilio.call(lead)
    stopped = await call.press(await call.answered("human"), "9")
    assert stopped.find("Hangup") is not None
    await call.over("completed")
    await followup.sequence("again", ("only", "{after: 1d, window: at_once}", "sms"))
    await followup.enroll(lead, "again")
    await followup.play()
    assert twilio.texts(lead) == []
    (listed,) = (await followup.ask("GET", "/v1/suppressions"))["items"]
    assert (listed["channel"], listed["via"]) == ("all", "voice")


async def test_a_call_that_somebody_else_describes_is_not_heard(twilio):
    """A forged key stops nobody, and a forged answer hears no script."""
    followup = twilio.followup
    lead = await followup.lead(sequence="calls")
    await followup.play(until=followup.clock())
    url = str(twilio.call(lead).request.field("Url"))
    forged = {"X-Twilio-Signature": "Zm9yZ2Vk"}
    pressed = urlsplit(url)._replace(path=urlsplit(url).path.replace("answer", "gather")).geturl()
    for address in (url, pressed):
        answer = await followup.client.post(address, data={"Digits": "9"}, headers=forged)
        assert answer.status_code == 403
    assert (await followup.ask("GET", "/v1/suppressions"))["items"] == []
