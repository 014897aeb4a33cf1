"""Countries by the names people write, as ISO 3166-1 alpha-2."""

import difflib
from functools import cache, lru_cache

import phonenumbers

from followup_intake.core.cells import folded

_SHORT = 5
"""Names up to this length are too like each other to be guessed at."""

_NAMES = {
    "US": "usa|us of a|united states|united states of america|america|the united states|"
    "the us|the usa|unites states|united state|u s a|etats unis|vereinigte staaten|"
    "vereinigte staaten von amerika|estados unidos|ee uu|eeuu|eua|stati uniti",
    "CA": "can|canada|kanada",
    "MX": "mex|mexico|mexique|mexiko",
    "GB": "uk|gbr|united kingdom|great britain|britain|england|scotland|wales|"
    "northern ireland|u k|the uk|royaume uni|grossbritannien|vereinigtes konigreich|reino unido|"
    "angleterre|inglaterra|gran bretana",
    "IE": "irl|ireland|republic of ireland|eire|irlande|irland|irlanda",
    "FR": "fra|france|frankreich|francia",
    "DE": "deu|ger|germany|deutschland|allemagne|alemania|brd|d",
    "AT": "aut|austria|osterreich|oesterreich|autriche",
    "CH": "che|switzerland|schweiz|suisse|suiza|svizzera",
    "ES": "esp|spain|espana|espagne|spanien",
    "PT": "prt|portugal",
    "IT": "ita|italy|italia|italie|italien",
    "NL": "nld|netherlands|the netherlands|holland|nederland|niederlande|pays bas|paises bajos",
    "BE": "bel|belgium|belgique|belgie|belgien|belgica",
    "LU": "lux|luxembourg|luxemburg",
    "DK": "dnk|denmark|danmark|danemark",
    "SE": "swe|sweden|sverige|suede|schweden|suecia",
    "NO": "nor|norway|norge|norvege|norwegen",
    "FI": "fin|finland|suomi|finlande|finnland",
    "IS": "isl|iceland|island",
    "PL": "pol|poland|polska|pologne|polen",
    "CZ": "cze|czechia|czech republic|tschechien|cesko",
    "SK": "svk|slovakia|slowakei",
    "HU": "hun|hungary|magyarorszag|ungarn|hongrie",
    "RO": "rou|romania|roumanie|rumanien",
    "BG": "bgr|bulgaria",
    "GR": "grc|greece|hellas|grece|griechenland",
    "HR": "hrv|croatia|hrvatska|kroatien",
    "SI": "svn|slovenia",
    "TR": "tur|turkey|turkiye|turkei",
    "UA": "ukr|ukraine",
    "RU": "rus|russia|russian federation|russland",
    "AU": "aus|australia|aust|australie|australien",
    "NZ": "nzl|new zealand|aotearoa|neuseeland|nouvelle zelande",
    "IN": "ind|india|bharat|inde|indien",
    "PK": "pak|pakistan",
    "CN": "chn|china|prc",
    "HK": "hkg|hong kong",
    "SG": "sgp|singapore",
    "MY": "mys|malaysia",
    "PH": "phl|philippines|the philippines",
    "ID": "idn|indonesia",
    "TH": "tha|thailand",
    "VN": "vnm|vietnam|viet nam",
    "JP": "jpn|japan|nippon",
    "KR": "kor|south korea|korea|republic of korea",
    "AE": "are|uae|united arab emirates|u a e",
    "SA": "sau|saudi arabia|ksa",
    "IL": "isr|israel",
    "EG": "egy|egypt",
    "ZA": "zaf|south africa|rsa|sudafrika",
    "NG": "nga|nigeria",
    "KE": "ken|kenya",
    "GH": "gha|ghana",
    "BR": "bra|brazil|brasil|bresil|brasilien",
    "AR": "arg|argentina",
    "CL": "chl|chile",
    "CO": "col|colombia",
    "PE": "per|peru",
    "PR": "pri|puerto rico",
    "DO": "dom|dominican republic|republica dominicana",
    "JM": "jam|jamaica",
}


@cache
def _by_name() -> dict[str, str]:
    found = {name: code for code, names in _NAMES.items() for name in names.split("|")}
    return found | {code.casefold(): code for code in phonenumbers.SUPPORTED_REGIONS}


@lru_cache(maxsize=2048)
def read_country(cell: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country's name or code, None when unknown."""
    key = folded(cell[:80])
    names = _by_name()
    # "U.S.A." folds to "u s a": letters alone in a row are one abbreviation.
    joined = key.replace(" ", "") if all(len(part) == 1 for part in key.split()) else key
    found = names.get(joined) or names.get(key)
    if found is None and len(key) > _SHORT:
        near = difflib.get_close_matches(key, names, n=1, cutoff=0.87)
        return names[near[0]] if near else None
    return found
