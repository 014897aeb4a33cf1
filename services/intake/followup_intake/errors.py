"""What intake refuses as a whole.

IntakeError
├── KeyReused        an `Idempotency-Key` came again with another body
└── StillRunning     the first request with that key has not been answered yet
"""


class IntakeError(Exception):
    """The root of this package's exceptions."""


class KeyReused(IntakeError):
    """The same `Idempotency-Key` stands for another request."""


class StillRunning(IntakeError):
    """The request this repeats is under way; try again in a moment."""
