"""Leads in bulk: NDJSON lines, read, judged, saved and answered in groups.

The steps overlap: one group is saved while the next is read. A group that is judged gives
way to other requests every few milliseconds, and no more than a few are held at once
however long the batch is.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from followup_contracts.payload import Lane
from followup_database import Database, Transaction, committed
from followup_directory import Deed, Tenant, record_deed
from followup_intake.ahead import ahead
from followup_intake.capture import Capture, Captured, Draft
from followup_intake.drafts import answer, drafted, read_lead, refusal
from followup_runtime.problems import Problem
from followup_suppression import StopFence

MAX_LINE = 64 * 1024
GROUP = 500
SLICE = 25
"""Lines judged at once: about a millisecond of work."""
UNANSWERED = 4
"""Groups that may wait for the fence while later ones are saved."""

Line = tuple[int, bytes]
"""A line of a batch and its number, from 1."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """By what a batch is judged. `name`: what its lines are known by when it comes again."""

    tenant: Tenant
    today: date
    name: str | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """A group: drafts of what is to be saved, and by line the answers to the others."""

    last: int
    drafts: Sequence[Draft]
    refused: dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Saved:
    """A committed group's answers, and the moment of a commit the fence has to stand for."""

    last: int
    answers: bytes
    stopped_at: float | None


class Batches:
    """Takes batches in."""

    def __init__(self, database: Database, *, capture: Capture, fence: StopFence) -> None:
        self._database = database
        self._capture = capture
        self._fence = fence

    async def take(
        self,
        blocks: AsyncIterator[bytes],
        *,
        tenant: Tenant,
        today: date,
        lane: Lane,
        by: UUID | None = None,
        key: str | None = None,
    ) -> AsyncGenerator[bytes]:
        """Save the leads of a batch and yield their answers, group by group, in order.

        `by`: the API key it is recorded under, a group an entry. With a `key` of the caller's
        a line that comes again with it is the same lead, whether it has an `external_id` or not.

        A group is answered when it is committed, and behind the fence where it refuses
        consent for a person known before. A batch that breaks off ends with a line that
        says so; what was answered is kept.
        """
        name = None if key is None else sha256(f"{by}:{key}".encode()).hexdigest()[:24]
        judged = ahead(_judged(blocks, _Terms(tenant, today, name)), most=1)
        saved = ahead(self._saved(judged, tenant, lane, by), most=UNANSWERED)
        number = 0
        try:
            async with aclosing(saved):
                async for group in saved:
                    if group.stopped_at is not None:
                        await self._fence.settle(group.stopped_at)
                    number = group.last
                    yield group.answers
        except Problem as problem:
            # The status is out already; the last line has to tell.
            said = problem.said or problem.title
            yield orjson.dumps({"line": number + 1, "status": "stopped", "detail": said}) + b"\n"

    async def _saved(
        self, groups: AsyncGenerator[_Judged], tenant: Tenant, lane: Lane, by: UUID | None
    ) -> AsyncGenerator[_Saved]:
        async with aclosing(groups):
            async for group in groups:
                yield await self._save(group, tenant, lane, by)

    async def _save(self, group: _Judged, tenant: Tenant, lane: Lane, by: UUID | None) -> _Saved:
        """Take a group in one transaction."""

        async def work(tx: Transaction) -> list[Captured]:
            captured = await self._capture.save(tx, tenant, group.drafts, lane=lane)
            if by is not None and captured:
                deed = Deed("POST /v1/leads/batch", [one.lead_id for one in captured])
                await record_deed(tx, tenant.id, deed, key_id=by)
            return captured

        saved = await committed(self._database, work, tenant=tenant.id)
        stopped_at = self._fence.moment() if any(one.refused for one in saved) else None
        answers = dict(group.refused)
        for draft, one in zip(group.drafts, saved, strict=True):
            answers[one.row] = {"line": one.row, "status": "accepted", **answer(draft, one)}
        lines = b"".join(orjson.dumps(answers[n]) + b"\n" for n in sorted(answers))
        return _Saved(group.last, lines, stopped_at)


async def _judged(blocks: AsyncIterator[bytes], terms: _Terms) -> AsyncGenerator[_Judged]:
    async for lines in _groups(blocks):
        drafts: list[Draft] = []
        refused: dict[int, dict[str, Any]] = {}
        for start in range(0, len(lines), SLICE):
            for number, line in lines[start : start + SLICE]:
                match _read(line, number, terms):
                    case Draft() as draft:
                        drafts.append(draft)
                    case Problem() as problem:
                        refused[number] = _refused(number, problem)
            # Requests beside it have their turn.
            await asyncio.sleep(0)
        yield _Judged(lines[-1][0], drafts, refused)


def _read(line: bytes, number: int, terms: _Terms) -> Draft | Problem:
    if len(line) > MAX_LINE:
        return Problem(413, detail=f"the line is longer than {MAX_LINE} bytes", pointer="")
    body = read_lead(line)
    if isinstance(body, Problem):
        return body
    draft = drafted(body, tenant=terms.tenant, today=terms.today, row=number)
    if not isinstance(draft, Draft):
        return refusal(draft)
    if terms.name is None or draft.external_id or draft.lead.external_id:
        return draft
    # With what it says: another line under the same key and number is another lead.
    said = sha256(line.strip()).hexdigest()[:16]
    return replace(draft, external_id=f"batch:{terms.name}:{number}:{said}")


def _refused(number: int, problem: Problem) -> dict[str, Any]:
    return {
        "line": number,
        "status": "refused",
        "detail": problem.said or problem.title,
        "errors": problem.errors,
    }


async def _groups(blocks: AsyncIterator[bytes]) -> AsyncIterator[list[Line]]:
    """Lines that are not empty, in groups; of one that is too long only what shows it."""
    held, lines, number = b"", list[Line](), 0
    async for block in blocks:
        *whole, held = (held + block).split(b"\n")
        lines += [(n, line) for n, line in enumerate(whole, number + 1) if line.strip()]
        number += len(whole)
        held = held[: MAX_LINE + 1]
        while len(lines) >= GROUP:
            group, lines = lines[:GROUP], lines[GROUP:]
            yield group
    if held.strip():
        lines.append((number + 1, held))
    if lines:
        yield lines
