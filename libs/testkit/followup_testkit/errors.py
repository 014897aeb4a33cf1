"""What can go wrong while a test's surroundings are made.

TestkitError
└── NoBroker    no RabbitMQ could be had; the text says what to do
"""


class TestkitError(Exception):
    """The root of this package's exceptions."""

    __test__ = False  # pytest takes every class named Test… for tests


class NoBroker(TestkitError):
    """No RabbitMQ could be had."""
