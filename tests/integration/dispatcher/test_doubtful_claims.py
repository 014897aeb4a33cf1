"""A claim whose COMMIT was carried out and whose answer was lost with the connection."""

from contextlib import asynccontextmanager

import pytest
from dispatching import Dispatching

from followup_contracts.events import TouchSent
from followup_database import Database, Role


class CutOff(Database):
    """Loses the answer to its next commits, as many as it is told to."""

    cuts = 0

    @asynccontextmanager
    async def transaction(self, **more):
        async with super().transaction(**more) as tx:
            yield tx
        if self.cuts:
            self.cuts -= 1
            raise ConnectionResetError("the connection broke under the commit")


@pytest.fixture
async def cut_off(dispatching: Dispatching, database_url: str):
    """The same dispatcher, whose claims are committed by a connection that breaks."""
    database = CutOff(database_url, role=Role.WORKER, clock=dispatching.clock)
    dispatching.desk = dispatching.desk_by(database=database)
    yield database
    await database.close()


@pytest.mark.parametrize("cuts", [1, 2])
async def test_a_claim_nobody_heard_of_is_undone_before_its_command_comes_again(
    dispatching, cut_off, cuts
) -> None:
    """No call is ever made for it: it must not become unknown, nor count for a cap."""
    command = dispatching.command(await dispatching.lead())
    cut_off.cuts = cuts

    with pytest.raises(ConnectionResetError):
        await dispatching.desk.claim([command])

    assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []
    (kept,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert kept["contacts"] == []
    assert dispatching.capacity.taken == 0
    (event,) = await dispatching.send(command)
    assert isinstance(event, TouchSent)
