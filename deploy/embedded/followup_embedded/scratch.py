"""A PostgreSQL for tests: started once, with a migrated database to be copied for each."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from followup_database import migrate
from followup_database.embedded import EmbeddedPostgres
from followup_database.engine import async_url
from followup_embedded.owners import OWNERS

_TEMPLATE = "followup_template"


@dataclass(frozen=True, slots=True)
class ScratchServer:
    """A server whose data live in a folder of its own, and go with it."""

    server: EmbeddedPostgres
    folder: Path

    @classmethod
    async def start(cls) -> "ScratchServer":
        """Start it and migrate the template; takes some seconds."""
        scratch = await asyncio.to_thread(_begun)
        await scratch.prepare()
        return scratch

    async def prepare(self) -> None:
        """Migrate the database that others are copied from."""
        await self._execute(f"CREATE DATABASE {_TEMPLATE}")
        await migrate(self._named(_TEMPLATE), OWNERS)

    def stop(self) -> None:
        """Stop it and delete its data."""
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The address of a migrated database with nothing in it, until the block ends."""
        name = f"followup_{uuid4().hex}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        try:
            yield self._named(name)
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _named(self, database: str) -> str:
        return (
            make_url(self.server.url).set(database=database).render_as_string(hide_password=False)
        )

    async def _execute(self, statement: str) -> None:
        engine = create_async_engine(async_url(self.server.url), isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()


def _begun() -> ScratchServer:
    # A short path: the server's socket in it must fit in 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="followup-"))
    folder.chmod(0o755)  # under root the server runs as another user
    return ScratchServer(EmbeddedPostgres.start(folder / "postgres"), folder)
