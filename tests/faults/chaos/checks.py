"""Every check of a run, by name."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from chaos.evidence import Evidence, Violation
from chaos.following import lost_leads, lost_touches, lost_words, turned_away, unlisted_sends
from chaos.sending import (
    caps_exceeded,
    in_quiet_hours,
    left_over,
    sent_after_stop,
    sent_twice,
    still_unknown,
    unknown_without_cause,
)

Check = Callable[[Evidence], Iterable[Violation]]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "every client is heard": turned_away,
        "every accepted lead is enrolled": lost_leads,
        "every touch went out or has a reason": lost_touches,
        "what the provider took is told as sent": unlisted_sends,
        "every acknowledged word is kept once": lost_words,
        "no touch twice": sent_twice,
        "nothing begun after an acknowledged stop": sent_after_stop,
        "nothing in quiet hours": in_quiet_hours,
        "no cap exceeded": caps_exceeded,
        "unknown only what was left open": unknown_without_cause,
        "nothing unknown at the end": still_unknown,
        "nothing left over": left_over,
    }
)


def violations(evidence: Evidence) -> list[Violation]:
    """Everything that is wrong, check by check."""
    return [found for check in CHECKS.values() for found in check(evidence)]
