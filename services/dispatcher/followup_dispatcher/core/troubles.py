"""When an account that refuses everything is stopped, for a person to mend it.

A vendor may lose its own register of keys for a moment, so one answer is not enough: the
account has to say the same for a while, with nothing good in between. Meanwhile its
breaker lets trials through and its touches wait.
"""

from datetime import datetime, timedelta
from uuid import UUID

PROOF = timedelta(seconds=15)
"""From the first such answer to the one that stops it: at least two trials of the breaker."""


class Troubles:
    """Since when accounts have said that they are broken; machine time."""

    def __init__(self, *, proof: timedelta = PROOF) -> None:
        self._proof = proof
        self._since: dict[UUID, datetime] = {}

    def broken(self, account_id: UUID, at: datetime) -> bool:
        """It said so; True when it has for long enough to be stopped."""
        return at - self._since.setdefault(account_id, at) >= self._proof

    def well(self, account_id: UUID) -> None:
        """It took or judged a message: what was said before does not count any more."""
        self._since.pop(account_id, None)
