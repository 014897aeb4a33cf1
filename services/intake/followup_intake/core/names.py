"""A person's name out of a name field."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from followup_intake.core.capitals import recased, recased_parts
from followup_intake.core.cells import (
    PLACEHOLDERS,
    folded,
    is_placeholder,
    one_line,
    word_set,
)
from followup_intake.core.companies import (
    COMPANY_WORDS,
    begins_as_company,
    is_company,
    is_legal_form,
)
from followup_intake.core.given_names import given_names

_MAX_TEXT = 200

_TITLES = word_set(
    "mr mrs ms miss mx dr prof professor rev reverend sir madam dame lady lord hon capt captain "
    "col "
    "colonel lt lieutenant sgt sergeant maj major gen pastor father fr sister rabbi imam herr frau "
    "hr dipl ing mag m mme mlle monsieur madame mademoiselle me maitre sr sra srta senor senora "
    "senorita don dona dna sig signora signor attn attention"
)
# "Don", "Major", "Sister" and the like are also what people are called; a comma or dot decides.
_TITLES_NEEDING_DOT = word_set("don major m me fr sig mag ing hon gen father lady lord dame")
_SUFFIXES = word_set(
    "jr sr junior senior ii iii iv esq esquire phd md dds dmd do dvm cpa rn np pe jd mba msc "
    "bsc ma "
    "ba od pharmd lcsw mbe obe cbe retd ret"
)
# Degrees that are also names or words stand as suffixes only behind a comma or in capitals.
_SUFFIXES_IN_CAPITALS = word_set("do ma ba pe np md od rn jd")
_NOBODY = word_set(
    "unknown test anonymous anon noname customer lead prospect guest user admin caller homeowner "
    "private withheld restricted unavailable xx xxx xxxx asdf unbekannt inconnu desconocido"
) | {
    "no name",
    "not provided",
    "not given",
    "valued customer",
    "new lead",
    "unknown caller",
    "wireless caller",
    "private caller",
    "full name",
    "first name",
    "last name",
    "name withheld",
    "test test",
    "test lead",
    "sans nom",
    "kein name",
    "sin nombre",
}
_JOINING = word_set(
    "and und et y o at from the of bei chez with mr&mrs drmed profdr dba ta no not city town "
    "village state university church bank friends house parish diocese sons daughters company"
)
_PARTICLES = word_set(
    "de del della dello delle di da dos das do du des d la le les los las el al bin bint ibn "
    "von van vom der den zu zur zum ter ten te 't op af av st saint san santa dalla degli dei "
    "ó ní uí nic"
)
_EMOJI = re.compile(
    "[\u00a9\u00ae\u2000-\u200d\u203c\u2049\u20e3\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff"
    "\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\ufe00-\ufe0f\U0001f000-\U0001faff"
    "\U000e0020-\U000e007f]"
)
_STYLED = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff]")
_BRACKETS = re.compile(r"\s*[(\[{]([^()\[\]{}]*)[)\]}]\s*")
_QUOTED = re.compile(
    r"\s+[\"\u201c\u201e\u00ab\u2018'](?!t\s)[^\"\u201c\u201d\u201e\u00bb]{1,30}?[\"\u201d\u201c\u00bb\u2019'](?=\s)\s*"
)
_QUOTES = str.maketrans("", "", '"\u201c\u201d\u201e\u00ab\u00bb')
_SEPARATED = re.compile(
    r"\s+[-\u2013/@\u00b7\u2022]+\s+|\s*[|;\u2014]+\s*|\s*:\s+|"
    r"\s+(?:at|from|from the|of|bei|chez|c/o|w/|with)\s+(?=[A-Z\d])"
)
_COUPLE = re.compile(r"\s+(?:&|\+|and|und|et|y)\s+", re.IGNORECASE)
_ADDRESS = re.compile(r"\S@\S")
_PLAIN = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)?")
_EDGES = ' ,.;:/|-_*~#"\u201c\u201d'


@dataclass(frozen=True, slots=True)
class NameReading:
    """First and last name as the person would write them, and the company named beside."""

    first: str | None = None
    last: str | None = None
    company: str | None = None


NOBODY = NameReading()


def read_name(cell: str) -> NameReading:
    """Read a tidied cell that holds a whole name.

    Titles, suffixes, middle initials, emoji and companies are taken off, `Last, First` is
    turned. A name all in capitals or all in small letters is capitalised, others are left.
    """
    first, _, last = cell.partition(" ")
    if is_plain(first) and (not last or is_plain(last)):
        return NameReading(first=first, last=last or None)
    text = one_line(plain_letters(cell[:_MAX_TEXT]))
    if _is_nobody(text):
        return NOBODY
    person, company = _without_company(text)
    if person is None or _is_nobody(person):
        return NameReading(company=company)
    first, last = _split(recased(person))
    return NameReading(first=first or None, last=last or None, company=company)


def read_parts(first: str, last: str) -> NameReading:
    """Read tidied cells that hold first and last name apart."""
    if is_plain(first) and is_plain(last):
        return NameReading(first=first, last=last)
    given, family = (one_line(plain_letters(part[:_MAX_TEXT])) for part in (first, last))
    given, family = ("" if _is_nobody(part) else part for part in (given, family))
    if not given or not family:
        return read_name(given or family) if given else _family_only(family)
    if is_company(f"{given} {family}"):
        return NameReading(company=f"{given} {family}")
    given, family = recased_parts(given, family)
    whole = read_name(f"{family}, {given}") if "," not in given + family else NOBODY
    return whole if whole.first and whole.last else read_name(f"{given} {family}")


def is_plain(word: str) -> bool:
    """Whether a word is a name and nothing else, so that what most rows hold is read at once.

    It is written as names are, and no vocabulary of this package knows it for a title, a
    suffix, a part of a company's name or what people fill in who give none.
    """
    return _PLAIN.fullmatch(word) is not None and word.lower() not in not_names()


@cache
def not_names() -> frozenset[str]:
    """Return every word that may mean something else than somebody's name."""
    said = _TITLES | _SUFFIXES | _PARTICLES | {word for text in _NOBODY for word in text.split()}
    return said | _JOINING | COMPANY_WORDS | PLACEHOLDERS


def plain_letters(text: str) -> str:
    """Return the text with styled letters as plain ones and without emoji."""
    if text.isascii():
        return text
    plain = _STYLED.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return unicodedata.normalize("NFC", _EMOJI.sub(" ", plain))


def _family_only(family: str) -> NameReading:
    read = read_name(family)
    if read.last is None and read.first:
        return NameReading(last=read.first, company=read.company)
    return read


def _is_nobody(text: str) -> bool:
    bare = text.strip(_EDGES)
    if all(map(is_placeholder, text.split())) or not any(c.isalpha() for c in bare):
        return True
    return bool(_ADDRESS.search(bare)) or bare.startswith("<") or folded(bare) in _NOBODY


def _without_company(text: str) -> tuple[str | None, str | None]:
    """Part a name field into the person and the company, either may be missing."""
    companies: list[str] = []
    bracketed = [b.strip() for b in _BRACKETS.findall(text)]
    companies += [b for b in bracketed if is_company(b)]
    bare = _QUOTED.sub(" ", _BRACKETS.sub(" ", text)).translate(_QUOTES).strip()
    if begins_as_company(bare):
        return None, bare
    bare = _first_of_couple(bare)
    people: list[str] = []
    for part in _SEPARATED.split(bare):
        person, company = _comma_parts(part.strip(_EDGES))
        people += [person] if person else []
        companies += [company] if company else []
    person = people[0] if people else None
    return person, (companies[0] if companies else None)


def _first_of_couple(text: str) -> str:
    """Return the first of two people who share a last name: "John & Mary Smith"."""
    first, *others = _COUPLE.split(text)
    known = folded(first.split()[-1]) if first.split() else ""
    if (
        len(others) != 1
        or is_company(text)
        or (known not in given_names() and known not in _TITLES)
    ):
        return text
    second = _without_titles(others[0].split())
    return f"{first} {' '.join(second[-1:])}"


def _comma_parts(text: str) -> tuple[str | None, str | None]:
    segments = [s.strip() for s in text.split(",") if s.strip()]
    while len(segments) > 1 and all(
        folded(w).replace(" ", "") in _SUFFIXES for w in segments[-1].split()
    ):
        segments.pop()
    if len(segments) > 1 and is_legal_form(segments[-1]):
        segments[-2:] = [f"{segments[-2]}, {segments[-1]}"]
        if len(segments) == 1:
            return None, segments[0]
    companies = [s for s in segments if is_company(s)]
    people = [s for s in segments if s not in companies]
    # "Smith, Jones & Co" is one company, not Mr Smith.
    person = _turned(people[:2]) if people else None
    return person, (companies[0] if companies else None)


def _turned(segments: list[str]) -> str:
    """Return `Last, First` as one text that keeps the seam: a unit separator between them."""
    if len(segments) == 1:
        return segments[0]
    last, first = segments
    return f"{first}\x1f{last}"


def _split(person: str) -> tuple[str, str]:
    first, seam, last = person.partition("\x1f")
    if seam:
        given = _without_suffixes(_without_titles(first.split()))
        given = _without_initials(given, keep_last=False)
        family = _without_suffixes(_without_titles(last.split()))
        return " ".join(given), " ".join(family)
    titled = person.split()
    words = _without_suffixes(_without_titles(titled))
    if len(words) == 1 and len(titled) > 1 and _only_family(titled[0], words[0]):
        return "", words[0]
    words = _without_initials(words, keep_last=True)
    if len(words) < 2:  # noqa: PLR2004 - one name only
        return " ".join(words), ""
    seam_at = _seam(words)
    return " ".join(words[:seam_at]), " ".join(words[seam_at:])


def _only_family(title: str, word: str) -> bool:
    """Whether a single name behind a title is a last name: "Mr. Garcia", not "Ms. Aisha"."""
    return _is_title(title) and folded(word) not in given_names()


def _seam(words: list[str]) -> int:
    """Return where the last name begins: at a particle, else behind the given names."""
    final = len(words) - 1
    for at in range(1, final):
        key = words[at].casefold().rstrip(".").replace("\u2019", "'")
        if key in _PARTICLES:
            return at
        if folded(words[at]) not in given_names():
            return at
    return final


def _without_titles(words: list[str]) -> list[str]:
    at = 0
    while at < len(words) - 1 and _is_title(words[at]):
        at += 1
    return [w for w in words[at:] if any(c.isalnum() for c in w)]


def _is_title(word: str) -> bool:
    key = folded(word).replace(" ", "")
    if key not in _TITLES:
        return key in {"mr&mrs", "drmed", "profdr"}
    return key not in _TITLES_NEEDING_DOT or word.endswith(".")


def _without_suffixes(words: list[str]) -> list[str]:
    while len(words) > 1 and _is_suffix(words[-1], few=len(words) < 3):  # noqa: PLR2004
        words = words[:-1]
    return words


def _is_suffix(word: str, *, few: bool) -> bool:
    key = folded(word).replace(" ", "")
    if key not in _SUFFIXES:
        return False
    return key not in _SUFFIXES_IN_CAPITALS or (word.isupper() and not few)


def _without_initials(words: list[str], *, keep_last: bool) -> list[str]:
    end = len(words) - 1 if keep_last else len(words)
    return [w for at, w in enumerate(words) if not (0 < at < end and _is_initial(w))]


def _is_initial(word: str) -> bool:
    letters = word.rstrip(".").replace(".", "")
    return len(letters) == 1 and letters.isalpha() and letters not in "yeióÓ"
