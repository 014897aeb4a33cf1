"""`followup up`."""

import asyncio
import sys

import click

from followup_directory import create_key, list_keys
from followup_embedded.commands.office import perform
from followup_embedded.house import Embedded
from followup_runtime import logging, process
from followup_runtime.settings import Settings, load


@click.command(epilog="Example: followup up --port 8000")
@click.option("--host", default=None, help="Where to listen; else FOLLOWUP_HTTP_HOST.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Else FOLLOWUP_HTTP_PORT."
)
def command(host: str | None, port: int | None) -> int:
    """Run all services under one port until Ctrl-C, which drains.

    Without FOLLOWUP_DATABASE_URL on a PostgreSQL of its own in .followup/data; without
    FOLLOWUP_AMQP_URL on a bus in this process.
    """
    given = load()
    given = given.model_copy(
        update={
            name: value
            for name, value in (("http_host", host), ("http_port", port))
            if value is not None
        }
    )
    as_json = given.log_format == "json" and not sys.stderr.isatty()
    logging.configure(level=given.log_level, json=as_json)
    return perform(_serve(given))


async def _serve(given: Settings) -> int:
    listener = process.listen(given.http_host, given.http_port)
    url = process.base_url(listener)
    if given.public_url is None:
        given = given.model_copy(update={"public_url": url})
    stop, quit_now = asyncio.Event(), asyncio.Event()
    with process.signals(stop, quit_now), listener:
        async with Embedded(given) as house, house.running() as broken:
            key = await _first_key(house)
            watch = asyncio.create_task(_stop_when(broken, stop))
            try:
                code = await process.run(
                    [],
                    house.app,
                    listener=listener,
                    stop=stop,
                    quit_now=quit_now,
                    on_ready=lambda base: _welcome(base, key),
                    trusted_proxies=given.trusted_proxies,
                )
            finally:
                watch.cancel()
        return code


async def _stop_when(broken: asyncio.Event, stop: asyncio.Event) -> None:
    """A part that ended early ends everything: half a house helps nobody."""
    await broken.wait()
    stop.set()


async def _first_key(house: Embedded) -> str | None:
    """A key for tenant `default` if it has none at all."""
    async with house.databases.worker.transaction() as tx:
        if await list_keys(tx, house.tenant.id):
            return None
        return (await create_key(tx, house.tenant.id, "first")).token


def _welcome(url: str, key: str | None) -> None:
    click.echo(f"Followup is up at {url}")
    click.echo(f"  API      {url}/docs")
    click.echo(f"  health   {url}/readyz")
    if key is not None:
        click.echo(f"  API key  {key}   (shown this once)")
    else:
        click.echo("  API key  followup key create --tenant default")
    click.echo("Ctrl-C drains and stops it.")
