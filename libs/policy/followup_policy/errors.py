"""What this package raises.

PolicyError
└── PolicyDataError   a packaged table of rules contradicts itself or cannot be read
"""


class PolicyError(Exception):
    """The root of what this package raises."""


class PolicyDataError(PolicyError):
    """A packaged table of rules contradicts itself or cannot be read."""
