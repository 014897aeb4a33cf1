"""`followup lint`."""

import json

import click

from followup_embedded.commands.documents import read
from followup_scheduler.core.errors import BadDocument, Fault


@click.command(epilog="Example: followup lint examples/first-sequence.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(files: tuple[str, ...], *, as_json: bool) -> int:
    """Check sequence documents; exits 1 when something is wrong with one."""
    found = {file: _faults(file) for file in files}
    if as_json:
        click.echo(
            json.dumps(
                [
                    {"file": file, "valid": not faults, "findings": [f._asdict() for f in faults]}
                    for file, faults in found.items()
                ]
            )
        )
    else:
        for file, faults in found.items():
            for fault in faults:
                click.echo(f"{file}:{fault.line or 1}: {fault}")
        click.echo(f"{len(files)} checked, {sum(map(bool, found.values()))} with faults", err=True)
    return 1 if any(found.values()) else 0


def _faults(file: str) -> tuple[Fault, ...]:
    try:
        read(file)
    except BadDocument as error:
        return error.errors
    return ()
