"""Errors of replies.

    ValueError
    └── Unfit   a genuine webhook without what it must have

(`core.errors` has those of the rule files.)
"""


class Unfit(ValueError):
    """A webhook that cannot be read; the text is a JSON pointer to the place, or empty."""
