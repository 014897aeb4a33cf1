"""States and provinces by the names people write (ISO 3166-2 codes of US, CA and AU)."""

import difflib
import re
from functools import cache, lru_cache
from typing import NamedTuple

from followup_intake.core.cells import folded

# code: names in English, French and Spanish, and the abbreviations of before the codes.
_US = """
AL alabama|ala;AK alaska;AZ arizona|ariz;AR arkansas|ark;CA california|calif|cal|californie
CO colorado|colo;CT connecticut|conn;DE delaware|del
DC district of columbia|washington dc|washington d c|d of c|district de columbia
FL florida|fla|floride;GA georgia|georgie;HI hawaii|hawai i|hawai;ID idaho;IL illinois|ill
IN indiana|ind;IA iowa;KS kansas|kans|kan;KY kentucky|ken;LA louisiana|louisiane|luisiana
ME maine;MD maryland;MA massachusetts|mass|masachusetts|massachussetts;MI michigan|mich
MN minnesota|minn;MS mississippi|miss|misisipi;MO missouri|misuri;MT montana|mont
NE nebraska|nebr|neb;NV nevada|nev;NH new hampshire|nuevo hampshire|nueva hampshire
NJ new jersey|nueva jersey;NM new mexico|n mex|nuevo mexico|nouveau mexique
NY new york|new york state|nueva york
NC north carolina|n carolina|carolina del norte|caroline du nord
ND north dakota|n dakota|n dak|dakota del norte|dakota du nord;OH ohio;OK oklahoma|okla
OR oregon|ore|oreg;PA pennsylvania|penn|penna|pensilvania|pennsylvanie;RI rhode island
SC south carolina|s carolina|carolina del sur|caroline du sud
SD south dakota|s dakota|s dak|dakota del sur|dakota du sud;TN tennessee|tenn|tenesi
TX texas|tex|tejas;UT utah;VT vermont;VA virginia|virginie;WA washington|wash|washington state
WV west virginia|w virginia|w va|virginia occidental;WI wisconsin|wis|wisc;WY wyoming|wyo
PR puerto rico|porto rico;VI virgin islands|us virgin islands|u s virgin islands;GU guam
AS american samoa;MP northern mariana islands;AA armed forces americas;AE armed forces europe
AP armed forces pacific
"""
_CA = """
AB alberta|alta;BC british columbia|colombie britannique|columbia britanica;MB manitoba|man
NB new brunswick|nouveau brunswick|nuevo brunswick|n b
NL newfoundland and labrador|newfoundland|labrador|terre neuve et labrador|terre neuve
NL nf|nfld|newfoundland labrador|terranova y labrador
NS nova scotia|nouvelle ecosse|nueva escocia
NT northwest territories|territoires du nord ouest|nwt|territorios del noroeste;NU nunavut
ON ontario|ont;PE prince edward island|pei|ile du prince edouard|isla del principe eduardo
QC quebec|que|pq|quebec province|province de quebec;SK saskatchewan|sask
YT yukon|yukon territory|yk
"""
_AU = """
NSW new south wales|nouvelle galles du sud|nueva gales del sur;VIC victoria|vict
QLD queensland|qsld;SA south australia|australia meridional|australie meridionale
WA western australia|west australia|australie occidentale;TAS tasmania|tasmanie
ACT australian capital territory|canberra;NT northern territory
"""
# Elsewhere the state stays as it was written; its name only tells the country.
_ELSEWHERE = {
    "GB": "england|scotland|wales|northern ireland|cymru|greater london|west midlands|"
    "greater manchester|west yorkshire|south yorkshire|north yorkshire|merseyside|kent|essex|"
    "surrey|sussex|east sussex|west sussex|hampshire|berkshire|buckinghamshire|oxfordshire|"
    "hertfordshire|bedfordshire|cambridgeshire|norfolk|suffolk|devon|cornwall|somerset|dorset|"
    "wiltshire|gloucestershire|tyne and wear|durham|county durham|cumbria|lancashire|cheshire|"
    "derbyshire|nottinghamshire|leicestershire|staffordshire|shropshire|worcestershire|"
    "warwickshire|northamptonshire|lincolnshire|bristol|midlothian|lothian|fife|aberdeenshire|"
    "county antrim|antrim|glamorgan|south glamorgan|gwent|dyfed|powys|gwynedd",
    "DE": "baden wurttemberg|bayern|bavaria|berlin|brandenburg|bremen|hamburg|hessen|hesse|"
    "mecklenburg vorpommern|niedersachsen|lower saxony|nordrhein westfalen|nrw|"
    "north rhine westphalia|rheinland pfalz|rhineland palatinate|saarland|sachsen|saxony|"
    "sachsen anhalt|saxony anhalt|schleswig holstein|thuringen|thuringia|bw|bawu|by",
    "FR": "auvergne rhone alpes|bourgogne franche comte|bretagne|brittany|centre val de loire|"
    "corse|grand est|hauts de france|ile de france|idf|normandie|normandy|nouvelle aquitaine|"
    "occitanie|pays de la loire|provence alpes cote d azur|paca|alsace|lorraine|aquitaine|"
    "rhone alpes|bourgogne|ain|rhone|gironde|bouches du rhone|alpes maritimes|var|nord|"
    "haute garonne|loire atlantique|herault|bas rhin|haut rhin|isere|savoie|haute savoie|"
    "finistere|morbihan|paris|yvelines|hauts de seine",
    "ES": "madrid|comunidad de madrid|cataluna|catalunya|catalonia|andalucia|andalusia|"
    "comunidad valenciana|valencia|galicia|pais vasco|euskadi|castilla y leon|"
    "castilla la mancha|aragon|asturias|cantabria|la rioja|navarra|murcia|extremadura|canarias|"
    "islas canarias|canary islands|baleares|islas baleares|barcelona|sevilla",
    "IT": "lombardia|lombardy|lazio|campania|sicilia|sicily|veneto|emilia romagna|piemonte|"
    "puglia|toscana|tuscany|liguria|sardegna|calabria|umbria",
    "IE": "leinster|munster|connacht|ulster|county dublin|co dublin|county cork|co cork",
    "NZ": "auckland|canterbury|waikato|otago|wellington region|bay of plenty",
    "IN": "maharashtra|karnataka|tamil nadu|delhi|new delhi|gujarat|kerala|telangana|"
    "west bengal|rajasthan|uttar pradesh|punjab",
    "NL": "noord holland|zuid holland|noord brabant|gelderland|utrecht|limburg|overijssel",
    "AT": "wien|tirol|salzburg|steiermark|karnten|oberosterreich|niederosterreich|vorarlberg",
    "MX": "cdmx|jalisco|nuevo leon|ciudad de mexico|estado de mexico|baja california|yucatan",
}


_SHORT = 5
_POSTAL_BEHIND = re.compile(r"[a-z]{2,3} \d{3,5}\b")


class Subdivision(NamedTuple):
    """A state or province: its country, and its code where this product keeps codes."""

    country: str
    code: str | None


@cache
def _coded() -> dict[str, dict[str, str]]:
    return {country: _table(text) for country, text in (("US", _US), ("CA", _CA), ("AU", _AU))}


def _table(text: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in text.replace("\n", ";").split(";"):
        code, _, spellings = entry.strip().partition(" ")
        if code:
            names |= dict.fromkeys((code.casefold(), *spellings.split("|")), code)
    return names


@cache
def _elsewhere() -> dict[str, str]:
    return {name: country for country, names in _ELSEWHERE.items() for name in names.split("|")}


@lru_cache(maxsize=4096)
def read_state(cell: str, country: str) -> str | None:
    """Return a state's code in US, CA and AU, None when the country has no such state."""
    names = _coded().get(country)
    if not names:
        return None
    keys = _keys(cell)
    found = next((names[k] for k in keys if k in names), None)
    return found or (_misspelt(keys[0], names) if keys else None)


@lru_cache(maxsize=4096)
def countries_of_state(cell: str) -> tuple[Subdivision, ...]:
    """Return every country that has a state of this name, the likeliest first."""
    keys = _keys(cell)
    found = [
        Subdivision(country, names[key])
        for country, names in _coded().items()
        for key in keys[:1] or keys
        if key in names
    ]
    other = next((_elsewhere()[k] for k in keys if k in _elsewhere()), None)
    return (*found, Subdivision(other, None)) if other else tuple(found)


def _misspelt(key: str, names: dict[str, str]) -> str | None:
    if len(key) <= _SHORT:
        return None
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.87)
    return names[near[0]] if near else None


def _keys(cell: str) -> list[str]:
    """Return the spellings to look up: as written, dots taken out, the first of "TX - Texas"."""
    key = folded(cell[:80])
    words = key.split()
    joined = "".join(words) if words and all(len(w) == 1 for w in words) else key
    head = cell[:80]
    for mark in ("(", ",", " - ", "/"):
        head = head.partition(mark)[0]
    # "TX 78701" and "Austin, TX" name a state too.
    spare = [folded(cell[:80].rpartition(",")[2])] if "," in cell else []
    coded = [words[0]] if len(words) > 1 and _POSTAL_BEHIND.match(key) else []
    return list(dict.fromkeys(k for k in (joined, key, folded(head), *spare, *coded) if k))
