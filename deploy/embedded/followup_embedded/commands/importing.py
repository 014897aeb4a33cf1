"""`followup import`: a file of leads, judged row by row."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from followup_embedded.commands.errors import WrongUse
from followup_intake.core.errors import NotATable, WrongMapping
from followup_intake.core.lead import RowResult
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.preview import preview
from followup_intake.core.report import result_csv, row_json
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
@click.option("--map", "mapped", multiple=True, metavar="HEADING=FIELD", help="What a column is.")
@click.option("--preview", "look", is_flag=True, help="Show how columns are read; write nothing.")
@click.option(
    "--result",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write every row's verdict and values to this CSV.",
)
@click.option("--url", envvar="FOLLOWUP_URL", help="Import over HTTP at this address.")
@click.option("--key", envvar="FOLLOWUP_KEY", help="The API key for --url.")
def command(  # noqa: PLR0913 - one parameter an option
    file: Path,
    *,
    dry_run: bool,
    as_json: bool,
    tenant: str,
    country: str | None,
    mapped: tuple[str, ...],
    look: bool,
    result: Path | None,
    url: str | None,
    key: str | None,
) -> int:
    """Import FILE, a CSV, TSV or XLSX of leads as it comes. Safe to repeat.

    An import that was cut off goes on where it stopped. FIELD is name, first_name,
    last_name, email, phone, source, need, city, state, postal_code, country, zone,
    received_at, consent, consent_text, value, currency, company, notes, external_id,
    attribute:NAME or ignore. Exits 1 when the file is no table.
    """
    mapping = _mapping(mapped)
    judged = _Judging(file, mapping, country or "US")
    try:
        if look:
            return _show(judged, as_json=as_json)
        if result is not None:
            _write(result, judged)
        if dry_run:
            return _judge(judged, as_json=as_json)
        report = (
            _over_http(file, url, key, mapping) if url else _into_database(file, tenant, mapping)
        )
    except NotATable as error:
        click.echo(f"followup: {file}: {error.reason}", err=True)
        return 1
    except WrongMapping as error:
        raise WrongUse(f"--map: {error}") from None
    if as_json:
        click.echo(json.dumps(report))
    else:
        _tell(report)
    return 0


@dataclass(frozen=True, slots=True)
class _Judging:
    """A file, and how it is judged where nothing is written."""

    file: Path
    mapping: Mapping[str, str]
    country: str

    def rows(self) -> Iterator[RowResult]:
        """Every row with its verdict; progress goes to a terminal's stderr."""
        today = datetime.now(UTC).date()
        with self.file.open("rb") as opened, progressing(self.file.name) as told:
            for row in normalise_rows(
                read_table(opened, mapping=self.mapping),
                today=today,
                default_country=self.country,
                mapping=self.mapping,
            ):
                told(row.row)
                yield row


@contextmanager
def progressing(name: str) -> Iterator[Callable[[int], None]]:
    """Tell a terminal's stderr every few hundred rows how many are done."""
    shown = 0

    def tell(rows: int) -> None:
        nonlocal shown
        if rows - shown >= _EVERY and sys.stderr.isatty():
            shown = rows
            click.echo(f"\r{name}: {rows:,} rows", nl=False, err=True)

    yield tell
    if shown:
        click.echo(err=True)


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        heading, equals, field = pair.rpartition("=")
        if not equals or not heading.strip():
            raise WrongUse(f"--map: {pair!r} is not HEADING=FIELD")
        found[heading] = field.strip()
    return found


def _show(judging: _Judging, *, as_json: bool) -> int:
    today = datetime.now(UTC).date()
    with judging.file.open("rb") as opened:
        table = read_table(opened, mapping=judging.mapping)
        seen = preview(table, today=today, default_country=judging.country, mapping=judging.mapping)
    if as_json:
        click.echo(json.dumps(seen, ensure_ascii=False))
        return 0
    for column in seen["columns"]:
        kept = f"attribute {column['attribute']}" if column["attribute"] else "ignored"
        click.echo(f"{column['heading']}: {column['field'] or kept}")
    told = ", ".join(f"{n} {verdict}" for verdict, n in sorted(seen["verdicts"].items()))
    click.echo(f"The first {seen['counted']} rows: {told}. Nothing was written.", err=True)
    return 0


def _write(result: Path, judging: _Judging) -> None:
    with result.open("w", encoding="utf-8", newline="") as out:
        out.writelines(result_csv(judging.rows()))


def _judge(judging: _Judging, *, as_json: bool) -> int:
    counts: dict[str, int] = {}
    for result in judging.rows():
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
        if as_json:
            sys.stdout.write(json.dumps(row_json(result), ensure_ascii=False) + "\n")
        else:
            click.echo(f"row {result.row}: {result.verdict} ({result.reason})")
    told = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    click.echo(f"{sum(counts.values())} rows: {told}. Nothing was written.", err=True)
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


def _over_http(file: Path, url: str, key: str | None, mapping: Mapping[str, str]) -> dict[str, Any]:
    import httpx  # noqa: PLC0415 - a dry run must start at once

    if not key:
        raise WrongUse("--key (or FOLLOWUP_KEY): required with --url")
    headers = {"authorization": f"Bearer {key}", "content-type": "text/csv"}
    with file.open("rb") as opened, httpx.Client(timeout=600) as client:
        try:
            answer = client.post(
                f"{url.rstrip('/')}/v1/leads/import",
                params={"map": [f"{heading}={field}" for heading, field in mapping.items()]},
                content=opened,
                headers=headers,
            )
        except httpx.HTTPError as error:
            raise click.ClickException(f"{url} can't be reached: {error}") from None
    if answer.is_error:
        raise click.ClickException(f"{url} answered {answer.status_code}: {answer.text}")
    report: dict[str, Any] = answer.json()
    return report


def _into_database(file: Path, tenant: str, mapping: Mapping[str, str]) -> dict[str, Any]:
    from followup_embedded.commands.office import perform, settings  # noqa: PLC0415 - see above

    return perform(_imported(file, tenant, mapping, settings()))


async def _imported(
    file: Path, slug: str, mapping: Mapping[str, str], given: "Settings"
) -> dict[str, Any]:
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
        with file.open("rb") as opened, progressing(file.name) as told:
            report = await importer(databases, outbox).run(
                opened, tenant=tenant, today=today, mapping=mapping, progress=told
            )
    return {name: value for name, value in asdict(report).items() if name != "id"}
