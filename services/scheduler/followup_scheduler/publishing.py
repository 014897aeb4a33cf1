"""Publishing a version: what changes in words, who stands where, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from followup_database import Transaction
from followup_scheduler.book import Edition, SequenceBook
from followup_scheduler.core.differences import differences
from followup_scheduler.core.moving import target
from followup_scheduler.store import enrollments, moves, sequences

Plan = Literal["pin", "migrate", "follow"]
"""What becomes of runs under way: they keep their version (pin), go over to this one
(migrate), or go over to this one and to each that is published later (follow)."""


@dataclass(frozen=True, slots=True)
class Order:
    """How to publish. Without a plan, the last publication's counts: pin, unless it was follow.

    `steps` says under which id a step of earlier versions goes on. So many runs a second
    go over, which spreads what is planned anew.
    """

    plan: Plan | None = None
    steps: Mapping[str, str] | None = None
    per_second: int = 100
    preview: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How many live runs stand on a step of a version, and where they would go on.

    `goes_to` None: they would come to their end, or have not begun.
    """

    version: int
    step: str | None
    state: str
    leads: int
    goes_to: str | None


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing did, or would do."""

    version: int
    plan: Plan
    changes: tuple[str, ...]
    standing: tuple[Standing, ...]
    moving: int


@dataclass(frozen=True, slots=True)
class NoSuchStep:
    """A step that runs are to go on at is not in the version."""

    step: str
    target: str


class Publisher:
    """Publishes in the caller's transaction, which holds the lock on the key."""

    def __init__(self, book: SequenceBook) -> None:
        self._book = book

    async def publish(
        self, tx: Transaction, tenant_id: UUID, key: str, version: int, order: Order
    ) -> Publication | NoSuchStep:
        """Let new leads take a version and those under way do as the plan says."""
        last = await sequences.last_published(tx, tenant_id, key, before=version)
        plan: Plan = order.plan or ("follow" if last and last["plan"] == "follow" else "pin")
        found = await enrollments.standing(tx, tenant_id, key)
        editions = await self._editions(
            tx, tenant_id, key, {version, *(row["version"] for row in found), *_version_of(last)}
        )
        wrong = _wrong_step(editions[version], order.steps or {})
        if wrong is not None:
            return wrong
        standing = _standing(found, editions, version, order.steps or {})
        if not order.preview:
            await self._carry_out(tx, tenant_id, key, version, plan, order)
        behind = sum(each.leads for each in standing if each.version < version)
        before = None if last is None else editions[last["version"]]
        return Publication(
            version=version,
            plan=plan,
            changes=_changes(before, editions[version]),
            standing=standing,
            moving=0 if plan == "pin" else behind,
        )

    async def _carry_out(
        self, tx: Transaction, tenant_id: UUID, key: str, version: int, plan: Plan, order: Order
    ) -> None:
        await sequences.publish(tx, tenant_id, key, version, plan=plan)
        if plan == "pin":
            await moves.stop(tx, tenant_id, key)
        else:
            await moves.begin(
                tx,
                tenant_id,
                key,
                version,
                steps=order.steps or {},
                per_second=order.per_second,
            )

    async def _editions(
        self, tx: Transaction, tenant_id: UUID, key: str, versions: set[int]
    ) -> dict[int, Edition]:
        wanted = {(tenant_id, key, version) for version in versions}
        found = await self._book.editions(tx, wanted)
        return {version: edition for (_, _, version), edition in found.items()}


def _version_of(last: Mapping[str, Any] | None) -> tuple[int, ...]:
    return () if last is None else (last["version"],)


def _wrong_step(edition: Edition, steps: Mapping[str, str]) -> NoSuchStep | None:
    for step, goes_to in steps.items():
        if edition.sequence.place(goes_to) is None:
            return NoSuchStep(step, goes_to)
    return None


def _changes(before: Edition | None, after: Edition) -> tuple[str, ...]:
    return () if before is None else differences(before.sequence, after.sequence)


def _standing(
    found: Sequence[Mapping[str, Any]],
    editions: Mapping[int, Edition],
    version: int,
    steps: Mapping[str, str],
) -> tuple[Standing, ...]:
    new = editions[version].sequence
    return tuple(
        Standing(
            version=row["version"],
            step=row["step"],
            state=row["state"],
            leads=row["leads"],
            goes_to=target(row["step"], editions[row["version"]].sequence, new, steps),
        )
        for row in found
    )
