"""What claiming due timers costs the more timers are armed."""

import time
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import create_async_engine

from armed import due_timers, fill_timers
from counting import median
from followup_database import Database, Role, migrate
from followup_database.engine import async_url
from followup_embedded.owners import OWNERS
from followup_scheduler.store import timers
from ground import Ground
from progress import log

SIZES = (50_000, 500_000, 5_000_000)
ROUNDS, WARM, BATCH = 40, 5, 500


async def measure(ground: Ground) -> dict[str, object]:
    """`claim_cost_5m_to_50k`: the scheduler's own statements on a batch of 500 due timers.

    Each size is a database of its own and they take turns, so that what else the machine
    does befalls all alike. The median of each. `shared` is the statement of a scheduler
    that is behind, which gives tenants even shares.
    """
    base = await ground.database("claims")
    await migrate(base, OWNERS)
    urls = {size: await _filled(ground, ground.scaled(size)) for size in SIZES}
    databases = {size: Database(url, role=Role.WORKER) for size, url in urls.items()}
    plain = await _compare(databases, shared=False)
    shared = await _compare(databases, shared=True)
    for database in databases.values():
        await database.close()
    for size in SIZES:
        await ground.drop(f"claims_{ground.scaled(size)}")
    await ground.drop("claims")
    return {
        "claim_cost_5m_to_50k": round(plain[SIZES[-1]] / plain[SIZES[0]], 2),
        "claim_cost_shared_5m_to_50k": round(shared[SIZES[-1]] / shared[SIZES[0]], 2),
        "claim_cost": [
            {"armed": n, "ms_of_500": round(plain[n], 2), "ms_of_500_shared": round(shared[n], 2)}
            for n in SIZES
        ],
    }


async def _compare(databases: Mapping[int, Database], *, shared: bool) -> dict[int, float]:
    costs: dict[int, list[float]] = {size: [] for size in databases}
    for _ in range(WARM + ROUNDS):
        for size, database in databases.items():
            costs[size].append(await _claim(database, shared=shared))
    found = {size: median(each[WARM:]) for size, each in costs.items()}
    log(f"a claim{' in shares' if shared else ''}, ms: {found}")
    return found


async def _filled(ground: Ground, count: int) -> str:
    url = await ground.database(f"claims_{count}", like="claims")
    engine = create_async_engine(async_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await fill_timers(connection, count)
    await engine.dispose()
    log(f"{count} timers armed")
    return url


async def _claim(database: Database, *, shared: bool) -> float:
    """Milliseconds of one batch: looked up, locked, cleared, committed, and the next looked up."""
    async with database.transaction() as tx:
        await tx.run(due_timers(BATCH))
    begin = time.perf_counter()
    async with database.transaction() as tx:
        due = await timers.due_touches(tx, most=BATCH, shared=shared, full={})
        await timers.clear(tx, [timer.target for timer in due])
        await timers.next_due(tx)
    cost = (time.perf_counter() - begin) * 1000
    if len(due) != BATCH:
        raise RuntimeError(f"{len(due)} of {BATCH} timers were claimed")
    return cost
