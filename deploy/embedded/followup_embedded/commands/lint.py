"""`followup lint`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

import click

from followup_embedded.commands.documents import text_of
from followup_embedded.commands.errors import WrongUse
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.lint.findings import Finding
from followup_scheduler.lint.linter import DOCUMENT, has_errors, lint
from followup_scheduler.lint.sarif import sarif

Found = Mapping[str, Sequence[Finding]]


@click.command(epilog="Example: followup lint examples/first-sequence.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, an object a file.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0 alone.")
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
def command(files: tuple[str, ...], *, as_json: bool, as_sarif: bool, strict: bool) -> int:
    """Check sequence documents, or the library's of these keys.

    Exits 1 when one has an error, 2 when a file can't be opened; the others are checked
    all the same.
    """
    if as_json and as_sarif:
        raise WrongUse("--json: not together with --sarif")
    found: dict[str, tuple[Finding, ...]] = {}
    unread: list[WrongUse] = []
    for file in dict.fromkeys(files):
        try:
            found[file] = _findings(file)
        except WrongUse as error:
            unread.append(error)
    _tell(found, as_json=as_json, as_sarif=as_sarif)
    for other in unread[1:]:
        click.echo(f"followup: {other}", err=True)
    if unread:
        raise unread[0]
    return 1 if any(map(has_errors, found.values())) or (strict and any(found.values())) else 0


def _findings(file: str) -> tuple[Finding, ...]:
    try:
        return lint(text_of(file), file=file)
    except BadDocument as error:
        return tuple(
            Finding(DOCUMENT, "error", f.line, f.path, f.message, f.suggestion)
            for f in error.errors
        )


def _tell(found: Found, *, as_json: bool, as_sarif: bool) -> None:
    if as_sarif:
        click.echo(json.dumps(sarif(found, version=version("followup-embedded")), indent=2))
        return
    if as_json:
        click.echo(json.dumps([_told(file, findings) for file, findings in found.items()]))
        return
    for file, findings in found.items():
        for finding in findings:
            click.echo(f"{file}:{finding.line or 1}: {finding}")
    every = [finding for findings in found.values() for finding in findings]
    errors = sum(finding.severity == "error" for finding in every)
    click.echo(f"{len(found)} checked, {errors} errors, {len(every) - errors} warnings", err=True)


def _told(file: str, findings: Sequence[Finding]) -> dict[str, object]:
    return {
        "file": file,
        "valid": not has_errors(tuple(findings)),
        "findings": [asdict(finding) for finding in findings],
    }
