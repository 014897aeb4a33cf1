"""Calls: what is said, which keys do what, who is connected, and what is on record."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest

from followup_contracts.call_script import CallScript
from followup_database import new_id
from followup_directory import put_account
from followup_suppression import ACKNOWLEDGE_AFTER

AGENT = "+12125550777"
OURS = "+12025550100"
THEIRS = "+12125550123"


@pytest.fixture
async def line(house) -> "Line":
    return Line(house)


class Line:
    """A call under way, asked about as Twilio asks."""

    def __init__(self, house: Any) -> None:
        self.house, self.sid = house, f"CA{new_id().hex}"
        self.form = {"CallSid": self.sid, "CallStatus": "in-progress", "To": THEIRS, "From": OURS,
                     "Direction": "outbound-api"}  # fmt: skip
        self.touch: Any = None

    async def set(self, **settings: Any) -> None:
        """Give the account settings."""
        account = self.house.accounts["twilio", "voice"]
        async with self.house.databases.worker.transaction() as tx:
            self.house.accounts["twilio", "voice"] = await put_account(
                tx,
                self.house.tenant.id,
                channel="voice",
                provider="twilio",
                name=account.name,
                settings={"account_sid": "AC1"} | settings,
                sealed=account.sealed,
            )

    async def called(self, **fields: Any) -> Any:
        """A lead whom we call."""
        lead = await self.house.lead(**fields)
        account = self.house.accounts["twilio", "voice"]
        self.touch = await self.house.sent(lead, account=account, provider_ref=self.sid)
        return lead

    async def ask(self, part: str, *, query: dict[str, Any] | None = None, **more: str) -> Any:
        answer = await self.house.twilio(part, self.form | more, channel="voice", query=query)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/xml")
        return ET.fromstring(answer.content)  # noqa: S314 - our own

    async def answered(self, **more: str) -> Any:
        ids = {"touch": "touch_id", "attempt": "attempt_id", "enrollment": "enrollment_id",
               "lead": "lead_id", "person": "person_id"}  # fmt: skip
        query = {name: getattr(self.touch, field) for name, field in ids.items()}
        script = CallScript("Hi Ada, this is Acme.", "Sorry we missed you.").packed()
        return await self.ask("answer", query=query | {"script": script}, **more)

    async def go(self, url: str, **more: str) -> Any:
        """Follow an address that an answer holds."""
        parts = urlsplit(url)
        return await self.ask(
            parts.path.rpartition("/")[2], query=dict(parse_qsl(parts.query)), **more
        )

    async def notes(self) -> list[str]:
        rows = await self.house.rows(
            "SELECT state FROM replies.callbacks WHERE kind = 'other' ORDER BY id"
        )
        return [row["state"] for row in rows]


def words(root: Any) -> str:
    return " ".join(say.text for say in root.iter("Say"))


async def test_nobody_is_offered_what_is_not_there(house, line):
    """Without a number to connect to, 1 is not named and does nothing."""
    await line.called()
    said = await line.answered()
    assert "press 9" in words(said)
    assert "press 1" not in words(said)
    gather = said.find("Gather").get("action")
    assert [part.tag for part in await line.go(gather, Digits="1")] == ["Hangup"]
    assert await house.events() == []


async def test_one_connects_to_a_person_who_hears_first_who_it_is(house, line):
    """1 is interest: held and told; our side hears a name and takes the call by a key."""
    await line.set(connect_to=AGENT)
    lead = await line.called()
    said = await line.answered()
    assert "press 1" in words(said)
    joined = await line.go(said.find("Gather").get("action"), Digits="1")
    dial = joined.find("Dial")
    assert dial.find("Number").text == AGENT
    assert dial.get("callerId") == OURS
    assert dial.get("record") is None
    (reply,) = await house.events("ReplyReceived")
    assert (reply.intent, reply.person_id, reply.touch_id) == (
        "interested", lead.person_id, line.touch.touch_id,
    )  # fmt: skip
    assert await house.held() == [lead.person_id]
    whispered = await line.go(dial.find("Number").get("url"), To=AGENT, From=OURS)
    assert "Ada" in words(whispered)
    assert "Acme Roofing" in words(whispered)
    # Whoever presses nothing (a mailbox) is hung up on; a key joins the two.
    assert [part.tag for part in whispered] == ["Gather", "Hangup"]
    accepted = await line.go(whispered.find("Gather").get("action"), Digits="5", To=AGENT)
    assert len(accepted) == 0
    over = await line.go(dial.get("action"), DialCallStatus="completed")
    assert [part.tag for part in over] == ["Hangup"]
    assert await line.notes() == ["connected_completed"]


async def test_nobody_free_is_said(house, line):
    """No answer on our side: the person is told that they will be called back."""
    await line.set(connect_to=AGENT)
    await line.called()
    for status in ("no-answer", "busy", "failed"):
        assert "call you back" in words(await line.ask("dialed", DialCallStatus=status))
    assert len(await line.notes()) == 3
    assert await house.held() == []


@pytest.mark.parametrize(("digits", "recorded"), [("1", True), ("2", False), ("", False)])
async def test_a_recording_needs_a_yes_where_all_must_agree(house, line, digits, recorded):
    """In California, by their number or address, a person is asked; silence is a no; on record."""
    await line.set(connect_to=AGENT, record_calls=True)
    await line.called(state="CA", postal_code="94105")
    asked = await line.ask("gather", Digits="1")
    assert "record" in words(asked)
    assert asked.find("Dial") is None
    url = asked.find("Gather").get("action")
    assert asked.find("Redirect").text == url
    joined = await line.go(url, Digits=digits)
    assert (joined.find("Dial").get("record") is not None) is recorded
    assert await line.notes() == ["recording_agreed" if recorded else "recording_declined"]
    (row,) = await house.rows("SELECT payload, at FROM replies.callbacks WHERE kind = 'other'")
    assert row["payload"]["CallSid"] == line.sid


async def test_one_party_is_enough_where_it_is(house, line):
    """In New York nobody is asked, and the call is recorded."""
    await line.set(connect_to=AGENT, record_calls=True)
    await line.called(state="NY")
    joined = await line.ask("gather", Digits="1")
    assert joined.find("Dial").get("record") == "record-from-answer-dual"
    assert await house.held() != []


async def test_nine_after_one_still_stops(house, line):
    """A stop counts whenever it comes in a call, and is answered behind the fence."""
    await line.set(connect_to=AGENT)
    lead = await line.called()
    await line.ask("gather", Digits="1")
    await line.ask("gather", Digits="9")
    assert await house.listed("phone", THEIRS) == {"all"}
    assert (await house.consent(lead.person_id))["voice"] == "no"
    assert sum(house.wall.slept) >= 2 * ACKNOWLEDGE_AFTER


async def test_whoever_calls_us_back_reaches_a_person_or_the_way_out(house, line):
    """A call that comes in holds its person; 9 stops there too, for their own number."""
    await line.set(connect_to=AGENT)
    lead = await line.called()
    incoming = {"Direction": "inbound", "From": THEIRS, "To": OURS}
    said = await line.ask("incoming", **incoming)
    assert "Acme Roofing" in words(said)
    assert await house.held() == [lead.person_id]
    (reply,) = await house.events("ReplyReceived")
    assert (reply.channel, reply.intent) == ("voice", "other")
    joined = await line.ask("gather", Digits="1", **incoming)
    assert joined.find("Dial").get("callerId") == OURS
    await line.ask("gather", Digits="9", **incoming)
    assert await house.listed("phone", THEIRS) == {"all"}
    assert await house.listed("phone", OURS) == set()


async def test_a_machine_that_is_found_out_later(house, line):
    """Detection that does not wait: the call's end is `machine` though it does not say so again."""
    await line.called()
    answer = await house.twilio(
        "status", {"CallSid": line.sid, "AnsweredBy": "machine_start"}, channel="voice"
    )
    assert answer.status_code == 204
    await house.twilio("status", line.form | {"CallStatus": "completed"}, channel="voice")
    assert [event.result for event in await house.events()] == ["machine"]


async def test_what_else_happens_in_calls_is_kept(house, line):
    """A recording's own callback: 204, kept, without effect."""
    await line.called()
    form = {"CallSid": line.sid, "RecordingSid": "RE1", "RecordingStatus": "completed"}
    assert (await house.twilio("status", form, channel="voice")).status_code == 204
    assert await line.notes() == ["completed"]
    assert await house.events() == []


async def test_parts_that_calls_do_not_have(house):
    """Anything else under /voice/ is 404; unsigned, each part is 403."""
    account = house.accounts["twilio", "voice"].id
    assert (await house.client.post(f"/voice/twilio/{account}/nothing")).status_code == 404
    for part in ("answer", "incoming", "gather", "consent", "whisper", "accept", "dialed"):
        answer = await house.client.post(f"/voice/twilio/{account}/{part}", data={"Digits": "9"})
        assert answer.status_code == 403
