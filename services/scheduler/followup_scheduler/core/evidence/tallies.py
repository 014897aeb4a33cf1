"""What is counted: how often something went out, and how often an answer came to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """So many went out, so many of them were answered."""

    sent: int = 0
    answered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.sent + other.sent, self.answered + other.answered)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before anything is counted: a rate, and how many contacts it is worth."""

    rate: float
    weight: float

    def rate_of(self, tally: Tally) -> float:
        """The rate to expect after a tally: the mean of the Beta distribution that follows.

        Answers cannot outnumber contacts here: a second answer to the same is no more
        evidence than the first.
        """
        answered = min(tally.answered, tally.sent)
        return (self.rate * self.weight + answered) / (self.weight + tally.sent)
