"""What a rule finds, and what people are told of it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
"""A document with an error is not published; a warning is for its author to weigh."""


class Flaw(NamedTuple):
    """One place that a rule objects to.

    `path` is a JSON pointer into the document, `message` says what is wrong, `hint` what
    to do, `near` words of the document close to which it stands, to find the line.
    """

    path: str
    message: str
    hint: str | None = None
    near: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A flaw with its rule and its line (from 1; None: the document did not come as text)."""

    rule: str
    severity: Severity
    line: int | None
    path: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        where = self.path or "document"
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.severity} {self.rule}: {where}: {self.message}{hint}"
