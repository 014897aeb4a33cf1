"""What reading leads may raise.

IntakeCoreError
└── NotATable       the bytes are no table of leads
"""


class IntakeCoreError(Exception):
    """Base of everything this package raises on purpose."""


class NotATable(IntakeCoreError):
    """The bytes are no table of leads; `reason` says why in one sentence for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
