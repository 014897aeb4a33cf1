"""What users of others complained of, and what happens here."""

import asyncio
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from followup_intake.batches import GROUP, UNANSWERED, Batches
from followup_intake.capture import Capture
from followup_messaging.outbox import Outbox
from followup_suppression import StopFence

ROWS = 100_000
MOST_MEGABYTES = 200
JUDGING = """
import re, sys
from datetime import date
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.table import read_table

with open(sys.argv[1], "rb") as file:
    count = sum(1 for row in normalise_rows(read_table(file), today=date(2026, 11, 18)) if row.lead)
# What getrusage says counts the process this one was forked from, too.
with open("/proc/self/status") as status:
    print(count, int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) // 1024)
"""
NDJSON = {"Content-Type": "application/x-ndjson"}


def _batch(count: int) -> bytes:
    leads = (
        {"email": f"ada{n}@example.com", "external_id": f"crm-{n}", "consent": True}
        for n in range(count)
    )
    return b"\n".join(json.dumps(lead).encode() for lead in leads)


def test_a_hundred_thousand_rows_stay_in_little_memory(tmp_path: Path):
    """mautic#3695, mautic#6537: large imports and triggers ran out of memory."""
    file = tmp_path / "leads.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write("Name,Email,Phone,Source,State,Consent\n")
        out.writelines(
            f"Ada Byron,ada{n}@example.com,(212) 555-{n % 10_000:04d},web,NY,yes\n"
            for n in range(ROWS)
        )
    run = subprocess.run(  # noqa: S603 - this interpreter, and the text above
        [sys.executable, "-c", JUDGING, str(file)], capture_output=True, check=True, text=True
    )
    count, megabytes = map(int, run.stdout.split())
    assert count == ROWS
    assert megabytes < MOST_MEGABYTES


async def test_a_batch_that_is_sent_again_neither_merges_into_itself_nor_is_lost(intake):
    """novu#12373: a digest that was tried again merged into itself, and its batch was lost."""
    body = _batch(30)
    first = await intake.post("/v1/leads/batch", content=body, headers=NDJSON)
    again = await intake.post("/v1/leads/batch", content=body, headers=NDJSON)
    ids = [json.loads(line)["lead_id"] for line in first.text.splitlines()]
    assert len(set(ids)) == 30
    assert [json.loads(line)["lead_id"] for line in again.text.splitlines()] == ids
    assert len(await intake.leads()) == len(await intake.events()) == 30


async def test_a_lead_that_comes_by_two_ways_at_once_is_one(intake):
    """novu#1633: what was delayed and collected came twice."""
    lead = {"email": "ada@example.com", "external_id": "crm-1"}
    body = b"\n".join([json.dumps(lead).encode()] * 5)
    await intake.post(json=lead, headers={"Idempotency-Key": "a"})
    await intake.post(json=lead, headers={"Idempotency-Key": "b"})
    await intake.post("/v1/leads/batch", content=body, headers=NDJSON)
    assert len(await intake.leads()) == len(await intake.events()) == 1


async def test_a_batch_is_read_no_further_than_it_is_saved(intake):
    """novu#8706: one installation consumed whatever its machine had."""
    taken = 0

    async def blocks():
        nonlocal taken
        for start in range(0, 20_000, GROUP):
            taken += GROUP
            lines = (
                json.dumps({"email": f"a{n}@example.com"}) for n in range(start, start + GROUP)
            )
            yield ("\n".join(lines) + "\n").encode()

    outbox = Outbox("intake", intake.bus, intake.databases.worker)
    batches = Batches(intake.databases.api, capture=Capture(outbox), fence=StopFence())
    today = date(2026, 11, 18)
    answers = batches.take(blocks(), tenant=intake.tenant, today=today, lane="later")
    await anext(answers)
    await asyncio.sleep(0)
    # What is judged ahead and what waits to be answered: a few groups, not the batch.
    assert taken <= (UNANSWERED + 6) * GROUP
    await answers.aclose()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "EST5EDT4", "GMT+25", "America/Nowhere"])
async def test_a_zone_that_is_none_is_said_at_once(intake, ada, pointers, zone):
    """parcelvoy#610: of 600,000 sends 3,800 were made, for zones that were none, and no
    error said so.
    """
    answer = await intake.post(json={**ada, "zone": zone})
    assert (answer.status_code, pointers(answer)) == (422, ["/zone"])
    file = f"Name,Email,Phone,Zone\nAda,ada@example.com,(212) 555-0123,{zone}\n"
    report = await intake.post(
        "/v1/leads/import", content=file, headers={"Content-Type": "text/csv"}
    )
    # A file's zone that is none leaves the lead its phone's and its address's.
    assert report.json()["accepted"] == 1
