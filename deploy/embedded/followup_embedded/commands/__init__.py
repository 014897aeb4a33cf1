"""The `followup` command: one module a command, loaded when it is called."""

import sys
from importlib import import_module

import click

from followup_embedded.commands.errors import WrongUse

_WHERE = {
    "demo": "demo",
    "up": "up",
    "run": "run",
    "migrate": "migrate",
    "import": "importing",
    "sequences": "sequences",
    "lint": "lint",
    "simulate": "simulate",
    "intents": "intents",
    "dead": "dead",
    "tenant": "tenant",
    "key": "key",
}


class _Lazy(click.Group):
    """Loads a command's module when the command is used: `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_WHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _WHERE:
            return None
        module = import_module(f"followup_embedded.commands.{_WHERE[cmd_name]}")
        command: click.Command = module.command
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="followup-embedded", prog_name="followup")
def followup() -> None:
    """Follow leads up by SMS, e-mail and voice.

    Begin with: followup demo
    """


def main() -> None:
    """Run the command; exits 0 well, 1 findings or failure, 2 wrong use or settings."""
    try:
        code = followup.main(standalone_mode=False)
    except WrongUse as error:
        click.echo(f"followup: {error}", err=True)
        code = 2
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("followup: interrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
