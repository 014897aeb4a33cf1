"""What ends a command with exit code 2.

WrongUse   an argument or a setting that can't be used; its text is one line for people
"""


class WrongUse(Exception):
    """An argument or a setting can't be used."""
