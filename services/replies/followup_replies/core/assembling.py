"""Putting the parts of a long text together, whatever is there of them."""

from collections.abc import Mapping

GAP = "…"
"""Stands for parts that are not there; no word is made of what is left and right of them."""


def joined(parts: Mapping[int, str], *, total: int) -> str:
    """The text of these parts, numbered from 1 to `total`; one gap for those missing in a row."""
    pieces: list[str] = []
    for number in range(1, total + 1):
        if number in parts:
            pieces.append(parts[number])
        elif not pieces or pieces[-1] is not _MISSING:
            pieces.append(_MISSING)
    return "".join(pieces).strip()


_MISSING = f" {GAP} "
