"""Leads a webhook has only told of, fetched from where they are: a job that is tried again.

A claim is a row whose time was moved on, so a process that goes loses nothing: another
takes the row when that time has come. Fetching twice is harmless, the lead's external id
makes it one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx
import orjson
import structlog
from sqlalchemy import text

from followup_database import Database, Row, Transaction, committed, new_id
from followup_database.errors import is_outage
from followup_directory import Vault
from followup_intake.core.vendors import meta
from followup_intake.core.vendors.answers import Sent
from followup_intake.sources import Source, secret_of, source_by_id
from followup_intake.submitted import Submission
from followup_runtime.loops import Tick

MOST = 20
CLAIM_SECONDS = 120
FIRST_PAUSE, LONGEST_PAUSE = 15, 3600
PATIENCE_HOURS = 72
IDLE = 1.0
MAX_ANSWER = 256 * 1024
_ERROR_SHOWN = 300

_log = structlog.get_logger(__name__)

_ASK = text("""
INSERT INTO intake.fetches (id, tenant_id, source_id, external_id)
SELECT r.id, :tenant_id, :source_id, r.external_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:external_ids AS text[])) AS r(id, external_id)
ORDER BY r.external_id COLLATE "C"
ON CONFLICT (source_id, external_id) DO NOTHING
""")
_CLAIM = text("""
UPDATE intake.fetches f SET attempts = f.attempts + 1,
  due_at = clock_timestamp() + make_interval(secs => :seconds)
FROM (
  SELECT id FROM intake.fetches WHERE state = 'open' AND due_at <= statement_timestamp()
  ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
) AS due
WHERE f.id = due.id
RETURNING f.id, f.tenant_id, f.source_id, f.external_id, f.attempts,
  f.asked_at < clock_timestamp() - make_interval(hours => :hours) AS late
""")
_END = text("""
UPDATE intake.fetches SET state = :state, error = :error, lead_id = :lead_id
WHERE id = :id AND state = 'open'
""")
_LATER = text("""
UPDATE intake.fetches SET error = :error,
  due_at = clock_timestamp() + make_interval(secs => :seconds)
WHERE id = :id AND state = 'open'
""")
_FORGET = text("""
DELETE FROM intake.fetches
WHERE state IN ('done', 'refused') AND asked_at < statement_timestamp() - interval '30 days'
""")
_LIST = text("""
SELECT id, external_id, state, attempts, error, lead_id, asked_at, due_at FROM intake.fetches
WHERE tenant_id = :tenant_id AND source_id = :source_id ORDER BY id DESC LIMIT :most
""")
_AGAIN = text("""
UPDATE intake.fetches SET state = 'open', due_at = clock_timestamp(), asked_at = clock_timestamp()
WHERE tenant_id = :tenant_id AND source_id = :source_id AND id = :id AND state = 'failed'
""")


class FetchFailed(Exception):
    """The vendor did not give the lead this time; its text is for people, without secrets."""


class LeadApi(Protocol):
    """Where leads are fetched from."""

    async def fetch(self, lead_id: str, *, token: str) -> dict[str, Any]:
        """One lead as the vendor has it; raises `FetchFailed`."""
        ...


class GraphApi:
    """Meta's Graph API; the token travels in a header, addresses are logged."""

    def __init__(self, base: str, client: Callable[[], httpx.AsyncClient]) -> None:
        self._base = base.rstrip("/")
        self._make = client
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, lead_id: str, *, token: str) -> dict[str, Any]:
        """A lead's answers."""
        if self._client is None:
            self._client = self._make()
        try:
            answer = await self._client.get(
                f"{self._base}/{lead_id}",
                params={"fields": meta.FIELDS},
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.HTTPError as error:
            raise FetchFailed(f"it can't be reached: {type(error).__name__}") from None
        return _read(answer)

    async def close(self) -> None:
        """Let the connections go."""
        if self._client is not None:
            await self._client.aclose()


def _read(answer: httpx.Response) -> dict[str, Any]:
    if len(answer.content) > MAX_ANSWER:
        raise FetchFailed("the answer is too large")
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise FetchFailed(f"{answer.status_code}, and no JSON") from None
    if answer.is_error or not isinstance(body, dict):
        error = body.get("error") if isinstance(body, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        # What Meta writes beside its code may quote the request.
        raise FetchFailed(f"{answer.status_code}, code {code}")
    return body


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of one try: an end, or the error it is tried again after."""

    state: str | None
    error: str | None = None
    lead_id: UUID | None = None


class Fetches:
    """Fetches what is due, a bounded number a round."""

    name = "intake:fetches"

    def __init__(
        self, database: Database, api: LeadApi, *, vault: Vault, submission: Submission
    ) -> None:
        self._database = database
        self._api = api
        self._vault = vault
        self._submission = submission

    async def run_once(self) -> Tick:
        """Claim, fetch one after the other, and keep each before the next."""
        async with self._database.transaction() as tx:
            claimed = await tx.all(_CLAIM, most=MOST, seconds=CLAIM_SECONDS, hours=PATIENCE_HOURS)
        for row in claimed:
            await self._keep(row, await self._tried(row))
        return Tick(worked=len(claimed), again_in=0.0 if len(claimed) == MOST else IDLE)

    async def _tried(self, row: Row) -> _Result:
        """One try; what goes wrong with one must not keep the others waiting."""
        try:
            return await self._try(row)
        except Exception as error:
            if is_outage(error):
                raise
            _log.error("fetch_failed", fetch_id=str(row["id"]), error=type(error).__name__)
            return _Result("failed" if row["late"] else None, type(error).__name__)

    async def _try(self, row: Row) -> _Result:
        async with self._database.transaction() as tx:
            source = await source_by_id(tx, row["tenant_id"], row["source_id"])
        if source is None:
            return _Result("failed", "the source is gone")
        try:
            token = secret_of(source, self._vault, "page_token").decode()
            answer = await self._api.fetch(row["external_id"], token=token)
        except FetchFailed as error:
            return _Result("failed" if row["late"] else None, str(error)[:_ERROR_SHOWN])
        return await self._submit(source, answer)

    async def _submit(self, source: Source, answer: dict[str, Any]) -> _Result:
        match meta.read_lead(answer, source.rules()):
            case Sent() as sent:
                taken = await self._submission.take(source, sent)
            case unreadable:
                return _Result("refused", unreadable.why)
        if taken.lead_id is None:
            return _Result("refused", taken.reason)
        return _Result("done", None, taken.lead_id)

    async def _keep(self, row: Row, result: _Result) -> None:
        async def work(tx: Transaction) -> None:
            if result.state is None:
                pause = min(FIRST_PAUSE * 2 ** min(row["attempts"] - 1, 16), LONGEST_PAUSE)
                await tx.run(_LATER, id=row["id"], error=result.error, seconds=pause)
                return
            await tx.run(
                _END,
                id=row["id"],
                state=result.state,
                error=result.error,
                lead_id=result.lead_id,
            )

        await committed(self._database, work)


async def forget_fetches(tx: Transaction) -> int:
    """Forget what was done or refused a month ago."""
    return await tx.run(_FORGET)


async def ask_fetches(tx: Transaction, source: Source, external_ids: Sequence[str]) -> int:
    """Have leads fetched, each once; how many were new."""
    return await tx.run(
        _ASK,
        tenant_id=source.tenant_id,
        source_id=source.id,
        ids=[new_id() for _ in external_ids],
        external_ids=list(external_ids),
    )


async def fetches_of(
    tx: Transaction, tenant_id: UUID, source_id: UUID, *, most: int
) -> list[dict[str, Any]]:
    """A source's latest fetches, newest first, in JSON values."""
    rows = await tx.all(_LIST, tenant_id=tenant_id, source_id=source_id, most=most)
    return [
        {
            **{name: row[name] for name in ("external_id", "state", "attempts", "error")},
            "id": str(row["id"]),
            "lead_id": None if row["lead_id"] is None else str(row["lead_id"]),
            "asked_at": row["asked_at"].isoformat(),
            "due_at": row["due_at"].isoformat(),
        }
        for row in rows
    ]


async def fetch_again(tx: Transaction, tenant_id: UUID, source_id: UUID, fetch_id: UUID) -> bool:
    """Have a fetch that was given up tried again; False for any other."""
    params = {"tenant_id": tenant_id, "source_id": source_id, "id": fetch_id}
    return await tx.run(_AGAIN, **params) == 1
