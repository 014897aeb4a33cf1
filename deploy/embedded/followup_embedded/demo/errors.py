"""What can go wrong with the demo itself.

DemoFailed
└── Refused   the product refused what a simulated person did
"""


class DemoFailed(Exception):
    """The demo could not be played to its end."""


class Refused(DemoFailed):
    """The product refused what a simulated person did."""
