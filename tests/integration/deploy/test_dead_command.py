"""Dead letters by the command: found, shown, replayed and dropped, one by one or many."""

import asyncio
import json
import os
import sys
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from followup_contracts import Message, encode
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_contracts.payload import Payload
from followup_database import new_id
from followup_messaging import dead
from followup_messaging.dead import Which
from followup_testkit.clocks import START

TENANT, OTHER = new_id(), new_id()
LEAD = LeadSubmitted(fields={"phone": "12"})
SOLD = LeadEventSubmitted(kind="lead.converted", external_id="none")


async def followup(url: str, *arguments: str, answer: str | None = None) -> tuple[int, str, str]:
    """Run the command on this database; `answer` is typed at a terminal."""
    ours, theirs = os.openpty() if answer is not None else (None, None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "followup_embedded", "dead", *arguments),
        env={"PATH": os.environ["PATH"], "FOLLOWUP_DATABASE_URL": url},
        stdin=asyncio.subprocess.DEVNULL if theirs is None else theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    if ours is not None:
        os.write(ours, f"{answer}\n".encode())
    out, errors = await process.communicate()
    for end in (ours, theirs):
        if end is not None:
            os.close(end)
    return process.returncode, out.decode(), errors.decode()


def letter(
    payload: Payload | bytes, *, consumer: str = "intake", tenant: UUID = TENANT
) -> dead.Burial:
    id_, body, key = uuid4(), payload, "key"
    if isinstance(payload, Payload):
        message = Message.of(
            payload, id=id_, tenant_id=tenant, source="crm", subject="crm", time=START
        )
        body, key = encode(message), message.routing_key
    return dead.Burial(
        consumer,
        f"{consumer}.ingress",
        key,
        body,
        "ValueError: why",
        message_id=id_,
        tenant_id=tenant,
    )


@pytest.fixture
def bury(databases):
    async def buried(*burials: dead.Burial) -> list[str]:
        async with databases.worker.transaction() as tx:
            await dead.bury(tx, burials)
            found = await dead.list_dead(tx, limit=9999)
        ids = {each.message_id: str(each.id) for each in found}
        return [ids[burial.message_id] for burial in burials]

    return buried


@pytest.fixture
def states(databases):
    """How many letters are in each state."""

    async def counted() -> dict[str, int]:
        async with databases.worker.transaction() as tx:
            return {
                state: len(found)
                for state in ("open", "replayed", "dropped")
                if (found := await dead.list_dead(tx, Which(state=state), limit=9999))
            }

    return counted


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [0, 1, 2, 3]),
        (("--consumer", "intake"), [0, 1, 3]),
        (("--type", "followup.lead.submitted.v1"), [0, 3]),
        (("--tenant", str(OTHER)), [3]),
        (("--consumer", "intake", "--type", "followup.lead.event_submitted.v1"), [1]),
        (("--consumer", "nobody"), []),
        (("--limit", "2"), [0, 1]),
        (("--state", "dropped"), []),
    ],
    ids=["all", "consumer", "type", "tenant", "both", "none", "limit", "state"],
)
async def test_letters_are_found_by_what_they_are(database_url, bury, options, expected):
    """Oldest first, an object a line."""
    ids = await bury(
        letter(LEAD),
        letter(SOLD),
        letter(b"\xff", consumer="scheduler"),
        letter(LEAD, tenant=OTHER),
    )
    code, out, errors = await followup(database_url, "list", "--json", *options)
    assert (code, errors) == (0, "")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [ids[n] for n in expected]


async def test_a_list_for_people_says_what_and_why(database_url, bury):
    """A line a letter: its id, where it died, what it is, the error."""
    (id_,) = await bury(letter(SOLD))
    code, out, _ = await followup(database_url, "list")
    assert code == 0
    assert out.split() == [
        *(id_, "intake.ingress", "followup.lead.event_submitted.v1", "ValueError:", "why")
    ]


async def test_a_letter_is_shown_whole(database_url, bury):
    """With the message; bytes that are no text do not stop it."""
    ids = await bury(letter(SOLD), letter(b"\xff\x00"))
    code, out, _ = await followup(database_url, "show", ids[0])
    shown = json.loads(out)
    assert code == 0
    assert (shown["type"], shown["tenant_id"]) == (SOLD.type_name, str(TENANT))
    assert json.loads(shown["body"])["data"]["kind"] == "lead.converted"
    code, out, _ = await followup(database_url, "show", ids[1])
    assert (code, json.loads(out)["type"]) == (0, None)


async def test_a_letter_nobody_has(database_url):
    """Exit 1 with a line that says so."""
    code, out, errors = await followup(database_url, "show", str(uuid4()))
    assert (code, out) == (1, "")
    assert "there is no dead letter" in errors


async def test_named_letters_are_replayed(database_url, bury, states):
    """Those that can be; one that cannot be read stays, and the exit code tells."""
    ids = await bury(letter(SOLD), letter(b"no message"), letter(LEAD))
    code, out, errors = await followup(database_url, "replay", ids[0], ids[1])
    assert code == 1
    assert out == f"{ids[0]} is on its way\n"
    assert f"{ids[1]} refused: not JSON" in errors
    assert await states() == {"open": 2, "replayed": 1}


async def test_many_are_replayed_by_what_they_are(database_url, bury, databases, states):
    """Every one of the type, more than one transaction takes, and no other."""
    await bury(*(letter(SOLD) for _ in range(620)), letter(LEAD))
    code, out, _ = await followup(
        database_url, "replay", "--type", SOLD.type_name, "--yes", "--json"
    )
    told = json.loads(out)
    assert (code, len(told["replayed"]), told["refused"]) == (0, 620, {})
    assert await states() == {"open": 1, "replayed": 620}
    async with databases.worker.transaction() as tx:
        (row,) = await tx.all(text("SELECT count(*) AS n FROM messaging.outbox"))
    assert row["n"] == 620


async def test_letters_are_dropped(database_url, bury, states):
    """By name, or all; dropping what is not open is a failure that is told."""
    ids = await bury(letter(SOLD), letter(SOLD), letter(LEAD))
    assert await followup(database_url, "drop", ids[0]) == (0, "1 dropped\n", "")
    assert (await followup(database_url, "drop", ids[0], ids[1]))[:2] == (1, "1 dropped\n")
    code, out, _ = await followup(database_url, "drop", "--all", "--yes", "--json")
    assert (code, json.loads(out)) == (0, {"dropped": 1})
    assert await states() == {"dropped": 3}


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("drop",),
        ("drop", "--all"),
        ("replay", "--consumer", "intake"),
        ("drop", "019a2010-0000-7000-8000-000000000000", "--all", "--yes"),
        ("replay", "no-id"),
        ("list", "--state", "lost"),
    ],
    ids=" ".join,
)
async def test_wrong_use_does_nothing(database_url, bury, states, arguments):
    """Exit 2: nothing chosen, both chosen, or many without a word and nobody to ask."""
    await bury(letter(SOLD))
    code, out, errors = await followup(database_url, *arguments)
    assert (code, out) == (2, "")
    assert errors
    assert await states() == {"open": 1}


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, "dropped"), ("n", 1, "open")])
async def test_who_works_on_many_is_asked_first(database_url, bury, states, answer, code, left):
    """At a terminal; no is no."""
    await bury(letter(SOLD), letter(LEAD))
    ended, _, errors = await followup(database_url, "drop", "--all", answer=answer)
    assert (ended, await states()) == (code, {left: 2})
    assert "drop 2 letters?" in errors


async def test_nothing_to_work_on_is_no_failure(database_url):
    """A job that clears up may run every night."""
    code, out, _ = await followup(database_url, "replay", "--all", "--json")
    assert (code, json.loads(out)) == (0, {"replayed": [], "refused": {}})
