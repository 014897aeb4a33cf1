"""What can go wrong with people.

PeopleError
└── PersonContended     others kept changing the same persons; the batch may be tried again
"""


class PeopleError(Exception):
    """The root of this package's exceptions."""


class PersonContended(PeopleError):
    """The persons of a batch changed under every one of several looks."""
