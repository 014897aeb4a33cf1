"""Later touches take the channel that a lead answers best, and say what speaks for it."""

from uuid import UUID

import pytest

YAML = {"content-type": "application/yaml"}
NAME = '{{ person.first_name | default: "there" }}'
DOCUMENT = f"""
key: learns
name: Learns
accept:
  R7-same-message: what these say does not matter
  R7-one-channel: what these say does not matter
steps:
  - id: only
    at: {{day: 1}}
    touches:
      - channel: {{best: [sms, email]}}
        template: {{sms: t, email: m}}
templates:
  t: {{text: 'Hi {NAME}, is it urgent? Reply STOP to opt out.'}}
  m: {{subject: Your roof, text: 'Hi {NAME}, shall we come and look?'}}
"""


@pytest.mark.mission("T6", via="running")
async def test_a_later_touch_takes_the_channel_that_was_answered(client, desk, say):
    """Whoever answers e-mails gets an e-mail, who answers nothing the first of the list; the
    agenda says by which figures."""
    stored = await client.put("/v1/sequences/learns", content=DOCUMENT, headers=YAML)
    assert stored.status_code == 200, stored.text
    published = await client.post("/v1/sequences/learns/publish")
    assert published.status_code == 200, published.text
    channels = {}
    for answers in ("email", None):
        lead, run = await desk.enrolled()
        for channel in ("sms", "email"):
            await desk.send(await desk.touch(run, channel))
        if answers is not None:
            reply = say.reply(lead, at=desk.clock(), intent="interested", channel=answers)
            await desk.tell(desk.replies, reply)
        body = {"lead_id": str(lead.lead_id), "sequence": "learns"}
        learns = (await client.post("/v1/enrollments", json=body)).json()
        (planned,) = [t for t in learns["touches"] if t["state"] == "planned"]
        channels[answers] = planned["channel"]
        why = (await desk.touch(UUID(learns["id"]), planned["channel"], "only"))["trace"][0]
        assert ("answered so far: email 1 of 1" in why.get("best_channel", "")) is bool(answers)
        page = (await client.get("/v1/agenda?show=touches")).json()
        (line,) = [
            i
            for i in page["items"]
            if i["touch"]["sequence"] == "learns" and i["lead"]["id"] == str(lead.lead_id)
        ]
        best = line["lead"]["best_channel"]
        assert best == (
            {"channel": "email", "why": "answered so far: email 1 of 1, sms 0 of 1"}
            if answers
            else None
        )
    assert channels == {"email": "email", None: "sms"}
