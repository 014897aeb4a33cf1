"""Putting capitals where a name has them, when it was written in one case only."""

from followup_intake.core.cells import word_set

# In a name written all in capitals these go back to small letters; "La" and "Le" only after one.
_SMALL = word_set(
    "de del della dello delle di da dos das do du des von van vom der den zu zur zum ter ten te "
    "'t op af av y e i bin bint ibn"
)
_SMALL_AFTER_SMALL = word_set("la le les los las el und")
_MAC = word_set(
    "macdonald macleod mackenzie macgregor macarthur macintyre mackay maclean macmillan macpherson "
    "macneil macneill macdougall macfarlane macdowell mackinnon maclellan macrae macaulay macbeth "
    "maccormack macinnis macisaac macqueen mactavish macdermott maclachlan macphail"
)
_TWO_CAPITALS = {
    name.casefold(): name
    for name in word_set(
        "DeShawn DeAndre DeAngelo DeMarcus DeJuan DeWayne DeRon DeSean LaToya LaShawn LaKeisha "
        "LaTasha LaMarcus LaDonna LeBron LeAnn JoAnn JoAnne JoBeth MaryAnn MaryBeth MaryJo "
        "RuthAnn DiCaprio DiMaggio DeVito DeLuca DeRosa DeSantis DiPietro DeMarco LaRue LaSalle"
    )
}
_INITIALS = 2
"""Letters of a cell that may be no more than initials."""
_ELISIONS = word_set("o d dell dall all l m n nell sant")


def recased(person: str) -> str:
    """Capitalise a name that is all capitals or all small letters, leave any other.

    A last name put before the first is parted from it by a unit separator, and stays so.
    """
    letters = [c for c in person if c.isupper() or c.islower()]
    words = person.replace("\x1f", " ").split()
    if len(letters) < 2 or any(c.isdigit() or c == "_" for c in person):  # noqa: PLR2004
        return person
    shouted = all(c.isupper() for c in letters)
    # A single word in small letters is how somebody signs, not damage.
    if not shouted and (len(words) < 2 or not all(c.islower() for c in letters)):  # noqa: PLR2004
        return person
    return "\x1f".join(_recased_part(p, whole=len(words)) for p in person.split("\x1f"))


def recased_parts(given: str, family: str) -> tuple[str, str]:
    """The same for a name in two cells, of which one alone may be in capitals (`DUPONT`).

    Short ones may be initials and stay (`JD`).
    """
    shouted = [_is_shouted(part) for part in (given, family)]
    if all(shouted) or not any(shouted):
        return given, family
    whole = len(given.split()) + len(family.split())
    done = [
        _recased_part(part, whole=whole) if loud or part.islower() else part
        for part, loud in zip((given, family), shouted, strict=True)
    ]
    return done[0], done[1]


def _is_shouted(part: str) -> bool:
    letters = sum(map(str.isalpha, part))
    return letters > _INITIALS and part.isupper() and not any(c.isdigit() for c in part)


def _recased_part(part: str, *, whole: int) -> str:
    words = part.split()
    done: list[str] = []
    for at, word in enumerate(words):
        key = word.casefold().replace("\u2019", "'")
        inside = at < len(words) - 1 and (at > 0 or len(words) < whole)
        small = key in _SMALL or (key in _SMALL_AFTER_SMALL and bool(done) and done[-1].islower())
        roman = key in {"ii", "iii", "iv"}
        done.append(key if inside and small else (word.upper() if roman else _capitalised(word)))
    return " ".join(done)


def _capitalised(word: str) -> str:
    return "-".join(_capital(piece) for piece in word.split("-"))


def _capital(piece: str) -> str:
    for mark in ("'", "\u2019"):
        head, found, tail = piece.partition(mark)
        if found and head.casefold() in _ELISIONS and len(tail) > 1:
            return _title(head) + mark + _capital(tail)
    key = piece.casefold()
    if key in _TWO_CAPITALS:
        return _TWO_CAPITALS[key]
    if key.startswith("mc") and len(key) > 3:  # noqa: PLR2004 - "Mcx" is no Scot
        return "Mc" + _title(piece[2:])
    if key in _MAC:
        return "Mac" + _title(piece[3:])
    return _title(piece)


def _title(text: str) -> str:
    return text[:1].upper() + text[1:].lower()
