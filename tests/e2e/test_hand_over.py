"""C2: who never answers moves to the list for marketing, and is back as soon as they write."""

import json
import subprocess
import sys
from datetime import timedelta

import aio_pika
import pytest

from followup_testkit.waiting import until

HANDED_OFF = "lead.handed_off.v1"


@pytest.mark.mission("C2", via="simulation")
def test_on_paper_only_who_never_answers_is_handed_over(tmp_path):
    """The command tells it: silence ends on the list, an answer in the last days does not."""
    interested = {"at": "2026-03-21T09:00:00-04:00", "intent": "interested"}
    silent, back = simulated(tmp_path), simulated(tmp_path, replies=[interested])
    assert (silent["state"], silent["handed_to"]) == ("completed", "nurture")
    assert (back["state"], back["end_reason"], back["handed_to"]) == ("halted", "interested", None)
    assert [task["kind"] for task in back["tasks"]] == ["contact_interested"]


@pytest.mark.mission("D1", via="simulation")
def test_the_command_tells_the_calendar(tmp_path):
    """`followup simulate d1 --json`: seven touches over fourteen days."""
    told = simulated(tmp_path)
    assert [(touch["day"], touch["channel"]) for touch in told["touches"]] == [
        (0, "sms"),
        (0, "email"),
        (1, "voice"),
        (2, "sms"),
        (4, "email"),
        (7, "voice"),
        (14, "sms"),
    ]


def simulated(folder, **play):
    """What `followup simulate d1 --json` prints for a lead of a Friday morning in New York."""
    file = folder / "lead.json"
    file.write_text(json.dumps({"lead": {"country": "US", "state": "NY"}, **play}))
    options = ("--json", "--start", "2026-03-06T10:00:00-05:00", "--lead", str(file))
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "followup_embedded", "simulate", "d1", *options],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.mission("C2", via="running")
async def test_another_service_hears_of_the_hand_over(followup_on_rabbit, amqp_url):
    """A queue of somebody else's, bound to our events, gets the lead that did not answer."""
    followup = followup_on_rabbit
    connection = await aio_pika.connect(amqp_url)
    async with connection, await connection.channel() as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("followup.events", HANDED_OFF)
        await followup.sequence("one", ("only", "{after: 0m, window: at_once}", "sms"))
        document = (await followup.ask("GET", "/v1/sequences/one"))["source"]
        await followup.ask(
            "PUT",
            "/v1/sequences/one",
            content=f"{document}end: {{wait: 1d, hand_off: marketing}}\n",
            headers={"content-type": "application/yaml"},
        )
        await followup.ask("POST", "/v1/sequences/one/publish")
        lead = await followup.lead(sequence="one")

        async def sent():
            return await followup.why(lead, "sent")

        await until(sent, what="the text is sent")
        followup.clock.advance(timedelta(days=1, minutes=1))
        followup.house.nudge()
        async with queue.iterator(timeout=20) as messages:
            event = json.loads((await anext(messages)).body)
    assert event["type"] == f"followup.{HANDED_OFF}"
    assert event["data"]["lead_id"] == str(lead.id)
    assert event["data"]["to"] == "marketing"
    assert (await followup.run_of(lead))["state"] == "completed"


@pytest.mark.mission("C2", via="running")
async def test_who_enquires_again_is_followed_up_again(followup):
    """The same person, another enquiry: a run of its own, from the beginning."""
    number = {"phone": "+12125550555", "email": "again@example.com"}
    lead = await followup.lead(**number)
    await followup.play()
    assert (await followup.run_of(lead))["end_reason"] == "ran_through"
    followup.clock.advance(timedelta(days=30))
    again = await followup.lead("web_form", **number)
    await followup.play(until=followup.clock() + timedelta(hours=2))
    run = await followup.run_of(again)
    assert again.person_id == lead.person_id
    assert (run["sequence"], run["state"]) == ("d1-web", "active")
    assert [entry.channel for entry in followup.sent(lead)[7:]] == ["sms", "email"]


@pytest.mark.mission("C2", via="running")
async def test_who_answers_after_the_end_reaches_a_person(followup):
    """Weeks later the break-up text is answered: somebody is asked to call, at once."""
    lead = await followup.lead()
    await followup.play()
    followup.clock.advance(timedelta(days=20))
    await followup.say(lead, "Yes please, can you call me this week?")
    (task,) = (await followup.ask("GET", "/v1/tasks", params={"state": "open"}))["items"]
    assert (task["lead_id"], task["kind"]) == (str(lead.id), "contact_interested")
    assert "task opened" in {item["what"] for item in await followup.timeline(lead)}
