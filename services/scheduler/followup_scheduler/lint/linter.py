"""Documents in, findings out."""

from collections.abc import Iterator
from difflib import get_close_matches

from followup_scheduler.core.document import Sequence
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.reading import validate
from followup_scheduler.core.source import Source, read
from followup_scheduler.lint.findings import Finding, Flaw
from followup_scheduler.lint.registry import RULES
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script

DOCUMENT = "document"
"""The rule of whatever keeps a document from being read."""
_MOST = 200


def lint(text: str, *, file: str = "<document>") -> tuple[Finding, ...]:
    """Everything wrong with a document, in the order of its lines; raises nothing for it.

    Of one that cannot be read only that is told.
    """
    try:
        source = read(text, file=file)
        sequence = validate(source.values, file=file, line_of=source.line_of)
    except BadDocument as error:
        return tuple(
            Finding(DOCUMENT, "error", f.line, f.path, f.message, f.suggestion)
            for f in error.errors
        )
    script = Script(sequence)
    lines = _Lines(text, source)
    found = set(_unacceptable(sequence, lines))
    for rule in RULES:
        if not (rule.acceptable and rule.id in sequence.accept):
            found |= {_finding(rule, flaw, lines) for flaw in rule.check(script)}
    return tuple(sorted(found, key=_order)[:_MOST])


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Whether a document with these findings may not be published."""
    return any(finding.severity == "error" for finding in findings)


def _unacceptable(sequence: Sequence, lines: "_Lines") -> Iterator[Finding]:
    """Rules that a document accepts to break, and that are none or may not be."""
    known = {rule.id: rule.acceptable for rule in RULES}
    for name in sequence.accept:
        if not known.get(name, False):
            path = f"/accept/{name}"
            why = "no document may break it" if name in known else "there is no such rule"
            near = get_close_matches(name, known, n=1) if name not in known else []
            hint = f"did you mean {near[0]}?" if near else None
            yield Finding(DOCUMENT, "error", lines.of(Flaw(path, why)), path, why, hint)


def _finding(rule: Rule, flaw: Flaw, lines: "_Lines") -> Finding:
    line = lines.of(flaw)
    return Finding(rule.id, rule.severity, line, flaw.path, flaw.message, flaw.hint)


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return finding.line or 0, finding.path, finding.rule, finding.message


class _Lines:
    """Finds the line on which a flaw stands."""

    def __init__(self, text: str, source: Source) -> None:
        self._lines = text.splitlines()
        self._source = source
        self._starts = sorted(set(source.lines.values()))

    def of(self, flaw: Flaw) -> int:
        """The line with the words it names, within its field; else the field's own."""
        start = self._source.line_of(flaw.path)
        if flaw.near is None:
            return start
        wanted = " ".join(flaw.near.split()).casefold()
        for number in self._within(start):
            if wanted in " ".join(self._lines[number - 1].split()).casefold():
                return number
        return start

    def _within(self, start: int) -> Iterator[int]:
        end = next((line for line in self._starts if line > start), len(self._lines) + 1)
        yield from range(start, min(end, len(self._lines) + 1))
