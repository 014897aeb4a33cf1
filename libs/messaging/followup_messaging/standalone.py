"""A service as a process of its own: settings, bus, pools, the service, and its end."""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import NoReturn

import structlog
import uvloop

from followup_messaging.port import Bus
from followup_messaging.rabbitmq import RabbitBus
from followup_runtime import logging, process
from followup_runtime.databases import Databases
from followup_runtime.errors import SettingsError
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings, load, variable

Build = Callable[..., Service]
"""A service's `wiring.build(settings, *, bus, databases, metrics)`."""

_WRONG_SETTINGS = 2


def main(name: str, build: Build) -> NoReturn:
    """Run a service until it is told to stop; exits 2 with one line when settings are wrong."""
    settings = load()
    logging.configure(level=settings.log_level, json=settings.log_format == "json")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(run(name, build, settings))
    except SettingsError as error:
        sys.stderr.write(f"followup: {error}\n")
        code = _WRONG_SETTINGS
    raise SystemExit(code)


async def run(name: str, build: Build, settings: Settings) -> int:
    """The same with settings at hand; returns the exit code."""
    database_url, amqp_url = _addresses(name, settings)
    databases = Databases.open(
        database_url,
        api_pool=settings.api_pool,
        worker_pool=settings.worker_pool,
        application=f"followup {name}",
    )
    bus: Bus = RabbitBus(amqp_url)
    metrics = Metrics()
    try:
        await bus.connect()
        service = build(settings, bus=bus, databases=databases, metrics=metrics)
        structlog.get_logger("followup.process").info("service_built", service=name)
        _settle_memory()
        return await process.serve([service], settings, databases=databases, metrics=metrics)
    finally:
        await bus.close()
        await databases.close()


def _settle_memory() -> None:
    """Take what start-up made out of the collector's rounds, and have it go round less often.

    A service makes and drops many small objects per message, hardly any in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _addresses(name: str, settings: Settings) -> tuple[str, str]:
    for field in ("database_url", "amqp_url"):
        if getattr(settings, field) is None:
            raise SettingsError(
                f"{variable(field)} is not set: a service on its own needs it;"
                " `followup up` runs everything in one process without"
            )
    if settings.database_url is None or settings.amqp_url is None:
        raise SettingsError(f"{name} can't run alone")
    return settings.database_url, settings.amqp_url
