"""Which rows of one file are the same person."""

from followup_intake.core.emails import match_key_email


class SeenLeads:
    """Remembers contact points and the first row of whoever has them.

    The same phone or the same address links two rows, and whatever is linked to either.
    A name never does. Memory grows with the number of different contact points only.
    """

    def __init__(self) -> None:
        self._row_of: dict[str, int] = {}
        self._earlier: dict[int, int] = {}

    def first_row(self, row: int, *, phone: str | None, email: str | None) -> int | None:
        """Note a row and return the first row of its person, None when it is the first."""
        keys = [phone] if phone else []
        if email:
            keys.append(match_key_email(email))
        firsts = {self._root(self._row_of[key]) for key in keys if key in self._row_of}
        first = min(firsts, default=row)
        for other in firsts - {first}:
            self._earlier[other] = first
        for key in keys:
            self._row_of[key] = first
        return first if first != row else None

    def _root(self, row: int) -> int:
        while row in self._earlier:
            row = self._earlier[row]
        return row
