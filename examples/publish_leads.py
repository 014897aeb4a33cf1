"""Leads of another service into Followup over RabbitMQ, none lost whatever fails.

    FOLLOWUP_KEY=… python examples/publish_leads.py TENANT_ID

Each line of the standard input is a lead as JSON, as for POST /v1/leads, with an
`external_id`. They are kept in leads.sqlite until intake has committed them.
"""

import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

from followup_client import (
    AsyncFollowup,
    Courier,
    FollowupError,
    LeadPublisher,
    Outbox,
    Sender,
    asking,
)
from followup_client.leads import NewLead

AMQP = "amqp://guest:guest@localhost/"
INTAKE = "http://localhost:8001"
SOURCE = "examples/publish_leads"


async def main(tenant_id: UUID, key: str) -> None:
    """Keep every lead, then carry them until none is left."""
    outbox = Outbox.open(Path("leads.sqlite"))
    async with (
        AsyncFollowup(INTAKE, key=key) as followup,
        LeadPublisher(AMQP, sender=Sender(tenant_id, SOURCE)) as publisher,
    ):
        for line in sys.stdin:
            await outbox.add([publisher.lead(NewLead.model_validate_json(line))])
        courier = Courier(outbox, publisher, committed=asking(followup))
        while await outbox.count():
            try:
                print(await courier.run_once())
            except FollowupError as error:
                print(f"later: {error}")
            await asyncio.sleep(1)
    outbox.close()


if __name__ == "__main__":
    asyncio.run(main(UUID(sys.argv[1]), os.environ["FOLLOWUP_KEY"]))
