"""NDJSON over the real server: answers are written while the request is still read."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from followup_contracts.events import LeadCaptured
from followup_testkit.waiting import until

NDJSON = {"Content-Type": "application/x-ndjson"}
GROUP = 500


def line(number: int, **more) -> bytes:
    lead = {"phone": f"+1212555{number:04d}", "external_id": f"crm-{number}", "source": "web_form"}
    return json.dumps(lead | more).encode() + b"\n"


def answered(text: str) -> list[dict]:
    return [json.loads(each) for each in text.splitlines()]


class Wire:
    """A request sent piece by piece, with its answer read beside it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._left = b""

    async def send(self, piece: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await self.writer.drain()

    async def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def status(self) -> int:
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1])

    async def lines(self, count: int) -> list[dict]:
        """So many lines of the answer's body."""
        while self._left.count(b"\n") < count:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            assert size, "the answer ended"
            self._left += (await self.reader.readexactly(size + 2))[:-2]
        *whole, self._left = self._left.split(b"\n", count)
        return [json.loads(each) for each in whole]

    async def ended(self) -> bool:
        """Whether the answer ends here, whole."""
        return await self.reader.readuntil(b"\r\n") == b"0\r\n"


@asynccontextmanager
async def batch(intake, path: str = "/v1/leads/batch"):
    async with intake.listening() as (host, port), asyncio.timeout(120):
        reader, writer = await asyncio.open_connection(host, port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: intake\r\nAuthorization: Bearer {intake.token}\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        writer.write(head.encode())
        yield Wire(reader, writer)
        writer.close()


async def test_answers_come_while_the_request_is_still_sent(intake):
    """A group is committed and answered before the next one is there, to the last line."""
    async with batch(intake) as wire:
        await wire.send(b"".join(line(n) for n in range(GROUP)))
        assert await wire.status() == 200
        first = await wire.lines(GROUP)
        assert len(await intake.leads()) == GROUP

        await wire.send(line(GROUP) + line(GROUP + 1).rstrip())
        await wire.end()
        last = await wire.lines(2)
        assert await wire.ended()

    assert [one["line"] for one in (*first, *last)] == list(range(1, GROUP + 3))
    assert {one["status"] for one in (*first, *last)} == {"accepted"}
    events = await intake.events()
    assert {type(event) for event in events} == {LeadCaptured}
    assert {event.lane for event in events} == {"later"}


async def test_a_batch_that_is_cut_off_keeps_what_was_answered(intake):
    """And sent again, whole, it makes nothing twice."""
    whole = [line(n) for n in range(GROUP + 10)]
    async with batch(intake) as wire:
        await wire.send(b"".join(whole[:GROUP]) + whole[GROUP][:20])
        assert await wire.status() == 200
        await wire.lines(GROUP)
        wire.writer.transport.abort()
    assert len(await intake.leads()) == GROUP

    again = await intake.post("/v1/leads/batch", content=b"".join(whole), headers=NDJSON)

    assert len(await intake.leads()) == len(whole)
    repeated = [one["repeated"] for one in answered(again.text)]
    assert repeated == [True] * GROUP + [False] * 10


async def test_a_batch_with_a_key_makes_nothing_twice(intake):
    """Its lines need no ids of their own; another line in a place is another lead."""
    leads = [{"phone": f"+1212555{n:04d}", "source": "web_form"} for n in range(3)]
    headers = NDJSON | {"Idempotency-Key": "nightly-7"}

    async def sent(more: dict) -> list[dict]:
        content = b"".join(json.dumps(lead).encode() + b"\n" for lead in leads)
        answer = await intake.post("/v1/leads/batch", content=content, headers=headers | more)
        return answered(answer.text)

    first, again = await sent({}), await sent({})
    assert [one["lead_id"] for one in again] == [one["lead_id"] for one in first]
    assert [one["repeated"] for one in again] == [True] * 3
    leads[1]["need"] = "a roof"
    assert [one["repeated"] for one in await sent({})] == [True, False, True]
    assert [one["repeated"] for one in await sent({"Idempotency-Key": "x"})] == [False] * 3
    assert len(await intake.leads()) == 7


async def test_a_line_without_end_is_refused_alone(intake):
    """A line longer than the limit is answered as refused; those around it are taken."""
    async with batch(intake) as wire:
        await wire.send(line(1))
        await wire.send(b'{"notes": "')
        for _ in range(8):
            await wire.send(b"x" * 32_768)
        await wire.send(b'"}\n' + line(3))
        await wire.end()
        assert await wire.status() == 200
        first, long, last = await wire.lines(3)
        assert await wire.ended()

    assert [one["status"] for one in (first, long, last)] == ["accepted", "refused", "accepted"]
    assert (long["line"], long["errors"][0]["pointer"]) == (2, "")
    assert len(await intake.leads()) == 2


async def test_a_last_line_without_end_is_refused_too(intake):
    """What is longer than a line may be and never ends is one refused line."""
    async with batch(intake) as wire:
        await wire.send(line(1) + b"x" * 200_000)
        await wire.end()
        assert await wire.status() == 200
        assert [one["status"] for one in await wire.lines(2)] == ["accepted", "refused"]
        assert await wire.ended()


async def test_a_batch_beyond_its_limit_says_so_on_its_last_line(intake):
    """Too late for a status of its own: the answer ends with a line that tells."""
    block = b" " * 1024 * 1024
    async with batch(intake) as wire:
        await wire.send(b"".join(line(n) for n in range(GROUP)))
        assert await wire.status() == 200
        await wire.lines(GROUP)
        sending = asyncio.create_task(_pour(wire, block, 65))
        (said,) = await wire.lines(1)
        assert await wire.ended()
        sending.cancel()
        await asyncio.wait({sending})

    assert said["status"] == "stopped"
    assert "larger than" in said["detail"]
    assert len(await intake.leads()) == GROUP


async def _pour(wire: Wire, block: bytes, times: int) -> None:
    for _ in range(times):
        await wire.send(block)


async def test_each_line_has_its_own_answer(intake):
    """Bad lines are refused one by one with a pointer; empty ones are passed over."""
    content = b"".join(
        [
            line(1),
            b"\n",
            b'{"phone": \n',
            b"   \r\n",
            b'{"phone": "+12125550002", "first_name": "\xff"}\n',
            b'{"phone": "+12125550003", "colour": "blue"}\n',
            b'{"phone": "12"}\n',
            b'{"phone": "+12125550004", "first_name": "A\\u0000"}\n',
            b"[]\n",
            line(5),
        ]
    )
    answer = await intake.post("/v1/leads/batch", content=content, headers=NDJSON)

    assert answer.status_code == 200
    told = {one["line"]: one for one in answered(answer.text)}
    assert list(told) == [1, 3, 5, 6, 7, 8, 9, 10]
    assert [n for n, one in told.items() if one["status"] == "accepted"] == [1, 10]
    places = {n: told[n]["errors"][0]["pointer"] for n in (3, 5, 6, 7, 8, 9)}
    assert places == {3: "", 5: "", 6: "/colour", 7: "/phone", 8: "/first_name", 9: ""}
    assert len(await intake.leads()) == 2


async def test_a_lead_twice_in_a_batch_is_one_lead(intake):
    """By its own id, within a group."""
    answer = await intake.post("/v1/leads/batch", content=line(1) * 3, headers=NDJSON)
    told = answered(answer.text)
    assert len({one["lead_id"] for one in told}) == 1
    assert [one["repeated"] for one in told] == [False, True, True]
    assert len(await intake.events()) == 1


async def test_a_batch_may_be_urgent(intake):
    """`lane=now` goes before everything that is merely imported."""
    await intake.post("/v1/leads/batch?lane=now", content=line(1), headers=NDJSON)
    (event,) = await intake.events()
    assert event.lane == "now"
    wrong = await intake.post("/v1/leads/batch?lane=soon", content=line(1), headers=NDJSON)
    assert wrong.status_code == 422


@pytest.mark.parametrize("kind", ["application/json", "text/csv", ""])
async def test_another_kind_of_content_is_turned_away(intake, kind, pointers):
    """415 before a line is read."""
    headers = {"Content-Type": kind}
    answer = await intake.post("/v1/leads/batch", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert pointers(answer) == ["Content-Type:"]


async def test_a_batch_belongs_to_the_tenant_of_its_key(intake):
    """The same ids for two tenants are two leads."""
    for token in (intake.token, intake.other_token):
        await intake.post("/v1/leads/batch", content=line(1), headers=NDJSON, token=token)
    leads = await intake.leads()
    assert {lead["tenant_id"] for lead in leads} == {intake.tenant.id, intake.other.id}


async def test_requests_are_answered_beside_a_batch_that_stands_still(intake):
    """A sender that pauses in the middle of a line holds nobody up."""
    async with batch(intake) as wire:
        await wire.send(line(1)[:10])
        answer = await intake.post(json={"phone": "+12125550150"})
        assert answer.status_code == 201
        await wire.send(line(1)[10:])
        await wire.end()
        assert await wire.status() == 200
        (one,) = await wire.lines(1)
        assert one["status"] == "accepted"
        assert await wire.ended()

    async def both() -> bool:
        return len(await intake.leads()) == 2

    await until(both)


async def test_the_page_of_a_consent_is_kept_with_it(intake):
    """The proof of a consent given on a page, as a single post keeps it."""
    lead = {"phone": "+12125550151", "consent": True, "consent_page": "https://example.com/ask"}
    await intake.post("/v1/leads/batch", content=json.dumps(lead).encode(), headers=NDJSON)
    (consent,) = await intake.rows("SELECT page FROM people.consents")
    assert consent["page"] == "https://example.com/ask"
