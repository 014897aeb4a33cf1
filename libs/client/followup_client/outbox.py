"""Letters kept in a file of the publisher's own until Followup has what is in them.

A letter that was added is on disk when `add` returns, and stays through crashes of this
process, of the broker and of Followup. One process at a time works on a file. It holds
personal data: it is made readable for its owner alone.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar
from uuid import UUID

from followup_client.letters import Letter

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS letters (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    routing_key TEXT NOT NULL,
    body BLOB NOT NULL,
    external_id TEXT,
    published INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0
)
"""
_COLUMNS = "id, routing_key, body, external_id, published"


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter that is kept, and how often the broker has confirmed it."""

    letter: Letter
    published: int


class Outbox:
    """The file. Its methods may be called by any task of one event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or make it."""
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit is on disk when it returns
        connection.execute(_SCHEMA)
        return cls(connection)

    def close(self) -> None:
        """Close the file; what is in it stays."""
        with self._lock:
            self._connection.close()

    async def add(self, letters: Sequence[Letter]) -> None:
        """Keep letters, all or none; one that is there already stays as it is."""
        rows = [(str(one.id), one.routing_key, one.body, one.external_id) for one in letters]
        sql = "INSERT OR IGNORE INTO letters (id, routing_key, body, external_id) VALUES (?,?,?,?)"
        await self._work(lambda cursor: cursor.executemany(sql, rows))

    async def due(self, now: float, *, most: int) -> list[Kept]:
        """Letters to be published by `now` (seconds since 1970), in the order they came."""
        sql = f"SELECT {_COLUMNS} FROM letters WHERE due <= ? ORDER BY place LIMIT ?"
        return await self._work(lambda cursor: _kept(cursor.execute(sql, (now, most))))

    async def unsettled(
        self, now: float, *, after: int, late: int, most: int
    ) -> tuple[list[Kept], int]:
        """Published leads nobody has seen committed, behind a place; and the last one's place.

        Those published `late` times or more only when they are due again.
        """
        sql = (
            f"SELECT place, {_COLUMNS} FROM letters"
            " WHERE published > 0 AND place > ? AND (published < ? OR due <= ?)"
            " ORDER BY place LIMIT ?"
        )

        def read(cursor: sqlite3.Cursor) -> tuple[list[Kept], int]:
            rows = cursor.execute(sql, (after, late, now, most)).fetchall()
            return [_one(row[1:]) for row in rows], rows[-1][0] if rows else after

        return await self._work(read)

    async def often(self, published: int, *, most: int) -> list[str]:
        """External ids of leads published so often, in the order they came."""
        sql = (
            "SELECT external_id FROM letters"
            " WHERE published >= ? AND external_id IS NOT NULL ORDER BY place LIMIT ?"
        )
        return await self._work(
            lambda cursor: [str(row[0]) for row in cursor.execute(sql, (published, most))]
        )

    async def published(self, letter_id: UUID, *, due: float) -> None:
        """The broker has confirmed a letter; it is due again then."""
        sql = "UPDATE letters SET published = published + 1, due = ? WHERE id = ?"
        await self._work(lambda cursor: cursor.execute(sql, (due, str(letter_id))))

    async def settled(self, letter_ids: Sequence[UUID]) -> None:
        """Forget letters: Followup has what is in them."""
        rows = [(str(letter_id),) for letter_id in letter_ids]
        sql = "DELETE FROM letters WHERE id = ?"
        await self._work(lambda cursor: cursor.executemany(sql, rows))

    async def count(self) -> int:
        """How many letters are kept."""
        sql = "SELECT count(*) FROM letters"
        return await self._work(lambda cursor: int(cursor.execute(sql).fetchone()[0]))

    async def _work(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        with self._lock, closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                done = work(cursor)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
            return done


def _kept(rows: sqlite3.Cursor) -> list[Kept]:
    return [_one(row) for row in rows]


def _one(row: tuple[str, str, bytes, str | None, int]) -> Kept:
    letter_id, routing_key, body, external_id, published = row
    return Kept(Letter(UUID(letter_id), routing_key, body, external_id), published)
