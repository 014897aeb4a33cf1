"""Which sequence a lead enters by its tenant's rules, and why.

Rules are read in order; the first that fits decides. Where none does, the scheduler goes
by the lead's source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from followup_directory import RoutingRule
from followup_intake.core.cells import folded
from followup_intake.core.lead import LeadDraft


@dataclass(frozen=True, slots=True)
class Looked:
    """One rule that was looked at: whether it fits, else the first thing that does not."""

    rule: str
    fits: bool
    why: str


@dataclass(frozen=True, slots=True)
class Routed:
    """The sequence (None: the scheduler's choice) and every rule up to the one that fits."""

    sequence: str | None
    looked: tuple[Looked, ...] = ()


def choose(rules: Sequence[RoutingRule], lead: LeadDraft, *, audience: str) -> Routed:
    """The sequence of the first rule that fits this lead."""
    looked: list[Looked] = []
    for number, rule in enumerate(rules, 1):
        name = rule.name or f"rule {number}"
        against = _against(rule, lead, audience)
        if against is None:
            return Routed(
                rule.sequence, (*looked, Looked(name, fits=True, why="everything it asks for fits"))
            )
        looked.append(Looked(name, fits=False, why=against))
    return Routed(None, tuple(looked))


def _against(rule: RoutingRule, lead: LeadDraft, audience: str) -> str | None:
    """What of a rule does not fit, in words; None when all does."""
    for what, wanted, given in (
        ("source", rule.sources, lead.source),
        ("country", rule.countries, lead.country),
        ("state", rule.states, lead.state),
        ("audience", rule.audiences, audience),
        ("consent", rule.consents, lead.consent),
    ):
        if wanted and given not in wanted:
            return f"{what} is {given or 'not known'}, not {' or '.join(wanted)}"
    return _value(rule, lead.value) or _words(rule, lead.need) or _attributes(rule, lead.attributes)


def _value(rule: RoutingRule, value: Decimal | None) -> str | None:
    if rule.value_from is None:
        return None
    if value is None:
        return "its value is not known"
    return None if value >= rule.value_from else f"its value is {value}, below {rule.value_from}"


def _words(rule: RoutingRule, need: str | None) -> str | None:
    if not rule.need_words:
        return None
    said = f" {folded(need or '')} "
    if any(f" {folded(word)} " in said for word in rule.need_words):
        return None
    return f"its need names none of {', '.join(rule.need_words)}"


def _attributes(rule: RoutingRule, attributes: Mapping[str, object]) -> str | None:
    for name, wanted in rule.attributes.items():
        given = attributes.get(name)
        if str(given).casefold() != wanted.casefold():
            return f"{name} is {'not given' if given is None else given}, not {wanted}"
    return None
