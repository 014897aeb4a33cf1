"""A few hundred races of a stop against a send; the dense test of it is race/run.py."""

import asyncio
import json
import sys
from pathlib import Path

from followup_messaging.rabbitmq import delete_topology
from followup_testkit.brokers import OwnBroker

RUN = Path(__file__).parent / "race" / "run.py"
RACES = 150


async def test_no_send_begins_after_the_answer_to_its_stop(
    database_url: str, own_rabbit: OwnBroker
):
    """Every way to stop, aimed at touches queued, claimed and in flight."""
    await delete_topology(own_rabbit.url)
    arguments = [str(RACES), "--per-second", "60", "--database", database_url]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(RUN),
        *arguments,
        "--amqp",
        own_rabbit.url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await process.communicate()

    assert process.returncode == 0, told.decode()[-2000:]
    summary = json.loads(said.splitlines()[-1])
    assert (summary["races"], summary["violations"]) == (RACES, 0)
    assert summary["sends"] > 0
    assert summary["never_sent"] > 0
