"""The sandbox: everything recorded, nothing sent, an outage told apart from a bug."""

from uuid import UUID

import pytest

from followup_dispatcher.providers.machine_clock import machine_clock
from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Call,
    Content,
    Found,
    NotBegun,
    PastAttempt,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.sandbox import SandboxProvider, sandbox_factory


class Record:
    """Keeps entries in memory; raises what it is told to."""

    def __init__(self) -> None:
        self.entries: dict[UUID, Call] = {}
        self.trouble: Exception | None = None

    async def record(self, call: Call) -> str:
        if self.trouble:
            raise self.trouble
        self.entries[call.attempt_id] = call
        return f"sandbox-{call.attempt_id}"

    async def find(self, touch_id: UUID, attempt_id: UUID) -> str | None:
        if self.trouble:
            raise self.trouble
        kept = self.entries.get(attempt_id)
        return f"sandbox-{attempt_id}" if kept and kept.touch_id == touch_id else None


def outgoing(*, left: float = 1.0, text: str = "Hello Dana") -> Call:
    return Call(
        attempt_id=UUID(int=1),
        touch_id=UUID(int=2),
        tenant_id=UUID(int=3),
        channel="sms",
        to="+14155550123",
        sender="+14155550100",
        content=Content(text),
        callback_url=None,
        valid_for=None,
        time_left=lambda: left,
    )


PAST = PastAttempt(
    UUID(int=1), UUID(int=2), "+14155550123", "+14155550100", "Hello Dana", machine_clock()
)


async def test_what_would_go_out_is_recorded_and_can_be_asked_for():
    """The entry holds the whole touch, and the record is settled at once."""
    record = Record()
    sandbox = SandboxProvider("sms", record)
    assert await sandbox.find(PAST) == Absent()
    ref = f"sandbox-{UUID(int=1)}"
    assert await sandbox.send(outgoing(text="x" * 161)) == Accepted(ref, 2)
    kept = record.entries[UUID(int=1)]
    assert (kept.to, kept.sender, kept.content.text) == (PAST.to, PAST.sender, "x" * 161)
    assert await sandbox.find(PAST) == Found(ref)


async def test_a_lease_that_is_over_records_nothing():
    """As a vendor would not have heard of it."""
    record = Record()
    assert await SandboxProvider("sms", record).send(outgoing(left=0)) == NotBegun(
        "lease over", ours=True
    )
    assert record.entries == {}


async def test_an_outage_of_the_record_leaves_the_outcome_open():
    """The row may have been written; another error is a bug and is not hidden."""
    record = Record()
    sandbox = SandboxProvider("sms", record)
    record.trouble = ConnectionRefusedError()
    assert isinstance(await sandbox.send(outgoing()), Unknown)
    assert isinstance(await sandbox.find(PAST), Undecided)
    record.trouble = KeyError("bug")
    with pytest.raises(KeyError):
        await sandbox.send(outgoing())


@pytest.mark.parametrize("latency", [-1, 5001, "soon", True])
def test_a_wrong_latency_is_named(latency):
    """So that the person who typed it knows where to look."""
    with pytest.raises(ValueError, match="latency_ms"):
        sandbox_factory("sms", Record())({"latency_ms": latency}, {})
