"""What this package raises.

PolicyError
├── PolicyDataError        a packaged table of rules contradicts itself or cannot be read
└── WordingError           a template cannot be put into words
    ├── MissingVariable    a variable without a value, used without a default
    └── TooMuchWork        a template that would take too long or grow too large
"""


class PolicyError(Exception):
    """The root of what this package raises."""


class PolicyDataError(PolicyError):
    """A packaged table of rules contradicts itself or cannot be read."""


class WordingError(PolicyError):
    """A template cannot be put into words."""


class MissingVariable(WordingError):
    """Its message is the variable's name."""


class TooMuchWork(WordingError):
    """Its message names the limit."""
