"""The `followup` command: one module a command, loaded when it is called."""

import sys
from importlib import import_module

import click

from followup_embedded.commands.errors import WrongUse

_WHERE = {
    "demo": ("demo", "Play a file of leads through their whole sequences, in a minute."),
    "up": ("up", "Run everything in one process."),
    "run": ("run", "Run one service of the distributed deployment."),
    "migrate": ("migrate", "Bring the database to the newest schema."),
    "import": ("importing", "Import a CSV, TSV or XLSX file of leads."),
    "sequences": ("sequences", "The sequences that come with Followup."),
    "lint": ("lint", "Check sequence documents."),
    "simulate": ("simulate", "Play a sequence on paper for one lead."),
    "intents": ("intents", "Read what replies mean, from a file."),
    "dead": ("dead", "Work on dead letters."),
    "tenant": ("tenant", "Create, change, suspend, delete and list tenants."),
    "key": ("key", "Create, list, rotate and revoke API keys."),
    "emergency": ("emergency", "Stop all contact in a jurisdiction."),
    "account": ("account", "Connect a tenant with its providers."),
}
"""Command → its module and what it does: `--help` loads none of them."""


class _Lazy(click.Group):
    """Loads a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_WHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _WHERE:
            return None
        module = import_module(f"followup_embedded.commands.{_WHERE[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in _WHERE.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: followup demo",
)
@click.version_option(package_name="followup-embedded", prog_name="followup")
def followup() -> None:
    """Follow leads up by SMS, e-mail and voice.

    Settings come from variables FOLLOWUP_…; without any, everything runs in this
    process on a PostgreSQL of its own in .followup/data.
    """


def main() -> None:
    """Run the command; exits 0 well, 1 findings or failure, 2 wrong use or settings."""
    try:
        code = followup.main(standalone_mode=False)
    except WrongUse as error:
        click.echo(f"followup: {error}", err=True)
        code = _WRONG_USE
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("followup: interrupted", err=True)
        code = _INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


_WRONG_USE = 2
_INTERRUPTED = 130
