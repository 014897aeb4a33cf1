"""`/v1/sequences`: look, write, publish, check."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from followup_database import Transaction
from followup_directory import Principal
from followup_policy.house import NO_HOUSE, HouseRules
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.openapi import shaped
from followup_runtime.problems import Problem
from followup_scheduler.book import SequenceBook
from followup_scheduler.core import document
from followup_scheduler.core.calendar import calendar_json
from followup_scheduler.core.differences import differences
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.library import library
from followup_scheduler.facts import houses_of
from followup_scheduler.http.bodies import LintBody, SequenceBody
from followup_scheduler.http.calendars import CalendarBody
from followup_scheduler.http.documents import document_of, refused, told, unpublishable
from followup_scheduler.http.versions import (
    DifferenceBody,
    PublicationOrder,
    PublishedBody,
    VersionsBody,
)
from followup_scheduler.imagined import Play
from followup_scheduler.lint import linter
from followup_scheduler.lint.linter import has_errors
from followup_scheduler.publishing import NoSuchStep, Publisher
from followup_scheduler.store import moves, sequences

Reader = Annotated[Principal, Depends(require("sequences:read"))]
Writer = Annotated[Principal, Depends(require("sequences:write"))]
Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Version = Annotated[int | None, Query(ge=1, le=2_000_000_000)]

_KINDS: dict[str, Any] = {"application/yaml": {}, "application/json": {}}
"""What a sequence document may come as. What it has to be, its problem says line by line."""
WRITTEN = {"requestBody": {"required": True, "content": _KINDS}}
CHECKED = {"requestBody": {"required": False, "content": _KINDS}}


class SequenceRoutes:
    """What the routes need, and what they do."""

    def __init__(self, *, databases: Databases, book: SequenceBook) -> None:
        self._databases = databases
        self._book = book
        self._publisher = Publisher(book)

    async def show(self, principal: Principal, key: str, version: int | None) -> SequenceBody:
        """A version, the newest if none is named; else the library's document."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            return await self._found(tx, principal.tenant_id, key, version)

    async def write(self, principal: Principal, key: str, source: str) -> SequenceBody:
        """Store a document as the next draft; the newest version again stays that version."""
        _parsed(source, key=key)
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            await sequences.lock(tx, tenant_id, key)
            # The library's own document is version 1 wherever it is used.
            await self._book.current(tx, [(tenant_id, key)])
            last = await sequences.last(tx, tenant_id, key)
            if last is not None and last["source"] == source:
                return SequenceBody.model_validate(last)
            number = 1 if last is None else last["version"] + 1
            await self._book.add(tx, tenant_id, source, key=key, version=number, state="draft")
            return await self._found(tx, tenant_id, key, number)

    async def publish(
        self, principal: Principal, key: str, version: int | None, asked: PublicationOrder
    ) -> PublishedBody:
        """Let new enrollments take a version, the newest if none is named; runs as planned.

        One whose lint has errors is refused; what they are stands in the problem.
        """
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            await sequences.lock(tx, tenant_id, key)
            await self._book.current(tx, [(tenant_id, key)])
            found = await self._found(tx, tenant_id, key, version)
            if found.version is None:
                raise LookupError(f"{key} was installed and is not there")
            await _check(found.source, key=key)
            done = await self._publisher.publish(tx, tenant_id, key, found.version, asked.order())
            if isinstance(done, NoSuchStep):
                raise Problem(
                    422,
                    detail=f"version {found.version} has no step {done.target!r}",
                    pointer=f"/steps/{done.step}",
                )
            shown = await self._found(tx, tenant_id, key, found.version)
        return PublishedBody.of(shown, done, preview=asked.preview)

    async def versions(self, principal: Principal, key: str) -> VersionsBody:
        """The versions of a sequence and who runs them."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            rows = await sequences.versions(tx, tenant_id, key)
            if not rows:
                await self._found(tx, tenant_id, key, None)  # 404, unless the library has it
            move = await moves.last_of(tx, tenant_id, key)
        return VersionsBody.model_validate({"key": key, "versions": rows, "move": move})

    async def diff(self, principal: Principal, key: str, old: int, new: int) -> DifferenceBody:
        """What differs between two versions, in words."""
        tenant_id = principal.tenant_id
        wanted = {number: (tenant_id, key, number) for number in (old, new)}
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            found = await self._book.editions(tx, wanted.values())
        for number, place in wanted.items():
            if place not in found:
                raise Problem(404, detail=f"there is no version {number}", pointer="{key}")
        changes = differences(found[wanted[old]].sequence, found[wanted[new]].sequence)
        return DifferenceBody(key=key, from_version=old, to_version=new, changes=list(changes))

    async def simulate(self, principal: Principal, key: str, play: Play) -> dict[str, Any]:
        """The calendar of a made-up lead, by the rules of its tenant."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            now, stored = tx.now, ""
            house = (await houses_of(tx, [principal.tenant_id])).get(principal.tenant_id, NO_HOUSE)
            if play.document is None:
                stored = (await self._found(tx, principal.tenant_id, key, None)).source
        try:
            # A sequence that repeats is played for more than a year: seconds, for a busy one.
            return await asyncio.to_thread(_played, play, stored, key=key, now=now, house=house)
        except BadDocument as error:
            root = "" if play.document is None else "/document"
            raise refused(error, root=root) from None

    async def source(self, principal: Principal, key: str, request: Request) -> str:
        """The document in the request, else the stored one."""
        sent = await document_of(request)
        return sent if sent is not None else (await self.show(principal, key, None)).source

    async def _found(
        self, tx: Transaction, tenant_id: UUID, key: str, version: int | None
    ) -> SequenceBody:
        row: dict[str, Any] | None
        if version is None:
            row = await sequences.last(tx, tenant_id, key)
        else:
            row = await sequences.version(tx, tenant_id, key, version)
        if row is not None:
            return SequenceBody.model_validate(row)
        if version is None and key in library():
            return SequenceBody(
                key=key, version=None, state="library", source=library()[key], created_at=None
            )
        raise Problem(404, detail="there is no such sequence", pointer="{key}")


def routes(service: SequenceRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(prefix="/v1/sequences", tags=["sequences"])

    @router.get("/{key}")
    async def show(principal: Reader, key: Key, version: Version = None) -> SequenceBody:
        """A version of a sequence, the newest if none is named."""
        return await service.show(principal, key, version)

    @router.put("/{key}", openapi_extra=WRITTEN)
    async def write(principal: Writer, key: Key, request: Request) -> SequenceBody:
        """Store a document (YAML or JSON) as the next draft."""
        source = await document_of(request)
        if source is None:
            raise Problem(422, detail="the body is a sequence document", pointer="")
        return await service.write(principal, key, source)

    @router.post("/{key}/publish")
    async def publish(
        principal: Writer,
        key: Key,
        body: PublicationOrder | None = None,
        version: Version = None,
    ) -> PublishedBody:
        """Let new enrollments take a version; runs under way do as the plan says."""
        return await service.publish(principal, key, version, body or PublicationOrder(steps={}))

    @router.get("/{key}/versions")
    async def versions(principal: Reader, key: Key) -> VersionsBody:
        """The versions of a sequence, newest first, and how many live runs each has."""
        return await service.versions(principal, key)

    @router.get("/{key}/diff")
    async def diff(
        principal: Reader,
        key: Key,
        old: Annotated[int, Query(alias="from", ge=1, le=2_000_000_000)],
        new: Annotated[int, Query(alias="to", ge=1, le=2_000_000_000)],
    ) -> DifferenceBody:
        """What differs between two versions, in words."""
        return await service.diff(principal, key, old, new)

    @router.post("/{key}/lint", openapi_extra=CHECKED)
    async def lint(principal: Reader, key: Key, request: Request) -> LintBody:
        """Check a document, or the stored one when none is sent; stores nothing."""
        source = await service.source(principal, key, request)
        found = await asyncio.to_thread(linter.lint, source, file=f"{key}.yaml")
        return LintBody(valid=not has_errors(found), findings=told(found))

    @router.post("/{key}/simulate", responses=shaped(CalendarBody))
    async def simulate(principal: Reader, key: Key, body: Play | None = None) -> dict[str, Any]:
        """Play the newest version, or a document that is sent, for a made-up lead."""
        return await service.simulate(principal, key, body or Play())

    return router


def _played(
    play: Play, stored: str, *, key: str, now: datetime, house: HouseRules
) -> dict[str, Any]:
    """The calendar of a play, of the document in it or else of the stored one."""
    sequence = (
        document.parse(stored, file=f"{key}.yaml")
        if play.document is None
        else document.from_json(play.document, file=f"{key}.json")
    )
    return calendar_json(play.of(sequence, now=now, house=house))


async def _check(source: str, *, key: str) -> None:
    """Refuse to publish what the lint has errors for."""
    found = await asyncio.to_thread(linter.lint, source, file=f"{key}.yaml")
    if has_errors(found):
        raise unpublishable(found)


def _parsed(source: str, *, key: str) -> document.Sequence:
    try:
        sequence = document.parse(source, file=f"{key}.yaml")
    except BadDocument as error:
        raise refused(error) from None
    if sequence.key != key:
        raise Problem(422, detail=f"the address says {key!r}", pointer="/key")
    return sequence
