"""What the scheduler's core refuses.

Exception
└── BadDocument   a sequence document that cannot be used as it stands
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """One thing wrong with a document: where, what, and what was probably meant.

    `line` counts from 1 (None: the document did not come as text). `path` is a JSON
    pointer into the document, "" for the whole of it.
    """

    line: int | None
    path: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        where = self.path or "document"
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{where}: {self.message}{hint}"


class BadDocument(Exception):
    """A sequence document that cannot be used; `errors` says everything that is wrong."""

    def __init__(self, errors: Sequence[Fault], *, file: str = "<document>") -> None:
        self.errors = tuple(errors)
        self.file = file
        super().__init__("\n".join(self._lines()))

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes."""
        return partial(type(self), self.errors, file=self.file), ()

    def _lines(self) -> list[str]:
        return [f"{self.file}:{fault.line or 1}: {fault}" for fault in self.errors]
