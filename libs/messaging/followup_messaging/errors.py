"""What can go wrong with the bus.

MessagingError
└── BusDown     the broker cannot be reached now; wait and try again
"""


class MessagingError(Exception):
    """The root of this package's exceptions."""


class BusDown(MessagingError):
    """The connection is lost or was never there; nothing unsettled is lost with it."""
