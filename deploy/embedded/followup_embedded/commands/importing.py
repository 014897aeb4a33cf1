"""`followup import`: a file of leads, judged row by row."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from followup_embedded.commands.errors import WrongUse
from followup_intake.core.errors import NotATable
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.report import row_json
from followup_intake.core.table import read_table

if TYPE_CHECKING:
    from followup_runtime.settings import Settings

_EVERY = 500


@click.command(epilog="Example: followup import leads.csv --dry-run --json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Judge every row, write nothing, need no database.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone; one object a row.")
@click.option("--tenant", default="default", show_default=True, help="Whose leads they are.")
@click.option("--country", default=None, help="Country of leads that name none, such as US.")
@click.option("--url", envvar="FOLLOWUP_URL", help="Import over HTTP at this address.")
@click.option("--key", envvar="FOLLOWUP_KEY", help="The API key for --url.")
def command(
    file: Path,
    *,
    dry_run: bool,
    as_json: bool,
    tenant: str,
    country: str | None,
    url: str | None,
    key: str | None,
) -> int:
    """Import FILE, a CSV or TSV of leads as it comes. Safe to repeat.

    Exits 1 when the file is no table.
    """
    try:
        if dry_run:
            return _judge(file, country=country or "US", as_json=as_json)
        report = _over_http(file, url, key) if url else _into_database(file, tenant)
    except NotATable as error:
        click.echo(f"followup: {file}: {error.reason}", err=True)
        return 1
    if as_json:
        click.echo(json.dumps(report))
    else:
        _tell(report)
    return 0


def _judge(file: Path, *, country: str, as_json: bool) -> int:
    today = datetime.now(UTC).date()
    counts: dict[str, int] = {}
    rows = 0
    with file.open("rb") as opened:
        for result in normalise_rows(read_table(opened), today=today, default_country=country):
            rows += 1
            counts[result.verdict] = counts.get(result.verdict, 0) + 1
            if as_json:
                sys.stdout.write(json.dumps(row_json(result), ensure_ascii=False) + "\n")
            else:
                click.echo(f"row {result.row}: {result.verdict} ({result.reason})")
            if rows % _EVERY == 0 and sys.stderr.isatty():
                click.echo(f"\r{rows} rows", nl=False, err=True)
    told = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    click.echo(f"{rows} rows: {told}. Nothing was written.", err=True)
    return 0


def _tell(report: dict[str, Any]) -> None:
    click.echo(
        f"{report['rows']} rows: {report['accepted']} imported"
        f" ({report['merged']} of them merged), {report['refused']} refused."
    )
    for refusal in _some(report["refusals"]):
        click.echo(f"  row {refusal['row']} refused: {refusal['reason']}")


def _some(refusals: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(refusals)[:50]


def _over_http(file: Path, url: str, key: str | None) -> dict[str, Any]:
    import httpx  # noqa: PLC0415 - a dry run must start at once

    if not key:
        raise WrongUse("--key (or FOLLOWUP_KEY): required with --url")
    headers = {"authorization": f"Bearer {key}", "content-type": "text/csv"}
    with file.open("rb") as opened, httpx.Client(timeout=600) as client:
        try:
            answer = client.post(
                f"{url.rstrip('/')}/v1/leads/import", content=opened, headers=headers
            )
        except httpx.HTTPError as error:
            raise click.ClickException(f"{url} can't be reached: {error}") from None
    if answer.is_error:
        raise click.ClickException(f"{url} answered {answer.status_code}: {answer.text}")
    report: dict[str, Any] = answer.json()
    return report


def _into_database(file: Path, tenant: str) -> dict[str, Any]:
    from followup_embedded.commands.office import perform, settings  # noqa: PLC0415 - see above

    return perform(_imported(file, tenant, settings()))


async def _imported(file: Path, slug: str, given: "Settings") -> dict[str, Any]:
    """By the code behind the route; a running service publishes what it announces."""
    from dataclasses import asdict  # noqa: PLC0415 - see above
    from datetime import timedelta  # noqa: PLC0415

    from followup_embedded.commands.office import open_databases  # noqa: PLC0415
    from followup_embedded.commands.tenants import tenant_named  # noqa: PLC0415
    from followup_intake.wiring import importer  # noqa: PLC0415
    from followup_messaging.inprocess import InProcessBus  # noqa: PLC0415
    from followup_messaging.outbox import Outbox  # noqa: PLC0415

    async with open_databases(given) as databases:
        async with databases.worker.transaction() as tx:
            tenant, today = await tenant_named(tx, slug), tx.now.date()
        # Nothing is published from here: rows that are due at once are a service's to send.
        outbox = Outbox("intake", InProcessBus(), databases.worker, republish_after=timedelta(0))
        with file.open("rb") as opened:
            report = await importer(databases, outbox).run(opened, tenant=tenant, today=today)
    return {name: value for name, value in asdict(report).items() if name != "id"}
