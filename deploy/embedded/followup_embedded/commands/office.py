"""What commands work on: settings, and a database with or without a server of its own."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from followup_database import migrate
from followup_database.embedded import EmbeddedPostgres
from followup_database.errors import is_outage
from followup_embedded.commands.errors import WrongUse
from followup_embedded.owners import OWNERS
from followup_runtime import logging
from followup_runtime.databases import Databases
from followup_runtime.errors import SettingsError
from followup_runtime.settings import Settings, load, variable

_T = TypeVar("_T")


def settings() -> Settings:
    """Settings of this process, its logs set up by them; exits 2 when they are wrong."""
    found = load()
    logging.configure(level="WARNING", json=found.log_format == "json")
    return found


def perform(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it; an unreachable database or a wrong setting is a line, not a trace."""
    try:
        return asyncio.run(work)
    except SettingsError as error:
        raise WrongUse(str(error)) from None
    except Exception as error:
        if not is_outage(error):
            raise
        raise WrongUse(f"{variable('database_url')}: the database can't be reached") from None


@asynccontextmanager
async def open_databases(given: Settings) -> AsyncIterator[Databases]:
    """The database of the settings; without one the embedded, started or joined, migrated."""
    async with AsyncExitStack() as stack:
        url = given.database_url
        if url is None:
            folder = given.data_dir / "postgres"
            server = await asyncio.to_thread(EmbeddedPostgres.start, folder)
            stack.push_async_callback(asyncio.to_thread, server.stop)
            url = server.url
            await migrate(url, OWNERS)
        databases = Databases.open(url, api_pool=2, worker_pool=2, application="followup command")
        stack.push_async_callback(databases.close)
        yield databases
