"""The tenants' sequences: current versions, cached editions, those that come with us."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_directory import put_templates
from followup_scheduler.core import document, library
from followup_scheduler.core.format.start import Start
from followup_scheduler.core.format.text import Variants
from followup_scheduler.store import sequences

_CACHED = 2_000
_CACHED_STARTS = 20_000
_FIRST = 1

Edition_ = tuple[UUID, str, int]
"""Tenant, key, version."""


@dataclass(frozen=True)
class Edition:
    """One version of a sequence, which never changes, with the hashes of its texts."""

    sequence: document.Sequence
    contents: Mapping[str, str]

    @cached_property
    def asks_best_channel(self) -> bool:
        """Whether a rule or a condition of it asks which channel a lead answers best."""
        return _names(document.to_json(self.sequence), frozenset({"best", "best_channel"}))

    @cached_property
    def learns_texts(self) -> bool:
        """Whether it chooses texts or subjects by how they were answered."""
        texts = any(
            isinstance(choice.use, Variants) and choice.use.choose == "thompson"
            for step in self.sequence.touch_steps()
            for touch in step.touches
            for choice in touch.choices()
        )
        return texts or any(body.choose == "thompson" for body in self.sequence.templates.values())

    @cached_property
    def learns_hours(self) -> bool:
        """Whether any of its steps goes at the hours that people answer best."""
        return any(step.moment.hours == "best" for step in self.sequence.touch_steps())

    @cached_property
    def reviewed(self) -> bool:
        """Whether any of its touches waits for a person or for a draft."""
        return any(
            touch.approval is not None or touch.draft == "model"
            for step in self.sequence.touch_steps()
            for touch in step.touches
        )

    def template(self, channel: Channel, content: str) -> str:
        """The hash of a text of the document."""
        return self.contents[_content(channel, content)]


class SequenceBook:
    """Reads sequences; keeps the editions used last in memory."""

    def __init__(
        self,
        *,
        library: Callable[[], Mapping[str, str]] = library.library,
        cached_starts: int = _CACHED_STARTS,
    ) -> None:
        self._library = library
        self._cached_starts = cached_starts
        self._editions: OrderedDict[Edition_, Edition] = OrderedDict()
        self._starts: OrderedDict[Edition_, tuple[Start, ...]] = OrderedDict()

    async def current(
        self, tx: Transaction, keys: Iterable[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], int]:
        """(tenant, key) → the version new enrollments take.

        A sequence of the library is installed with its tenant's first use of it. A key
        that is neither the tenant's nor the library's is not in the result.
        """
        wanted = set(keys)
        found = await sequences.current(tx, wanted)
        missing = sorted(pair for pair in wanted - found.keys() if pair[1] in self._library())
        for tenant_id, key in missing:
            await self.add(
                tx, tenant_id, self._library()[key], key=key, version=_FIRST, state="published"
            )
            found[tenant_id, key] = _FIRST
        return found

    async def editions(
        self, tx: Transaction, wanted: Iterable[Edition_]
    ) -> dict[Edition_, Edition]:
        """The editions asked for; those nobody stored are left out."""
        asked = set(wanted)
        missing = asked - self._editions.keys()
        found = {key: self._editions[key] for key in asked - missing}
        for key in found:
            self._editions.move_to_end(key)
        if missing:
            for row in await sequences.read(tx, missing):
                edition = Edition(document.from_json(row["document"]), row["contents"])
                found[row["tenant_id"], row["key"], row["version"]] = edition
            # What this transaction wrote itself is not there until it has committed.
            tx.after_commit(lambda: self._keep({key: found[key] for key in missing & found.keys()}))
        return found

    async def starts(
        self, tx: Transaction, tenants: Iterable[UUID]
    ) -> dict[tuple[UUID, str], tuple[Start, ...]]:
        """(tenant, key) → by which events leads enter, for what is in force and has any."""
        now = await sequences.published(tx, tenants)
        # Taken out before anything is awaited: others may push editions out meanwhile.
        found = {edition: self._starts[edition] for edition in now & self._starts.keys()}
        missing = now - found.keys()
        if missing:
            read = {
                edition: tuple(Start.model_validate(each) for each in several)
                for edition, several in (await sequences.starts(tx, missing)).items()
            }
            found |= read
            self._starts |= read
        while len(self._starts) > self._cached_starts:
            self._starts.popitem(last=False)
        return {edition[:2]: several for edition, several in found.items() if several}

    async def add(
        self, tx: Transaction, tenant_id: UUID, source: str, *, key: str, version: int, state: str
    ) -> document.Sequence:
        """Store a version with its texts; one that is there already stays as it is.

        Raises `BadDocument` when the source cannot be used.
        """
        sequence = document.parse(source, file=f"{key}.yaml")
        stored = sequences.Stored(
            tenant_id=tenant_id,
            key=key,
            version=version,
            state=state,
            document=document.to_json(sequence),
            source=source,
            contents=await _put_contents(tx, tenant_id, sequence),
        )
        await sequences.insert(tx, [stored])
        return sequence

    def _keep(self, editions: Mapping[Edition_, Edition]) -> None:
        self._editions.update(editions)
        while len(self._editions) > _CACHED:
            self._editions.popitem(last=False)


def _names(value: Any, wanted: frozenset[str]) -> bool:
    """Whether a field of one of these names stands anywhere in plain values."""
    if isinstance(value, Mapping):
        return bool(wanted & value.keys()) or any(_names(v, wanted) for v in value.values())
    return isinstance(value, list) and any(_names(each, wanted) for each in value)


async def _put_contents(
    tx: Transaction, tenant_id: UUID, sequence: document.Sequence
) -> dict[str, str]:
    contents = sequence.contents()
    bodies = [
        (channel, body.model_dump(mode="json", exclude_none=True))
        for (channel, _), body in contents.items()
    ]
    hashes = await put_templates(tx, tenant_id, bodies) if bodies else []
    return {_content(*use): hashed for use, hashed in zip(contents, hashes, strict=True)}


def _content(channel: Channel, name: str) -> str:
    return f"{channel}/{name}"
