"""What can go wrong in the directory.

DirectoryError
├── SealBroken      provider secrets can't be opened with the keys of this installation
├── SlugTaken       another tenant has this slug
└── WeakKey         a chosen API key is too short or too long, or holds blanks
"""


class DirectoryError(Exception):
    """The root of this package's exceptions."""


class SealBroken(DirectoryError):
    """None of FOLLOWUP_SECRET_KEYS opens these secrets, or they were altered."""


class SlugTaken(DirectoryError):
    """Slugs are unique in a cell."""


class WeakKey(DirectoryError):
    """The key given is no usable token."""
