"""All rules."""

from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.rules import (
    entrances,
    length,
    opening,
    pace,
    reach,
    reasons,
    repetition,
    variables,
    voicemail,
    ways_out,
)

RULES: tuple[Rule, ...] = (
    *pace.RULES,
    *voicemail.RULES,
    *opening.RULES,
    *repetition.RULES,
    *length.RULES,
    *reasons.RULES,
    *variables.RULES,
    *ways_out.RULES,
    *reach.RULES,
    *entrances.RULES,
)
"""Every rule; a new one is a line in its module's `RULES`, a new module a line here."""
