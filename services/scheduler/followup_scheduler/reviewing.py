"""A person's word on a touch before it goes: approve, perhaps in other words, or reject."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_directory import put_templates, templates
from followup_scheduler.consequences import settle
from followup_scheduler.core.content import Body
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.store import reviews
from followup_scheduler.touch import Timer, Touch

NOT_APPROVED = "not approved"
NOBODY_LOOKED = "nobody approved it in time"


@dataclass(frozen=True, slots=True)
class Approved:
    """It goes as approved, at its time."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It does not go; its sequence goes on."""


@dataclass(frozen=True, slots=True)
class NoReview:
    """There is no such review of this tenant."""


@dataclass(frozen=True, slots=True)
class Decided:
    """It does not wait any more, and in which state it is."""

    state: str


@dataclass(frozen=True, slots=True)
class BadWords:
    """The text cannot go out on its channel, and why."""

    part: str
    reason: str


class Reviewing:
    """Decides on touches that wait, in the caller's transaction; their runs are locked."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    async def approve(
        self,
        tx: Transaction,
        tenant_id: UUID,
        touch_id: UUID,
        *,
        words: Mapping[str, str],
        by: str | None,
    ) -> Approved | NoReview | Decided | BadWords:
        """Let it go at its time, with `words` in the place of what the draft says."""
        found = await self._waiting(tx, tenant_id, touch_id)
        if isinstance(found, NoReview | Decided):
            return found
        review, run, touch = found
        said = _reworded(await body_of(tx, review), words)
        wrong = _wrong(said, touch.key.channel)
        if wrong is not None:
            return wrong
        (touch.template,) = await put_templates(
            tx, tenant_id, [(touch.key.channel, said)], person_id=touch.person_id
        )
        await reviews.decide(tx, [touch_id], "approved", by=by)
        touch.note(tx.now, "approved", by=by, reworded=bool(words), draft=review["drafting"])
        _let_go(run, touch)
        await self._runs.save(tx, [run])
        return Approved()

    async def reject(
        self,
        tx: Transaction,
        tenant_id: UUID,
        touch_id: UUID,
        *,
        reason: str | None,
        by: str | None,
    ) -> Rejected | NoReview | Decided:
        """Skip it; its sequence goes on without."""
        found = await self._waiting(tx, tenant_id, touch_id)
        if isinstance(found, NoReview | Decided):
            return found
        _, run, touch = found
        await reviews.decide(tx, [touch_id], "rejected", by=by, reason=reason)
        _skip(run, touch, NOT_APPROVED, now=tx.now)
        await self._runs.save(tx, [run])
        return Rejected()

    async def lapse(
        self, tx: Transaction, touches: Mapping[UUID, UUID | None], runs: Mapping[UUID, Run]
    ) -> int:
        """What becomes of (touch → run) that nobody has looked at in time: as the document says.

        `runs` are loaded; a touch whose run is none of them goes nowhere any more.
        """
        waiting = await reviews.pending(tx, touches)
        await reviews.decide(tx, waiting, "lapsed")
        for touch_id, review in waiting.items():
            of = touches[touch_id]
            run = None if of is None else runs.get(of)
            touch = None if run is None else run.touch(touch_id)
            if run is None or touch is None or touch.state != "planned":
                continue
            if review["otherwise"] == "send":
                touch.note(tx.now, "approval lapsed", then="goes with its template")
                _let_go(run, touch)
            else:
                _skip(run, touch, NOBODY_LOOKED, now=tx.now)
        await self._runs.save(tx, runs.values())
        return len(waiting)

    async def _waiting(
        self, tx: Transaction, tenant_id: UUID, touch_id: UUID
    ) -> tuple[dict[str, Any], Run, Touch] | NoReview | Decided:
        review = await reviews.read(tx, tenant_id, touch_id)
        if review is None or review["state"] == "unasked":
            return NoReview()
        run_id = review["enrollment_id"]
        run = (await self._runs.load(tx, [run_id])).get(run_id)
        touch = None if run is None else run.touch(touch_id)
        # Read again: with the run locked nobody else decides.
        waiting = await reviews.pending(tx, [touch_id])
        if run is None or touch is None or touch_id not in waiting:
            now_state = await reviews.read(tx, tenant_id, touch_id)
            return NoReview() if now_state is None else Decided(now_state["state"])
        if touch.state != "planned":
            return Decided(touch.state)
        return waiting[touch_id], run, touch


async def body_of(tx: Transaction, review: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a touch that waits would say: the draft that was written, else its template.

    A draft is words for one person and goes with what is erased; its template stays.
    """
    plain = (review["tenant_id"], review["plain"])
    draft = (review["tenant_id"], review["draft"] or review["plain"])
    found = await templates(tx, [plain, draft])
    return found.get(draft, found[plain]).body


def _reworded(body: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """A body with other words. An old HTML part would say something else than a new text."""
    kept = {part: said for part, said in body.items() if part != "html" or "text" not in words}
    return {**kept, **words}


def _wrong(said: Mapping[str, Any], channel: Channel) -> BadWords | None:
    try:
        body = Body.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        return BadWords(str(first["loc"][0]) if first["loc"] else "", first["msg"])
    misfit = body.misfits(channel)
    return None if misfit is None else BadWords("text", misfit)


def _let_go(run: Run, touch: Touch) -> None:
    """Arm it for its moment, or for now if that has passed."""
    if touch.due_at is None:
        raise ValueError("a planned touch is due at no time")
    run.timers[touch.id] = Timer(
        touch.id, touch.tenant_id, touch.lane, "touch", touch.due_at, channel=touch.key.channel
    )
    run.change(touch)


def _skip(run: Run, touch: Touch, reason: str, *, now: datetime) -> None:
    touch.note(now, "skipped", rule="approval", reason=reason)
    settle(run, touch, "skipped", at=now, reason=reason, now=now)
