"""`followup migrate`."""

import asyncio

import click

from followup_database import migrate
from followup_database.embedded import EmbeddedPostgres
from followup_directory import ensure_default_tenant
from followup_embedded.commands.office import perform, settings
from followup_embedded.owners import OWNERS
from followup_runtime.databases import Databases
from followup_runtime.settings import Settings


@click.command(epilog="Example: FOLLOWUP_DATABASE_URL=postgresql://… followup migrate")
def command() -> None:
    """Bring every schema to its newest revision; may be repeated, and run by several.

    Makes tenant `default` too, with its sandbox accounts and the key that
    FOLLOWUP_BOOTSTRAP_KEY names.
    """
    for schema, revision in perform(_migrated(settings())).items():
        click.echo(f"{schema} {revision}")


async def _migrated(given: Settings) -> dict[str, str]:
    if given.database_url is not None:
        return await _at(given.database_url, given)
    server = await asyncio.to_thread(EmbeddedPostgres.start, given.data_dir / "postgres")
    try:
        return await _at(server.url, given)
    finally:
        await asyncio.to_thread(server.stop)


async def _at(url: str, given: Settings) -> dict[str, str]:
    done = await migrate(url, OWNERS)
    databases = Databases.open(url, api_pool=1, worker_pool=1)
    try:
        async with databases.worker.transaction() as tx:
            await ensure_default_tenant(tx, given.bootstrap_key)
    finally:
        await databases.close()
    return done
