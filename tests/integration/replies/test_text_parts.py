"""Long texts that Vonage hands on in parts, by its SMS API."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from signed_hooks import now, vonage_params
from sqlalchemy import text
from vendor_events import PHONE, Played

from followup_database import new_id
from followup_database.personal import Subject, erase_rows
from followup_replies.core.assembling import joined
from followup_replies.core.folding import TEXT_LIMIT
from followup_replies.core.reading import InboundText, read
from followup_replies.parts import PATIENCE, PartsSweep
from followup_replies.store import parts as store
from followup_replies.tables import PERSONAL
from followup_replies.vonage.events import LONGEST_PART, MOST_PARTS
from followup_suppression import ACKNOWLEDGE_AFTER
from followup_testkit.waiting import until

OURS = "+12025550100"
PIECES = ("Yes, I would like to have the roof done, but what does it cost alto", "gether if ",
          "we take the blue tiles?")  # fmt: skip


def part(body: str, number: int, total: int, *, ref: str = "08B5", **more: Any) -> dict[str, Any]:
    """A part, as the vendor's documents show one."""
    return {
        "msisdn": PHONE[1:],
        "to": OURS[1:],
        "messageId": new_id().hex,
        "text": body,
        "type": "text",
        "keyword": "YES",
        "api-key": "abcd1234",
        "message-timestamp": "2026-11-22 08:00:00",
        "concat": "true",
        "concat-ref": ref,
        "concat-total": str(total),
        "concat-part": str(number),
    } | more


def parts(*pieces: str, **more: Any) -> list[dict[str, Any]]:
    return [part(piece, n, len(pieces), **more) for n, piece in enumerate(pieces, start=1)]


@pytest.fixture
async def vonage(house) -> Played:
    return await Played.by(house, vonage_params())


@pytest.fixture
def send(vonage):
    """Sends parts one after the other."""

    async def send(*values: dict[str, Any]) -> None:
        for value in values:
            assert (await vonage.send(value)).status_code == 200

    return send


@pytest.fixture
def overdue(house):
    """As much machine time passes as a part waits for the others; gives the sweep."""

    async def overdue(seconds: float = PATIENCE.total_seconds() + 1) -> PartsSweep:
        await house.rows(
            "UPDATE replies.parts SET received_at = received_at - CAST(:waited AS interval)"
            " RETURNING 1",
            waited=timedelta(seconds=seconds),
        )
        (loop,) = [r.loop for r in house.service.runners if r.name == "replies:parts"]
        return loop

    return overdue


@pytest.fixture
def wait(overdue):
    """As `overdue`, and two replicas sweep; what they read."""

    async def wait(*seconds: float) -> int:
        loop = await overdue(*seconds)
        return sum(tick.worked for tick in await asyncio.gather(loop.run_once(), loop.run_once()))

    return wait


async def heard(house) -> list[dict[str, Any]]:
    return await house.rows(
        "SELECT id, body, intent, opt_out, confidence, answer FROM replies.messages ORDER BY id"
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 1, 2, 2, 0, 0), (2, 1, 0, 1)])
async def test_parts_are_read_together_in_whatever_order_they_come(house, send, wait, order):
    """Once, in their own order, with no blank but theirs; repetitions change nothing."""
    lead = await house.lead()
    values = parts(*PIECES)
    await send(*(values[index] for index in order))
    (message,) = await heard(house)
    assert message["body"] == "".join(PIECES)
    told = InboundText(channel="sms", body="".join(PIECES))
    assert message["intent"] == read(told, received=house.clock()).intent
    (event,) = await house.events()
    assert (event.reply_id, event.person_id) == (message["id"], lead.person_id)
    await send(*values)
    assert await wait() == 0
    assert len(await heard(house)) == 1


async def test_the_first_part_holds_its_person(house, send):
    """Behind the fence, and under the name that the reply will have: no other hold is left."""
    lead = await house.lead()
    first, second = parts("We would", " rather wait")
    await send(first)
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER
    assert await house.held() == [lead.person_id]
    assert await house.events() == []
    await send(second)
    (event,) = await house.events()
    holds = await house.rows("SELECT reply_id FROM suppression.holds")
    assert [row["reply_id"] for row in holds] == [event.reply_id]


async def test_a_merge_between_two_parts_leaves_no_hold_behind(house, send, later):
    """The reply is its person's of today, and nobody else is held by its name."""
    older = await house.lead(phone_e164="+12125550144")
    later(minutes=1)
    await house.lead(email="other@example.com", email_match_key="other@example.com")
    first, second = parts("We would", " rather wait")
    await send(first)
    await house.lead(phone_e164=PHONE)  # with the older one's address: they are one
    await send(second)
    (event,) = await house.events()
    assert event.person_id == older.person_id
    assert await house.held() == [older.person_id]


async def test_who_is_known_no_more_by_the_second_part_stays_held(house, send):
    """The reply is nobody's: the hold is all that has it looked at."""
    lead = await house.lead()
    first, second = parts("We would", " rather wait")
    await send(first)
    await house.rows("DELETE FROM people.contact_points WHERE kind = 'phone' RETURNING id")
    await send(second)
    assert await house.events() == []
    assert await house.held() == [lead.person_id]


@pytest.mark.parametrize("before", [0, 1])
async def test_a_stop_waits_for_no_other_part(house, send, before):
    """Nor does the list; confirmed once, and what comes later is a message for a person."""
    await house.lead()
    values = parts("Could you send me a picture of the", "STOP", " blue tiles?")
    await send(*values[:before], values[1])
    assert await house.listed("phone", PHONE) == {"all"}
    (stop,) = await heard(house)
    assert (stop["opt_out"], stop["intent"]) == (True, "opt_out")
    assert stop["answer"].startswith("Acme Roofing: You are unsubscribed")
    await send(*values[:before], *values[before:1], values[2], values[1])
    _, rest = await heard(house)
    assert (rest["intent"], rest["opt_out"], rest["answer"]) == ("other", False, None)
    assert len([e for e in await house.events("MessageWritten") if e.confirms]) == 1


async def test_a_stop_of_somebody_unknown_waits_for_no_other_part_either(house, send):
    """The number is listed for the tenant whose number it wrote to."""
    await send(part("please take me off your list and", 2, 3))
    assert await house.listed("phone", PHONE) == {"all"}


ENDS = (
    "I am going to report you to the FTC for spam, this is illegal harassment and",
    "This is harassment and I have reported your number to the police and",
    "Wrong number, you keep texting the wrong person and",
)
"""Beginnings of texts that end the messages, though not by a keyword or a request."""


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("words", ENDS)
async def test_a_complaint_ends_the_messages_though_a_part_is_missing(house, send, words, known):
    """So does whoever says that it is the wrong number; at once, whoever it is."""
    if known:
        await house.lead()
    await send(part(words, 1, 2))
    assert await house.listed("phone", PHONE) == {"all"}
    (message,) = await heard(house)
    assert message["opt_out"]
    assert message["answer"].startswith("Acme Roofing: You are unsubscribed")


@pytest.mark.parametrize("words", ENDS)
async def test_a_late_part_that_ends_the_messages_is_no_less_an_end(house, send, wait, words):
    """Its text was read without it."""
    await house.lead()
    first, second = parts("Yes, I would like to have the roof done, ", words)
    await send(first)
    assert await wait() == 1
    assert await house.listed("phone", PHONE) == set()
    await send(second)
    assert await house.listed("phone", PHONE) == {"all"}


LEANS = "not one more of these please, I am tired of"
"""The beginning of one that no rule knows, and that ends the messages by its words."""


async def test_what_ends_by_its_words_is_not_taken_back_for_want_of_a_part(house, send, wait):
    """Who is known is held until the rest has come; without it, what is there counts."""
    lead = await house.lead()
    await send(part(LEANS, 1, 2))
    assert await heard(house) == []
    assert await house.held() == [lead.person_id]
    assert await wait() == 1
    assert await house.listed("phone", PHONE) == {"all"}


async def test_nobody_known_waits_for_the_rest_of_what_ends_by_its_words(house, send):
    """No hold keeps anything from them."""
    await send(part(LEANS, 1, 2))
    assert await house.listed("phone", PHONE) == {"all"}


async def test_what_has_waited_is_read_without_the_part_that_does_not_come(house, send, wait):
    """For a person to look at, with a gap; the rest is a message of its own when it comes."""
    lead = await house.lead()
    first, second, third = parts("I am interes", "ted, but", " call my wife")
    await send(first, third)
    assert await wait(1) == 0
    assert await heard(house) == []
    assert await wait() == 1
    (message,) = await heard(house)
    assert message["body"] == "I am interes …  call my wife"
    assert (message["intent"], message["confidence"]) == ("other", 0.0)
    (event,) = await house.events()
    assert (event.reply_id, event.intent, event.person_id) == (
        message["id"],
        "other",
        lead.person_id,
    )
    await send(second)
    assert [each["body"] for each in await heard(house)] == [message["body"], "… ted, but …"]
    assert await wait() == 0


async def test_the_last_two_parts_at_once_are_read_once(house, send, vonage, wait):
    """Two webhooks beside each other, and the sweeps beside both."""
    await house.lead()
    values = parts(*PIECES)
    await send(values[0])
    answers = await asyncio.gather(*(vonage.send(value) for value in (*values[1:], values[1])))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert await wait() == 0
    (message,) = await heard(house)
    assert message["body"] == "".join(PIECES)


async def test_a_phone_counts_its_texts_anew(house, send, wait):
    """The same reference again is another text; so is one to another number of ours."""
    await house.lead()
    await send(*parts("One ", "two"))
    await send(*parts("Three ", "four"))
    here, there = parts("Five ", "six"), parts("Seven ", "eight", to="12025550111")
    await send(here[0], there[0], here[1], there[1])
    bodies = ["One two", "Three four", "Five six", "Seven eight"]
    assert [each["body"] for each in await heard(house)] == bodies
    assert await wait() == 0


async def test_words_of_parts_stand_in_their_message_alone(house, send, wait):
    """What is kept beside it tells a repetition, and goes when no more can come."""
    await house.lead()
    await send(*parts(*PIECES))
    kept = await house.rows("SELECT address, body, payload, read FROM replies.parts")
    assert [set(row.values()) for row in kept] == [{None, True}] * 3
    (message,) = await house.rows("SELECT payload FROM replies.messages")
    assert [each["text"] for each in message["payload"]["parts"]] == list(PIECES)
    await wait(26 * 3600)
    assert await house.rows("SELECT 1 FROM replies.parts") == []


@pytest.mark.parametrize(
    "odd",
    [
        {"concat": "false"},
        {"concat-ref": ""},
        {"concat-part": "0"},
        {"concat-part": "3"},
        {"concat-total": "41", "concat-part": "1"},
        {"concat-total": "256", "concat-part": "1"},
        {"concat-total": "9" * 400, "concat-part": "1"},
        {"concat-total": "1", "concat-part": "1"},
        {"concat-total": "two"},
        {"concat-part": "-1"},
    ],
)
async def test_what_counts_no_parts_is_a_text_of_its_own(house, send, odd):
    """Not all carriers say which part it is."""
    await house.lead()
    await send(part("How much is it?", 1, 2, **odd))
    (message,) = await heard(house)
    assert message["body"] == "How much is it?"


async def test_more_than_a_part_holds_is_a_text_of_its_own(house, send):
    """What is put together of parts is short enough to be read to its end."""
    await house.lead()
    words = "How much is it? " * 11
    await send(part(words, 1, 2))
    (message,) = await heard(house)
    assert message["body"] == words.strip()
    assert MOST_PARTS * (LONGEST_PART + len(joined({2: ""}, total=3))) < TEXT_LIMIT


async def test_an_end_in_the_middle_of_a_long_text_is_read(house, send):
    """Also where it comes last, and where so much stands around it that it is skimmed."""
    await house.lead()
    values = parts(*["How much is a new roof and do you do it by May? " * 3] * 20)
    values[14]["text"] = "Now please take me off your list. "
    await send(*values[:14], *values[15:])
    assert await house.listed("phone", PHONE) == set()
    await send(values[14])
    assert await house.listed("phone", PHONE) == {"all"}


async def waiting(house, count: int = 1) -> bool:
    rows = await house.rows(
        "SELECT DISTINCT a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE a.datname = current_database() AND NOT l.granted"
    )
    return len(rows) >= count


async def erase(house, tx, lead) -> None:
    for table in PERSONAL:
        await erase_rows(tx, table, Subject(house.tenant.id, [lead.person_id], [PHONE]))


async def test_who_is_erased_while_their_parts_are_read_leaves_no_words(house, send, overdue):
    """The sweep has them in hand: the erasure waits for it, and finds what it wrote."""
    lead = await house.lead()
    await send(part("We would", 1, 2))
    sweep = await overdue()

    async def erasure() -> None:
        async with house.databases.worker.transaction() as tx:
            await erase(house, tx, lead)

    async with house.databases.worker.transaction() as somebody:
        await somebody.all(text("SELECT 1 FROM people.persons FOR UPDATE"))
        reading = asyncio.create_task(sweep.run_once())
        await until(lambda: waiting(house), what="the sweep has the parts")
        erasing = asyncio.create_task(erasure())
        await until(lambda: _done_or_waiting(house, erasing, 2), what="the erasure waits")
    assert (await reading).worked == 1
    await erasing
    for table in ("parts", "messages"):
        assert await house.rows(f"SELECT 1 FROM replies.{table}") == []


async def _done_or_waiting(house, task, count: int) -> bool:
    return task.done() or await waiting(house, count)


async def test_parts_that_an_erasure_has_in_hand_are_read_by_nobody(house, send, overdue):
    """The sweep waits for it, and finds nothing."""
    lead = await house.lead()
    await send(part("We would", 1, 2))
    sweep = await overdue()
    async with house.databases.worker.transaction() as erasing:
        await erase(house, erasing, lead)
        reading = asyncio.create_task(sweep.run_once())
        await until(lambda: waiting(house), what="the sweep waits")
    assert (await reading).worked == 0
    for table in ("parts", "messages"):
        assert await house.rows(f"SELECT 1 FROM replies.{table}") == []


async def test_a_text_that_cannot_be_read_keeps_no_other_waiting(house, send, overdue):
    """What failed is told when the others are read, and tried again."""
    await house.lead()
    for ref in ("01", "02", "03", "04"):
        await send(*parts(f"Text {ref} of", " mine ", "and more", ref=ref)[:2])
    broken = "UPDATE replies.parts SET payload = {} WHERE ref IN ('01', '02') RETURNING 1"
    await house.rows(broken.format("'[1]'"))
    sweep = await overdue()
    with pytest.raises(ExceptionGroup) as failed:
        await sweep.run_once()
    assert len(failed.value.exceptions) == 2
    assert [each["body"][:7] for each in await heard(house)] == ["Text 03", "Text 04"]
    await house.rows(broken.format("'{}'"))

    async def tried_again() -> bool:
        await sweep.run_once()
        return len(await heard(house)) == 4

    await until(tried_again, what="they are read once they have rested")


async def test_texts_are_swept_by_the_text(house, send, overdue):
    """However many parts one has; the oldest first, and without those that failed."""
    for ref in ("01", "02", "03"):
        await send(*parts(f"Text {ref} of", " mine ", "and more", ref=ref)[:2])
    await overdue()
    async with house.databases.worker.transaction() as tx:
        first = await store.waiting(tx, older=PATIENCE, most=2)
        rest = await store.waiting(
            tx, older=PATIENCE, most=2, without=[each.reply_id for each in first]
        )
    assert [each.ref for each in first + rest] == ["01", "02", "03"]


async def test_a_forged_part_leaves_nothing(house, vonage):
    """It is not kept to be read later."""
    content, headers = vonage_params().sign(b'{"a": "b"}', now())
    assert (await vonage.raw(content + b"&", headers)).status_code == 403
    assert await house.rows("SELECT 1 FROM replies.parts") == []
