"""`followup run SERVICE`."""

from importlib import import_module

import click

from followup_embedded.commands.errors import WrongUse
from followup_messaging.standalone import main
from followup_runtime.settings import load, variable

_SERVICES = ("intake", "scheduler", "dispatcher", "replies")


@click.command(epilog="Example: followup run dispatcher")
@click.argument("service", type=click.Choice(_SERVICES))
def command(service: str) -> None:
    """Run one service of the distributed deployment; any number of each may run.

    Needs FOLLOWUP_DATABASE_URL and FOLLOWUP_AMQP_URL. SIGTERM drains it.
    """
    given = load()
    for name in ("database_url", "amqp_url"):
        if getattr(given, name) is None:
            raise WrongUse(f"{variable(name)}: required to run one service on its own")
    main(service, import_module(f"followup_{service}.wiring").build)
