from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import text

from followup_embedded.house import Embedded
from followup_runtime.clocks import SteppingClock
from followup_runtime.settings import Settings

KEY = "key-of-the-house-test"
UNHANDLED = text("""
SELECT count(*) FROM messaging.outbox o, unnest(o.consumers) AS c(name)
WHERE NOT EXISTS (SELECT FROM messaging.inbox i
                   WHERE i.message_id = o.id AND i.consumer = c.name)
""")
NOBODY_ENTERS = text("LOCK TABLE scheduler.enrollments IN EXCLUSIVE MODE")
EXAMPLE = Path(__file__).parents[3] / "examples" / "leads.csv"


async def test_what_is_on_its_way_arrives_before_the_house_is_closed(folder):
    """Left in the middle of an import, the house drains: no event waits for its consumer."""
    settings = Settings(data_dir=folder, bootstrap_key=KEY, public_url="https://example.com")
    # At night in America: enrolling makes events, and no touch goes at once.
    clock = SteppingClock(datetime(2026, 10, 27, 8, tzinfo=UTC))
    few = b"".join(EXAMPLE.read_bytes().splitlines(keepends=True)[:60])
    async with Embedded(settings, clock=clock) as house:
        async with (
            house.running(),
            client_of(house) as client,
            house.databases.worker.transaction() as tx,
        ):
            await tx.run(NOBODY_ENTERS)
            answer = await client.post(
                "/v1/leads/import", content=few, headers={"content-type": "text/csv"}
            )
            assert answer.status_code == 200
            assert house.pending > 0

        assert house.pending == 0
        async with house.databases.worker.transaction() as tx:
            assert await tx.scalar(UNHANDLED) == 0


def client_of(house):
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=house.app),
        base_url="https://example.com",
        headers={"authorization": f"Bearer {KEY}"},
        timeout=240,
    )
