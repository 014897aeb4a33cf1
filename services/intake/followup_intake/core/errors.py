"""What reading leads may raise.

IntakeCoreError
├── NotATable       the bytes are no table of leads
└── WrongMapping    a column is mapped that is not there, or to no field
"""


class IntakeCoreError(Exception):
    """Base of everything this package raises on purpose."""


class NotATable(IntakeCoreError):
    """The bytes are no table of leads; `reason` says why in one sentence for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongMapping(IntakeCoreError):
    """A mapping that can't be followed; `heading` names the column, `reason` says why."""

    def __init__(self, heading: str, reason: str) -> None:
        super().__init__(f"{heading!r}: {reason}")
        self.heading = heading
        self.reason = reason
