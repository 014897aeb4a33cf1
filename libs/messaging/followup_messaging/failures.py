"""What may be said of a failure: enough to find it, no personal data.

A database error's text quotes the row it stumbled over, so only its kind and its
first line are kept; logs get the kind and the place alone.
"""

import traceback

from sqlalchemy.exc import DBAPIError

_LONGEST = 500


def describe(error: BaseException) -> str:
    """The failure in a line, for the dead letter."""
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig
    first = str(cause).splitlines()[:1]
    return f"{type(cause).__name__}: {first[0] if first else ''} ({origin(error)})"[:_LONGEST]


def origin(error: BaseException) -> str:
    """Where it was raised, as file:line of the innermost frame of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "followup_" in frame.filename] or list(frames)
    if not ours:
        return "unknown"
    return f"{ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}"
