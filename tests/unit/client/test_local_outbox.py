from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_client import Courier, LeadPublisher, NotConfirmed, Outbox, Patience, TooLarge
from followup_client.courier import portions
from followup_client.leads import LeadEvent, NewLead
from followup_client.letters import Letter, Sender, event_letter, lead_letter
from followup_contracts import decode
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted

TENANT = UUID(int=9)
SENDER = Sender(TENANT, "acme/crm")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Broker:
    """Takes letters, or none while it is down; intake commits what `intake` says."""

    letters: list[Letter] = field(default_factory=list)
    failures: int = 0
    committed: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def deliver(self, letter: Letter) -> None:
        if self.failures:
            self.failures -= 1
            raise NotConfirmed(letter.id, "down")
        self.letters.append(letter)

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def among(self, external_ids):
        self.asked += external_ids
        return self.committed & set(external_ids)


@dataclass
class Desk:
    broker: Broker
    outbox: Outbox
    publisher: LeadPublisher
    courier: Courier
    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    broker, outbox, pauses = Broker(), Outbox.open(path), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    publisher = LeadPublisher(
        "amqp://nowhere", sender=SENDER, patience=Patience(tries=3), line=broker, pause=pause
    )
    courier = Courier(outbox, publisher, committed=broker.among, clock=lambda: desk.now)
    desk = Desk(broker, outbox, publisher, courier, pauses=pauses)
    yield desk
    outbox.close()


def test_a_lead_travels_as_the_contract_says():
    """It is a CloudEvent intake reads, known by its own external id or by one of the letter."""
    lead = NewLead(phone="+12125550123", consent="yes", external_id="crm-17")
    letter = lead_letter(lead, sender=SENDER, letter_id=UUID(int=3), now=NOW, lane="later")
    message = decode(letter.body)
    assert (message.id, message.tenant_id, message.source) == (UUID(int=3), TENANT, "acme/crm")
    assert message.data == LeadSubmitted(
        fields={
            "phone": "+12125550123",
            "consent": "yes",
            "external_id": "crm-17",
            "attributes": {},
        },
        lane="later",
    )
    assert letter.routing_key == "lead.submitted.v1"
    assert letter.external_id == "crm-17"
    unnamed = lead_letter(NewLead(phone="1"), sender=SENDER, letter_id=UUID(int=3), now=NOW)
    assert unnamed.external_id == f"message:{UUID(int=3)}"


def test_an_event_travels_as_the_contract_says():
    """It names its lead by the product's own id."""
    event = LeadEvent(kind="deal.stage_changed", stage="won")
    letter = event_letter("crm-17", event, sender=SENDER, letter_id=UUID(int=3), now=NOW)
    data = decode(letter.body).data
    assert data == LeadEventSubmitted(kind="deal.stage_changed", external_id="crm-17", stage="won")


def test_a_letter_nobody_would_read_is_refused():
    """What is longer than intake reads is not published."""
    lead = NewLead(phone="1", notes="x" * 300_000)
    with pytest.raises(TooLarge):
        lead_letter(lead, sender=SENDER, letter_id=UUID(int=3), now=NOW)


async def test_publishing_is_tried_again_with_the_same_letter(desk):
    """A broker that fails twice gets the same letter a third time, after pauses."""
    desk.broker.failures = 2
    letter = desk.publisher.lead(NewLead(phone="1"))
    await desk.publisher.publish(letter)
    assert desk.broker.letters == [letter]
    assert len(desk.pauses) == 2


async def test_a_broker_that_stays_down_is_told(desk):
    """The error names the message, to be published again."""
    desk.broker.failures = 3
    letter = desk.publisher.lead(NewLead(phone="1"))
    with pytest.raises(NotConfirmed) as failure:
        await desk.publisher.publish(letter)
    assert failure.value.message_id == letter.id


async def test_a_lead_is_kept_until_intake_has_committed_it(desk):
    """A confirmed publish is not the end; a commit that was seen is."""
    letter = desk.publisher.lead(NewLead(phone="1", external_id="crm-1"))
    await desk.outbox.add([letter])
    done = await desk.courier.run_once()
    assert (done.published, done.committed, done.kept) == (1, 0, 1)
    desk.broker.committed = {"crm-1"}
    done = await desk.courier.run_once()
    assert (done.published, done.committed, done.kept) == (0, 1, 0)


async def test_a_wiped_broker_costs_time_and_no_lead(desk):
    """What was confirmed and never committed is published again, as the same message, later
    and later.
    """
    letter = desk.publisher.lead(NewLead(phone="1", external_id="crm-1"))
    await desk.outbox.add([letter])
    times = []
    for desk.now in range(1000, 1400, 10):
        before = len(desk.broker.letters)
        await desk.courier.run_once()
        times += [desk.now] * (len(desk.broker.letters) - before)
    assert times == [1000, 1030, 1090, 1210]
    assert {one.id for one in desk.broker.letters} == {letter.id}


async def test_letters_outlive_the_process(desk, path):
    """What was added is there when the file is opened anew, byte for byte, for its owner only."""
    letter = desk.publisher.lead(NewLead(phone="1", external_id="crm-1"))
    await desk.outbox.add([letter, letter])
    desk.outbox.close()
    again = Outbox.open(path)
    assert [kept.letter for kept in await again.due(0, most=10)] == [letter]
    again.close()
    assert path.stat().st_mode & 0o077 == 0


async def test_letters_go_in_order_and_stay_while_the_broker_is_down(desk):
    """The first that is not confirmed ends the round; nothing is lost or overtaken."""
    letters = [desk.publisher.lead(NewLead(phone="1", external_id=f"c{n}")) for n in range(3)]
    await desk.outbox.add(letters)
    desk.broker.failures = 3
    with pytest.raises(NotConfirmed):
        await desk.courier.run_once()
    assert await desk.outbox.count() == 3
    await desk.courier.run_once()
    assert desk.broker.letters == letters


async def test_an_event_is_done_when_the_broker_has_it(desk):
    """Nobody can be asked whether an event was taken in."""
    event = LeadEvent(kind="lead.converted")
    await desk.outbox.add([desk.publisher.event("crm-1", event)])
    done = await desk.courier.run_once()
    assert (done.published, done.kept) == (1, 0)
    assert desk.broker.asked == []


async def test_leads_that_are_never_committed_keep_nobody_waiting(desk):
    """However many were refused before it, a lead that is committed is seen; the refused
    are named in the end.
    """
    names = [f"bad{n}" for n in range(250)] + ["good"]
    await desk.outbox.add([desk.publisher.lead(NewLead(external_id=name)) for name in names])
    desk.broker.committed = {"good"}
    settled = 0
    for desk.now in (1000, 1001, 1002, 1003, 3000, 5000, 7000, 9000, 11_000, 13_000, 15_000):
        done = await desk.courier.run_once(most=100 if desk.now < 1004 else 500)
        settled += done.committed
    assert settled == 1
    assert done.kept == 250
    assert done.late == tuple(names[:250])
    desk.broker.asked.clear()
    desk.now += 1
    await desk.courier.run_once()
    assert desk.broker.asked == []


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255)))
def test_questions_fit_into_an_address(names):
    """Whatever external ids look like, all are asked for, in lines that proxies take."""
    asked = list(portions(names))
    assert [name for portion in asked for name in portion] == names
    for portion in asked:
        assert 0 < len(portion) <= 100
        assert len(urlencode([("external_id", name) for name in portion])) <= 8_000
