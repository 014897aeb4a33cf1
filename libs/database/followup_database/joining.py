"""Several statements by one way to the server.

A way there and back costs more than most statements do, and on a busy machine whoever waits
for an answer waits for a processor as well.
"""

import re
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast, overload

import asyncpg
from sqlalchemy import TextClause

from followup_database.engine import Row, Transaction, compiled

_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")

Work = Callable[[Transaction], Coroutine[Any, Any, _A]]
"""Something that asks by `Transaction.all` or `run`, and awaits nothing else."""

_PLACE = re.compile(r"\$(\d+)")
_columns: dict[str, tuple[str, ...]] = {}
"""Statement → the names of its columns, which never change."""


@overload
async def together(tx: Transaction, a: Work[_A], b: Work[_B], /) -> tuple[_A, _B]: ...


@overload
async def together(
    tx: Transaction, a: Work[_A], b: Work[_B], c: Work[_C], /
) -> tuple[_A, _B, _C]: ...


@overload
async def together(
    tx: Transaction, a: Work[_A], b: Work[_B], c: Work[_C], d: Work[_D], /
) -> tuple[_A, _B, _C, _D]: ...


@overload
async def together(tx: Transaction, /, *works: Work[Any]) -> tuple[Any, ...]: ...


async def together(tx: Transaction, /, *works: Work[Any]) -> tuple[Any, ...]:
    """What each of these returns; what they ask first is one statement, what next another.

    All reads see the same moment, and none sees what is written beside it. Writes must be of
    different rows, since no order holds among them, and `all` must not write.
    """
    joint = _Joint(tx)
    going = [work(joint) for work in works]
    answers: dict[int, Any] = dict.fromkeys(range(len(going)))
    found: list[Any] = [None] * len(going)
    try:
        while answers:
            asked: dict[int, _Ask] = {}
            for place, answer in answers.items():
                try:
                    asked[place] = going[place].send(answer)
                except StopIteration as end:
                    found[place] = end.value
            answers = dict(zip(asked, await _carry_out(tx, list(asked.values())), strict=True))
    finally:
        for coroutine in going:
            coroutine.close()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Ask:
    """A statement with what it is asked with, as it is awaited."""

    statement: TextClause
    params: Mapping[str, Any]
    writes: bool

    def __await__(self) -> Generator["_Ask", Any, Any]:
        return (yield self)


class _Joint(Transaction):
    """What works are given: they take it for the transaction itself."""

    __slots__ = ()

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx.connection, now=tx.now, tenant=tx.tenant)
        self.on_commit = tx.on_commit

    async def all(self, statement: TextClause, /, **params: Any) -> Sequence[Row]:
        return cast("Sequence[Row]", await _Ask(statement, params, writes=False))

    async def run(self, statement: TextClause, /, **params: Any) -> int:
        return cast("int", await _Ask(statement, params, writes=True))

    async def first(self, statement: TextClause, /, **params: Any) -> Row | None:
        rows = await self.all(statement, **params)
        return rows[0] if rows else None

    async def scalar(self, statement: TextClause, /, **params: Any) -> Any:
        row = await self.first(statement, **params)
        return None if row is None else next(iter(row.values()))


async def _carry_out(tx: Transaction, asked: Sequence[_Ask]) -> list[Any]:
    """What each is answered: rows, or how many it touched."""
    if len(asked) < 2:  # noqa: PLR2004 - nothing to join
        return [
            await (tx.run if one.writes else tx.all)(one.statement, **one.params) for one in asked
        ]
    sql, names = _joined(tuple((one.statement.text, one.writes) for one in asked))
    params = [asked[place].params[name] for place, name in names]
    answers = await tx.connection.fetchrow(sql, *params)
    if answers is None:
        raise LookupError("a statement without a FROM returned no row")
    return [
        answer if one.writes else await _named(tx.connection, one.statement, answer)
        for one, answer in zip(asked, answers, strict=True)
    ]


@lru_cache(maxsize=1024)
def _joined(asked: tuple[tuple[str, bool], ...]) -> tuple[str, tuple[tuple[int, str], ...]]:
    """One statement of several, and where each of its parameters is found."""
    names: list[tuple[int, str]] = []
    written: list[str] = []
    wanted: list[str] = []
    for place, (statement, writes) in enumerate(asked):
        sql, own = compiled(statement)
        sql = _moved(sql, by=len(names))
        names += [(place, name) for name in own]
        if writes:
            written.append(f"w{place} AS ({sql}\nRETURNING 1)")
            wanted.append(f"(SELECT count(*) FROM w{place})")
        else:
            wanted.append(f"ARRAY(SELECT q FROM ({sql}\n) AS q)")
    head = f"WITH {', '.join(written)} " if written else ""
    return f"{head}SELECT {', '.join(wanted)}", tuple(names)


def _moved(sql: str, *, by: int) -> str:
    """The same with its parameters so many places further on."""
    return _PLACE.sub(lambda found: f"${int(found[1]) + by}", sql)


async def _named(
    connection: "asyncpg.Connection[Any]", statement: TextClause, rows: Sequence[tuple[Any, ...]]
) -> list[Row]:
    """Rows by column name: within another statement's answer they have none."""
    if not rows:
        return []
    columns = _columns.get(statement.text)
    if columns is None:
        prepared = await connection.prepare(compiled(statement.text)[0])
        columns = tuple(each.name for each in prepared.get_attributes())
        _columns[statement.text] = columns
    return [dict(zip(columns, row, strict=True)) for row in rows]
