"""The channel that somebody answers best (T6)."""

from collections.abc import Mapping
from dataclasses import dataclass

from followup_contracts.payload import Channel
from followup_scheduler.core.evidence.tallies import Prior, Tally

PRIOR = Prior(rate=0.3, weight=4.0)
"""Three in ten answer, which is what the guides hold a follow-up against (M1). It is worth
four contacts: one answer beats silence, and silence does not rule a channel out at once."""


@dataclass(frozen=True, slots=True)
class Best:
    """The channel that is answered best, and the figures in a sentence."""

    channel: Channel
    why: str


def best_channel(tallies: Mapping[Channel, Tally]) -> Best | None:
    """The channel with the best expected rate; None where nobody has answered on any.

    Of equals the one with more answers, then the one tried more, then by name: the same
    figures always give the same channel.
    """
    answered = {channel: tally for channel, tally in tallies.items() if tally.answered}
    if not answered:
        return None
    channel = max(sorted(answered), key=lambda each: _merit(answered[each]))
    told = ", ".join(
        f"{name} {tallies[name].answered} of {tallies[name].sent}" for name in sorted(tallies)
    )
    return Best(channel, f"answered so far: {told}")


def _merit(tally: Tally) -> tuple[float, int, int]:
    return PRIOR.rate_of(tally), tally.answered, tally.sent
