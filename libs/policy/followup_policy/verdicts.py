"""The answer every rule gives."""

from dataclasses import dataclass
from datetime import datetime

from followup_contracts.channels import Channel

__all__ = ["ALLOWED", "Channel", "Verdict", "refuse"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a touch may go, and if not, by which rule, why and until when.

    `rule` is a rule id such as "R1" or "R15:US-FL"; `reason` is one sentence for people.
    `opens_at` is the earliest UTC moment at which the rules asked about let it pass, None
    when waiting does not help (within 14 days, where the rule is about hours).
    """

    allowed: bool
    rule: str | None = None
    reason: str | None = None
    opens_at: datetime | None = None


ALLOWED = Verdict(allowed=True)


def refuse(*, rule: str, reason: str, opens_at: datetime | None = None) -> Verdict:
    """A refusal by `rule`."""
    return Verdict(allowed=False, rule=rule, reason=reason, opens_at=opens_at)
