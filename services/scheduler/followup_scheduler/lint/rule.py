"""What a rule is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from followup_scheduler.lint.findings import Flaw, Severity
from followup_scheduler.lint.script import Script

Check = Callable[[Script], Iterator[Flaw]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One demand on documents.

    `asks` says what a document must be like, `because` why, with the source of any law or
    figure. `check` yields what does not satisfy it and raises nothing. A document may
    `accept` breaking it, with a reason, unless it is law or keeps a touch from going out.
    """

    id: str
    severity: Severity
    asks: str
    because: str
    check: Check
    acceptable: bool = True
