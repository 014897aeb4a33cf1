"""Many leads, in requests of a few hundred lines each, and the answer to every one.

A request is written whole before its answers are read, so it must be no longer than what
the service takes in before it answers: 500 lines.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from followup_client.call import Answer, Call, at
from followup_client.errors import CutOff, Fault, Unreadable
from followup_client.leads import NewLead, Taken, written
from followup_contracts.payload import Lane

LINES = 500
_MOST_BYTES = 8 * 1024 * 1024
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class LineTaken:
    """A lead of a batch that was taken; `line` counts from 1 over the whole batch."""

    line: int
    taken: Taken

    @property
    def lead_id(self) -> UUID:
        """The lead's id."""
        return self.taken.lead_id


@dataclass(frozen=True, slots=True)
class LineRefused:
    """A lead of a batch that was refused, and why."""

    line: int
    detail: str
    faults: tuple[Fault, ...]


LineAnswer = LineTaken | LineRefused


@dataclass(frozen=True, slots=True)
class Sheaf:
    """The leads of one request; `first` is the line of the first."""

    first: int
    body: bytes
    count: int
    again: bool

    def call(self, lane: Lane) -> Call[tuple[LineAnswer, ...]]:
        """The request; tried again only if every lead has an `external_id`."""
        return Call(
            "intake",
            "POST",
            at("leads", "batch"),
            self._read,
            params={"lane": lane},
            headers={"Content-Type": "application/x-ndjson"},
            body=self.body,
            again=self.again,
            seconds=_SECONDS,
        )

    def _read(self, answer: Answer) -> tuple[LineAnswer, ...]:
        answers = [self._line(line) for line in answer.content.splitlines() if line.strip()]
        return tuple(answers)

    def _line(self, text: bytes) -> LineAnswer:
        try:
            told: dict[str, Any] = json.loads(text)
            line = self.first - 1 + int(told["line"])
            if told["status"] == "accepted":
                return LineTaken(line, Taken.model_validate(told))
        except (ValueError, KeyError, TypeError, ValidationError):
            raise Unreadable("a line of a batch's answer") from None
        detail = str(told.get("detail", ""))
        if told["status"] != "refused":
            raise CutOff(line - 1, detail)
        faults = tuple(Fault(str(e["pointer"]), str(e["detail"])) for e in told.get("errors", ()))
        return LineRefused(line, detail, faults)

    def complete(self, answers: tuple[LineAnswer, ...]) -> None:
        """Raises `CutOff` where a lead has no answer."""
        if len(answers) < self.count:
            raise CutOff(self.first - 1 + len(answers), "the answer ended early")


def sheaves(leads: Iterable[NewLead]) -> Iterator[Sheaf]:
    """Leads in requests, in their order; no more is read than the next one holds."""
    first, lines, size, again = 1, list[bytes](), 0, True
    for lead in leads:
        line = written(lead) + b"\n"
        if lines and (len(lines) >= LINES or size + len(line) > _MOST_BYTES):
            yield Sheaf(first, b"".join(lines), len(lines), again)
            first, lines, size, again = first + len(lines), [], 0, True
        lines.append(line)
        size += len(line)
        again = again and lead.external_id is not None
    if lines:
        yield Sheaf(first, b"".join(lines), len(lines), again)
