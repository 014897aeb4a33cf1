"""A lead's timeline: everything decided, done and heard, in order, with the reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Happening:
    """One line. `why` holds the reasons: rules, windows, zones, results."""

    at: datetime
    what: str
    enrollment_id: UUID | None = None
    touch_id: UUID | None = None
    step: str | None = None
    channel: str | None = None
    why: Mapping[str, Any] = field(default_factory=dict)

    def local(self, zones: Iterable[str]) -> dict[str, str]:
        """The moment on the clocks the person may live by, by zone."""
        return {zone: self.at.astimezone(ZoneInfo(zone)).isoformat() for zone in sorted(zones)}


def compose(
    *,
    journal: Sequence[Mapping[str, Any]],
    touches: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
) -> list[Happening]:
    """The timeline of the rows about one lead, by time; at the same time, decisions first."""
    told = [
        *(_line(row) for row in journal),
        *(happening for row in touches for happening in _traced(row)),
        *(happening for row in tasks for happening in _task(row)),
    ]
    return sorted(told, key=lambda happening: happening.at)


def _line(row: Mapping[str, Any]) -> Happening:
    return Happening(row["at"], row["what"], enrollment_id=row["enrollment_id"], why=row["why"])


def _traced(row: Mapping[str, Any]) -> list[Happening]:
    return [
        Happening(
            at=datetime.fromisoformat(entry["at"]),
            what=entry["what"],
            enrollment_id=row["enrollment_id"],
            touch_id=row["id"],
            step=row["step"],
            channel=row["channel"],
            why={name: value for name, value in entry.items() if name not in ("at", "what")},
        )
        for entry in row["trace"]
    ]


def _task(row: Mapping[str, Any]) -> list[Happening]:
    about = {"task": str(row["id"]), "kind": row["kind"]}
    enrollment_id = row["enrollment_id"]
    opened = Happening(
        row["created_at"],
        "task opened",
        enrollment_id=enrollment_id,
        why={**about, "reason": row["reason"], "due": row["due_at"].isoformat()},
    )
    if row["completed_at"] is None:
        return [opened]
    done = Happening(
        row["completed_at"],
        "task done",
        enrollment_id=enrollment_id,
        why={**about, "outcome": row["outcome"]},
    )
    return [opened, done]
