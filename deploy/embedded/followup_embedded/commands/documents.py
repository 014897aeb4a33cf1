"""Sequence documents from files and from the library."""

from pathlib import Path

from followup_embedded.commands.errors import WrongUse
from followup_scheduler.core.document import Sequence, parse
from followup_scheduler.core.errors import BadDocument, Fault
from followup_scheduler.core.library import library


def library_text(key: str) -> str:
    """The document of a sequence that comes with Followup."""
    try:
        return library()[key]
    except KeyError:
        raise WrongUse(f"KEY: there is no sequence {key!r}; see: followup sequences list") from None


def text_of(source: str) -> str:
    """The text of a file, or of the library's sequence of that key.

    Raises `WrongUse` for what can't be opened, `BadDocument` for what is no text.
    """
    path = Path(source)
    if not path.exists() and source in library():
        return library()[source]
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        fault = Fault(None, "", f"not UTF-8 at byte {error.start}")
        raise BadDocument([fault], file=source) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WrongUse(f"FILE: {source}: {why}") from None


def read(source: str) -> Sequence:
    """The document in a file, or the library's of that key. Raises `BadDocument`."""
    return parse(text_of(source), file=source)
