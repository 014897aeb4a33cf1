"""The migration runner: every owner migrates its own schema, in a fixed order.

One advisory lock per database keeps two runners apart. Each owner has a version
table in its own schema and its revisions in `<package>/migrations/versions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from followup_database.engine import async_url
from followup_database.errors import MissingDatabase
from followup_database.roles import CREATE_ROLES, grant_schema

_LOCK = 0x466F6C6C6F77  # "Follow"


@dataclass(frozen=True, slots=True)
class Owner:
    """A schema and the package that owns and migrates it."""

    schema: str
    package: str

    @property
    def script(self) -> ScriptDirectory:
        """The revisions shipped with the package."""
        location = Path(str(files(self.package) / "migrations"))
        return ScriptDirectory(str(location))


async def migrate(url: str, owners: Sequence[Owner]) -> dict[str, str]:
    """Bring every owner's schema to its newest revision, in the order given.

    Returns schema → revision. Safe to run at once from several places; each owner's
    step is one transaction, so a failure leaves whole revisions only.
    """
    engine = create_async_engine(async_url(url))
    try:
        async with engine.connect() as guard:
            await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            async with engine.begin() as connection:
                await connection.execute(text(CREATE_ROLES))
            done = {}
            for owner in owners:
                async with engine.begin() as connection:
                    done[owner.schema] = await connection.run_sync(_upgrade, owner)
            return done
    finally:
        await engine.dispose()


async def require_current(url: str, owners: Sequence[Owner]) -> None:
    """Raise `MissingDatabase` unless every schema is at the revision this code needs."""
    engine = create_async_engine(async_url(url))
    try:
        async with engine.connect() as connection:
            for owner in owners:
                current = await _current(connection, owner)
                head = owner.script.get_current_head()
                if current != head:
                    raise MissingDatabase(
                        f"schema {owner.schema} is at {current or 'nothing'}, this code needs"
                        f" {head}: run `followup migrate`"
                    )
    finally:
        await engine.dispose()


async def _current(connection: Any, owner: Owner) -> str | None:
    table = f"{owner.schema}.version"
    if await connection.scalar(text("SELECT to_regclass(:name)"), {"name": table}) is None:
        return None
    revision = await connection.scalar(text(f"SELECT version_num FROM {table}"))
    return None if revision is None else str(revision)


def _upgrade(connection: Connection, owner: Owner) -> str:
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {owner.schema}"))
    connection.execute(text(grant_schema(owner.schema)))
    script = owner.script

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 - what alembic's own upgrade command calls

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(
            connection=connection, version_table="version", version_table_schema=owner.schema
        )
        environment.run_migrations()
    return str(script.get_current_head())
