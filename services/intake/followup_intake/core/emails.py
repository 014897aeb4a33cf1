"""Reading an e-mail address out of a cell (RFC 5321, RFC 6531 for other scripts)."""

import re
import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

MAX_ADDRESS = 254
_MAX_TEXT = 1000

_CLEAN = re.compile(
    r"[A-Za-z0-9_%+'-]+(?:\.[A-Za-z0-9_%+'-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_MAILTO = re.compile(r"mailto:\s*", re.IGNORECASE)
_BLANKS_AT = re.compile(r"\s+@\s*|\s*@\s+")
_ANGLE = re.compile(r"<\s*([^<>]*@[^<>]*?)\s*>")
_LABEL = re.compile(r"^(?:e-?mail|mail|e|correo|courriel)\s*:\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"[;,/|\s]+|\s(?:or|and|oder|und|ou|et|o|y)\s", re.IGNORECASE)
_REMARK = re.compile(r"^(\S+@\S+?\.\w+)\s*(?:[(\[].*|\s[-\u2013]\s.*|[,;]\s+[^@]*)$", re.DOTALL)
_FULL_WIDTH = str.maketrans("\uff20\uff0e", "@.")
_TRAILING = ".,;:!?)>/\"'"
_LEADING = "<(\"'"


@dataclass(frozen=True, slots=True)
class EmailReading:
    """What a cell says of an e-mail address.

    `address` is None when no mail can be sent to it. `repaired`: what stood around the
    address was taken off. `several`: there was more than one; the first counts.
    """

    address: str | None = None
    repaired: bool = False
    several: bool = False
    given: bool = True


NO_EMAIL = EmailReading(given=False)
UNUSABLE = EmailReading()


def read_email(cell: str) -> EmailReading:
    """Read the first address of a tidied cell. Idempotent on its own result.

    Domain in lower case, local part as it was; a domain in its own script stays so.
    """
    if _CLEAN.fullmatch(cell) and len(cell) <= MAX_ADDRESS:
        local, _, domain = cell.rpartition("@")
        return EmailReading(address=f"{local}@{domain.lower()}") if len(local) <= 64 else UNUSABLE  # noqa: PLR2004 - RFC 5321 4.5.3.1.1
    text = cell[:_MAX_TEXT].strip()
    if not text:
        return NO_EMAIL
    return _read_damaged(text)


def match_key_email(email: str) -> str:
    """Return the identity of an address for merging: case-folded, without its `+tag`.

    A domain in its own script and its `xn--` form (RFC 5891) give the same key.
    """
    local, _, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    return f"{local.partition('+')[0].casefold() or local.casefold()}@{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    folded = domain.casefold()
    if folded.isascii():
        return folded
    try:
        return domain.lower().encode("idna").decode("ascii")
    except UnicodeError:
        return folded


def _read_damaged(text: str) -> EmailReading:
    bare = _MAILTO.sub("", _LABEL.sub("", text))
    if bare != text:
        bare = bare.partition("?")[0]
    bare = _BLANKS_AT.sub("@", _unwrapped(bare.translate(_FULL_WIDTH)))
    if bare.count("@") == 1 and (remarked := _REMARK.match(bare)):
        bare = remarked[1]
    candidates = _candidates(bare)
    addresses = [a for a in map(_address, candidates) if a]
    if not addresses:
        return UNUSABLE
    several = len(candidates) > 1
    repaired = not several and _domain_folded(text) != addresses[0]
    return EmailReading(address=addresses[0], repaired=repaired, several=several)


def _unwrapped(text: str) -> str:
    """Replace every `Name <address>` by its address."""
    found = _ANGLE.findall(text)
    return " ".join(found) if found else text


def _candidates(text: str) -> list[str]:
    """Return what may be an address: one cell, or each piece with an @ when several have one."""
    trimmed = text.rstrip(_TRAILING + " ").lstrip(_LEADING + " ")
    if trimmed.count("@") <= 1:
        return [trimmed.removesuffix(" ")] if "@" in trimmed else []
    pieces = [p.strip(_TRAILING + _LEADING) for p in _BETWEEN.split(trimmed)]
    return [p for p in pieces if "@" in p]


def _address(candidate: str) -> str | None:
    local, at, domain = candidate.rpartition("@")
    if not at or "@" in local or "." not in domain or len(candidate) > MAX_ADDRESS:
        return None
    if any(c.isspace() for c in candidate) or not _letters(domain.rpartition(".")[2]):
        return None
    address = f"{local}@{domain.lower()}"
    return address if _deliverable_in_form(address) else None


def _letters(top_level: str) -> bool:
    return len(top_level) > 1 and not top_level.isdigit()


def _deliverable_in_form(address: str) -> bool:
    if _CLEAN.fullmatch(address):
        return address.index("@") <= 64  # noqa: PLR2004 - RFC 5321 4.5.3.1.1
    try:
        # test_environment admits reserved names such as example.*, which samples are made of.
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _domain_folded(text: str) -> str:
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"
