"""Whether somebody agreed to be contacted: yes, no, or anything that is neither."""

from functools import lru_cache

from followup_intake.core.cells import folded, word_set
from followup_intake.core.lead import ConsentAnswer

_YES = word_set(
    "y yes yep yeah yup true t 1 on ok okay sure oui ja jawohl j si sim tak da wahr vrai "
    "verdadero verdad vero checked ticked selected subscribed granted agreed agree agrees "
    "accepted accept accepts consented consent optedin confirmed allowed x optin accepte acepto "
    "einverstanden zugestimmt"
) | {
    "1 0",  # 1.0, as a spreadsheet writes a ticked box
    "opted in",
    "opt in",
    "double opt in",
    "double optin",
    "single opt in",
    "i agree",
    "i accept",
    "i consent",
    "consent given",
    "box ticked",
    "box checked",
    "d accord",
    "j accepte",
    "ja einverstanden",
    "de acuerdo",
}
_NO = word_set(
    "n no nope false f 0 off non nein nee nao nie niet falsch faux falso unchecked unticked "
    "unsubscribed declined declines denied deny refused refuse rejected revoked withdrawn "
    "withdrew dnc dnd stop stopped optout optedout abgelehnt widerrufen rechazado"
) | {
    "0 0",
    "opted out",
    "opt out",
    "do not contact",
    "do not call",
    "do not text",
    "don t contact",
    "don t call",
    "not given",
    "not granted",
    "no consent",
    "not opted in",
    "did not consent",
    "does not consent",
    "i do not agree",
    "nicht einverstanden",
    "pas d accord",
    "no acepto",
    "never",
    "jamais",
    "nunca",
}
_REFUSING = ("do not ", "don t ", "did not ", "didn t ", "does not ", "never ")
_TICKS = {"✓", "✔", "☑", "✅", "✔️", "☑️"}
_CROSSES = {"✗", "✘", "❌", "☐", "✖"}
# "no answer" and "yes?" decide nothing.
_UNDECIDED_AFTER_NO = word_set(
    "answer response reply info information data record records preference idea value entry "
    "longer selection"
)


@lru_cache(maxsize=4096)
def read_consent(cell: str) -> ConsentAnswer:
    """Read a consent cell in English, French, German, Spanish and what forms export.

    A sentence counts by the word it opens with. Silence and doubt are `unknown`.
    """
    text = cell.strip()
    if text in _TICKS:
        return "yes"
    if text in _CROSSES:
        return "no"
    key = folded(text[:200])
    if text.endswith("?") or not key:
        return "unknown"
    if key in _YES:
        return "yes"
    if key in _NO:
        return "no"
    return _by_opening(key.split())


def _by_opening(words: list[str]) -> ConsentAnswer:
    opening, *rest = words
    if not rest or _both(words):
        return "unknown"
    if " ".join(words).startswith(_REFUSING):
        return "no"
    if opening in {"yes", "oui", "ja", "si", "y"}:
        return "yes"
    if opening in {"no", "non", "nein"} and rest[0] not in _UNDECIDED_AFTER_NO:
        return "no"
    return "unknown"


def _both(words: list[str]) -> bool:
    """Whether it offers the choice and does not make it: "yes/no"."""
    answers = {"yes" if word in _YES else "no" for word in words if word in _YES | _NO}
    return len(answers) > 1 and all(
        word in _YES | _NO | {"or", "oder", "ou", "o"} for word in words
    )
