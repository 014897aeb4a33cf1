"""Leads that are posted one by one, saved together when they come together.

What comes in for a tenant while a transaction of its posts is under way goes into the next
one: nobody waits for company, and under load a commit is shared. Each post has an answer
of its own, and what goes wrong with one is tried without the others.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from followup_database import Database, Transaction, committed
from followup_database.errors import is_outage
from followup_directory import Deed, Tenant, record_deed, tenants_by_id
from followup_intake import requests
from followup_intake.capture import Capture, Captured, Draft
from followup_intake.core.attributes import Unfit
from followup_intake.core.lead import RowResult
from followup_intake.drafts import answer, drafted, refusal
from followup_intake.errors import IntakeError, KeyReused
from followup_intake.models import LeadIn
from followup_intake.requests import Answer
from followup_runtime.problems import Problem

MOST = 64
"""Posts in a transaction, at most."""
PATIENCE = 0.05
"""Seconds after which posts that come no longer wait for a transaction that is under way:
it may be waiting for somebody's lock."""
AT_ONCE = 3
"""Transactions of a tenant's posts under way at most, all but one of them late."""


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A lead that was posted, with its `Idempotency-Key` and the body it came in.

    `by`: the API key that posted it.
    """

    body: LeadIn
    raw: bytes
    key: str | None = None
    traceparent: str | None = None
    by: UUID | None = None


@dataclass(slots=True)
class _Line:
    """A tenant's posts that wait, and its transactions under way, late ones among them."""

    waiting: deque[tuple[Post, asyncio.Future[Answer]]] = field(default_factory=deque)
    working: set[asyncio.Task[None]] = field(default_factory=set)
    late: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def free(self) -> bool:
        """Whether one more may begin."""
        return self.working == self.late and len(self.working) < AT_ONCE


class Posts:
    """Takes posts in."""

    def __init__(self, database: Database, *, capture: Capture) -> None:
        self._database = database
        self._capture = capture
        self._lines: dict[UUID, _Line] = {}

    @property
    def pending(self) -> int:
        """Posts that are not answered yet and in no transaction; 0 at rest."""
        return sum(len(line.waiting) for line in self._lines.values())

    async def take(self, tenant_id: UUID, post: Post) -> Answer:
        """Save one lead; returns once it is committed, or was under the same key before.

        201, or 200 for an `external_id` that is known. Raises the `Problem` that is the
        answer to a lead or a key that is refused.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(tenant_id, _Line())
        line.waiting.append((post, answered))
        self._start(tenant_id, line)
        return await answered

    def _start(self, tenant_id: UUID, line: _Line) -> None:
        while line.free and (posts := _next(line.waiting)):
            # Posts of several requests are in it: it belongs to the trace of none.
            task = asyncio.create_task(self._round(tenant_id, posts), context=Context())
            line.working.add(task)
            late = asyncio.get_running_loop().call_later(
                PATIENCE, self._is_late, tenant_id, line, task
            )
            task.add_done_callback(partial(self._ended, tenant_id, line, late))

    def _is_late(self, tenant_id: UUID, line: _Line, task: asyncio.Task[None]) -> None:
        line.late.add(task)
        self._start(tenant_id, line)

    def _ended(
        self,
        tenant_id: UUID,
        line: _Line,
        late: asyncio.TimerHandle,
        task: asyncio.Task[None],
    ) -> None:
        late.cancel()
        line.working.discard(task)
        line.late.discard(task)
        self._start(tenant_id, line)
        if not line.working:
            self._lines.pop(tenant_id, None)

    async def _round(
        self, tenant_id: UUID, posts: Sequence[tuple[Post, asyncio.Future[Answer]]]
    ) -> None:
        """Answer these posts, whatever happens."""
        try:
            answers = await self._together(tenant_id, [post for post, _ in posts])
            for (_, answered), found in zip(posts, answers, strict=True):
                _settle(answered, found)
        finally:
            for _, answered in posts:
                answered.cancel()  # does nothing to one that is done

    async def _together(self, tenant_id: UUID, posts: Sequence[Post]) -> list[Answer | Exception]:
        async def work(tx: Transaction) -> list[Answer | Exception]:
            return await self._save(tx, tenant_id, posts)

        try:
            return await committed(self._database, work, tenant=tenant_id, plans_stay=True)
        except Exception as error:  # noqa: BLE001 - it is the answer to whoever posted
            if len(posts) == 1 or is_outage(error):
                return [error] * len(posts)
            alone = [await self._together(tenant_id, [post]) for post in posts]
            return [found for (found,) in alone]

    async def _save(
        self, tx: Transaction, tenant_id: UUID, posts: Sequence[Post]
    ) -> list[Answer | Exception]:
        tenant = (await tenants_by_id(tx, [tenant_id])).get(tenant_id)
        if tenant is None or tenant.state != "active":
            return [Problem(403, detail="the tenant is not active") for _ in posts]
        judged = [_judge(post, tenant, tx) for post in posts]
        found = await _kept(tx, posts, judged)
        fresh = [
            (index, draft)
            for index, draft in enumerate(judged)
            if index not in found and isinstance(draft, Draft)
        ]
        saved = await self._capture.save(tx, tenant, [draft for _, draft in fresh], lane="now")
        await _record(
            tx, tenant_id, [(posts[i].by, one) for (i, _), one in zip(fresh, saved, strict=True)]
        )
        for (index, draft), one in zip(fresh, saved, strict=True):
            found[index] = Answer(200 if one.repeated else 201, answer(draft, one))
        await requests.keep(tx, _keyed(posts, {index: found[index] for index, _ in fresh}))
        return [found[index] for index in range(len(posts))]


async def _record(
    tx: Transaction, tenant_id: UUID, saved: Sequence[tuple[UUID | None, Captured]]
) -> None:
    """One entry a key for what it posted in this transaction."""
    by_key: dict[UUID, list[UUID]] = {}
    for key_id, one in saved:
        if key_id is not None:
            by_key.setdefault(key_id, []).append(one.lead_id)
    for key_id, leads in by_key.items():
        await record_deed(tx, tenant_id, Deed("POST /v1/leads", leads), key_id=key_id)


def _next(
    waiting: deque[tuple[Post, asyncio.Future[Answer]]],
) -> list[tuple[Post, asyncio.Future[Answer]]]:
    """The posts of the next transaction; of two with one key the second waits."""
    taken: list[tuple[Post, asyncio.Future[Answer]]] = []
    keys: set[str] = set()
    while waiting and len(taken) < MOST and waiting[0][0].key not in keys:
        post, answered = waiting.popleft()
        if answered.cancelled():
            continue  # whoever asked has gone, and nothing is done yet
        taken.append((post, answered))
        if post.key is not None:
            keys.add(post.key)
    return taken


def _judge(post: Post, tenant: Tenant, tx: Transaction) -> Draft | RowResult | list[Unfit]:
    return drafted(post.body, tenant=tenant, today=tx.now.date(), traceparent=post.traceparent)


async def _kept(
    tx: Transaction, posts: Sequence[Post], judged: Sequence[Draft | RowResult | list[Unfit]]
) -> dict[int, Answer | Exception]:
    """The answers there are before anything is saved, by the post's place.

    A lead that is refused does not use up its key, but what was answered under it before
    is answered again.
    """
    asked = {post.key: post.raw for post in posts if post.key is not None}
    refused = {
        post.key for post, draft in zip(posts, judged, strict=True) if not isinstance(draft, Draft)
    }
    kept = await requests.take(tx, asked, without=refused) if asked else {}
    found: dict[int, Answer | Exception] = {}
    for index, (post, draft) in enumerate(zip(posts, judged, strict=True)):
        before = kept.get(post.key) if post.key is not None else None
        if before is not None:
            found[index] = _problem(before) if isinstance(before, IntakeError) else before
        elif not isinstance(draft, Draft):
            found[index] = refusal(draft)
    return found


def _keyed(posts: Sequence[Post], found: Mapping[int, Answer | Exception]) -> dict[str, Answer]:
    keyed = ((posts[index].key, one) for index, one in found.items())
    return {key: one for key, one in keyed if key is not None and isinstance(one, Answer)}


def _problem(error: IntakeError) -> Problem:
    status, title = (422, "Key reused") if isinstance(error, KeyReused) else (409, "Under way")
    return Problem(status, title, str(error), pointer="Idempotency-Key:")


def _settle(answered: asyncio.Future[Answer], found: Answer | Exception) -> None:
    if answered.done():
        return  # whoever asked has gone
    if isinstance(found, Exception):
        answered.set_exception(found)
    else:
        answered.set_result(found)
