"""The two pools of a process: one for what a key reaches, one for batches over tenants."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import text

from followup_database import Database, Role

_PING = text("SELECT 1")


@dataclass(frozen=True, slots=True)
class Databases:
    """`api` needs a tenant per transaction; `worker` sees all of them.

    Two pools, so that a flood of requests never takes the last connection from the
    consumers and loops, nor the other way round.
    """

    api: Database
    worker: Database

    @classmethod
    def open(
        cls,
        url: str,
        *,
        api_pool: int = 8,
        worker_pool: int = 8,
        clock: Callable[[], datetime | None] | None = None,
        application: str = "followup",
    ) -> Self:
        """Two pools to one database; connections are made when first needed."""
        return cls(
            Database(
                url,
                role=Role.API,
                pool_size=api_pool,
                clock=clock,
                application=f"{application} api",
            ),
            Database(
                url,
                role=Role.WORKER,
                pool_size=worker_pool,
                clock=clock,
                application=f"{application} worker",
            ),
        )

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self.worker.transaction() as tx:
            await tx.scalar(_PING)

    async def close(self) -> None:
        """Close both pools."""
        await self.api.close()
        await self.worker.close()
