"""Where a lead came from, whatever it is called in the file."""

import difflib
import re
from functools import lru_cache

from followup_intake.core.cells import folded, word_set

# The first that fits wins: "FB Lead Form" is Facebook's, "Google LSA referral" is LSA's.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"\b(?:g?lsas?|googlelsa|local services?|local service ads?|google guaranteed)\b"
        ),
        "google_lsa",
    ),
    (
        re.compile(
            r"\b(?:gmb|gbp|gmbcall|google my business|google business(?: profile)?|"
            r"business profile|google maps|google listing|maps call)\b"
        ),
        "gmb_call",
    ),
    (re.compile(r"\b(?:instagram\w*|insta|ig|insta gram)\b"), "instagram_lead_ad"),
    (re.compile(r"\b(?:facebook\w*|fb|face book|meta|messenger)\b"), "facebook_lead_ad"),
    (
        re.compile(
            r"\breff?er|\bword of mouth\b|\bwom\b|\brecommend|\bfriends?\b"
            r"|\bneighbou?r\b|\bempfehlung|\bempfohlen|\bparrain|"
            r"\bbouche a oreille\b|\brecomend|\bamigo"
        ),
        "referral",
    ),
    (
        re.compile(
            r"\bcold\b|\bcold\w*(?:call|mail|email|outbound|outreach)|\boutbound\b|\boutreach\b|"
            r"\bprospect|\b(?:bought|purchased) (?:list|leads?)\b|\bscraped\b|"
            r"\bkaltakquise\b|\bdemarchage\b|\bdoor (?:to door|knock)"
        ),
        "cold_outbound",
    ),
    (
        re.compile(
            r"\bweb ?form|\bweb ?site|\bweb ?page|^web$|^www\b|^site(?: web)?$|\bcontact form\b|"
            r"\bcontact us\b|\bonline form\b|\b(?:quote|enquiry|inquiry|request|lead) form\b|"
            r"\blanding page\b|\bhome ?page\b|^form$|\bkontaktformular|\bwebseite\b|"
            r"\bformulaire\b|\bformulario\b|\b(?:pagina|sitio) web\b|\btypeform\b|^web (?:lead|"
            r"inquiry|enquiry|request)"
        ),
        "web_form",
    ),
)
_MISSPELT = {
    "facebook": "facebook_lead_ad",
    "instagram": "instagram_lead_ad",
    "referral": "referral",
    "website": "web_form",
    "webform": "web_form",
    "outbound": "cold_outbound",
}
_NAMES = word_set(
    "google_lsa gmb_call facebook_lead_ad instagram_lead_ad referral web_form cold_outbound"
)


@lru_cache(maxsize=4096)
def read_source(cell: str) -> str:
    """Return one of the seven sources, else `unknown`."""
    if cell in _NAMES:
        return cell
    key = folded(cell[:200])
    for pattern, source in _RULES:
        if pattern.search(key):
            return source
    return _misspelt(key)


def platform_source(cell: str) -> str:
    """Return the source that an ad platform's own column stands for (`fb`, `ig` …)."""
    return {"an": "facebook_lead_ad", "msg": "facebook_lead_ad"}.get(
        folded(cell[:40]), read_source(cell)
    )


def _misspelt(key: str) -> str:
    for word in key.split():
        near = difflib.get_close_matches(word, _MISSPELT, n=1, cutoff=0.84)
        if near:
            return _MISSPELT[near[0]]
    return "unknown"
