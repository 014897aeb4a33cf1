"""What a batch costs does not grow with what else is there; see the dispatcher's test of it."""

from datetime import timedelta

from sqlalchemy import text

from followup_scheduler.store import enrollments, touches

OTHERS = 2_000
TURNS = 8
"""From the sixth on the server may keep one plan for all."""

_COPY = text("""
INSERT INTO scheduler.touches (id, tenant_id, enrollment_id, lead_id, person_id, sequence,
  version, step, occurrence, channel, state, round, epoch, lane, content, template,
  contact_round, transactional, due_at, outstanding, trace, commanded_at)
SELECT gen_random_uuid(), tenant_id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
  sequence, version, step, occurrence, channel, 'commanded', 1, 0, lane, content, template,
  contact_round, transactional, due_at, true, trace, clock_timestamp()
FROM scheduler.touches, generate_series(1, :others) WHERE id = :id
""")
_COPY_RUN = text("""
INSERT INTO scheduler.enrollments (id, tenant_id, lead_id, person_id, sequence, version, state,
  lane, step, occurrence, epoch, anchor, memory, run)
SELECT gen_random_uuid(), tenant_id, gen_random_uuid(), gen_random_uuid(), sequence, version,
  state, lane, step, occurrence, epoch, anchor, memory, run
FROM scheduler.enrollments, generate_series(1, :others) WHERE id = :id
""")
_READ = text("""
SELECT relname, seq_tup_read + COALESCE(idx_tup_fetch, 0) AS read
FROM pg_stat_xact_user_tables
WHERE schemaname || '.' || relname ~ '^scheduler.(touches|enrollments)'
""")


async def test_a_batch_reads_its_own_rows(desk) -> None:
    """Loading, saving and commanding, with two thousand rows of others beside."""
    _, run = await desk.enrolled()
    (touch, *_) = await desk.touches(run)
    async with desk.databases.worker.transaction() as tx:
        await tx.run(_COPY, id=touch["id"], others=OTHERS)
        await tx.run(_COPY_RUN, id=run, others=OTHERS)
    async with desk.databases.worker.transaction() as tx:
        for _ in range(TURNS):
            held = await enrollments.lock(tx, [run])
            known = await touches.lock_of(tx, {run: 0})
            await enrollments.update(tx, held)
            await touches.update(tx, known)
            await touches.command(tx, known)
        read = {row["relname"]: row["read"] for row in await tx.all(_READ)}
    assert sum(read.values()) > 0
    assert {name: rows for name, rows in read.items() if rows > 20 * TURNS} == {}


async def test_what_is_not_late_is_not_looked_at(desk) -> None:
    """However many touches are out, the look for what nobody answered ends at the first."""
    _, run = await desk.enrolled()
    (touch, *_) = await desk.touches(run)
    async with desk.databases.worker.transaction() as tx:
        await tx.run(_COPY, id=touch["id"], others=OTHERS)
    async with desk.databases.worker.transaction() as tx:
        assert await touches.late(tx, after=timedelta(seconds=60), most=100) == []
        read = {row["relname"]: row["read"] for row in await tx.all(_READ)}
    assert sum(read.values()) < OTHERS / 100
