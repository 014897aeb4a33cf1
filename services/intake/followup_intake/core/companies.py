"""Telling a business from a person in a name field."""

import re

from followup_intake.core.cells import folded, word_set
from followup_intake.core.given_names import given_names

# Nobody is called so: one such word makes it a business.
_FORMS = word_set(
    "llc llp inc incorporated ltd limited gmbh mbh ohg corp corporation plc pllc lllp pty sarl "
    "sasu eurl kgaa oyj aps company cie holding holdings co-op coop cooperative"
)
# Legal forms that are also initials or words; they count at the end of several words.
_LAST_FORMS = word_set("ag kg sa sas spa srl bv nv oy ab as co kft ev ug pc pa lp se eg hoa")
_TRADES = word_set(
    "bakery bakeries dental dentist dentistry orthodontics plumbing plumbers roofing roofers hvac "
    "heating cooling electric electrical electricians construction constructions contracting "
    "contractors contractor builders homebuilders landscaping landscapes landscape lawncare "
    "services solutions systems group properties property realty realtors estates restaurant "
    "restaurants cafe pizzeria pizza pizzas grill diner catering salon barbershop studio studios "
    "school schools academy university college clinic clinics medical pharmacy hospital hospitals "
    "veterinary animal pet pets insurance agency agencies associates partners consulting "
    "consultants enterprises enterprise industries industrial motors auto autos automotive "
    "collision towing repair repairs cleaning cleaners laundry laundromat hotel hotels motel "
    "resort ministries foundation club gym fitness yoga pilates grocery groceries supermarket deli "
    "bistro brewery brewing winery vineyards florist florists nursery gardens farms ranch storage "
    "logistics trucking transport transportation freight movers moving supply supplies "
    "store stores shop shops boutique bookstore gifts jewelers jewelry furniture flooring floors "
    "carpets windows doors painting painters remodeling remodelling renovation renovations "
    "restoration interiors architects architecture engineering engineers technologies technology "
    "tech software labs media marketing digital creative productions photography printing graphics "
    "attorneys accounting bookkeeping financial capital ventures investments mortgage "
    "lending management maintenance pools security solar energy utilities apartments condos "
    "condominium condominiums homes housing rentals rental wellness therapy chiropractic "
    "physiotherapy optometry vision eyewear traders trading imports exports global international "
    "worldwide works workshop warehouse wholesale distributors manufacturing fabrication welding "
    "machining machine paving concrete masonry excavating excavation fencing gutters insulation "
    "drywall carpentry cabinets kitchens countertops glass tile plaza mall daycare "
    "preschool childcare tutoring travel tours airlines airport sanitation waste recycling "
    "disposal "
    "boulangerie patisserie menuiserie plomberie electricite toiture couverture maconnerie "
    "etablissements ets entreprise societe cabinet pharmacie backerei baeckerei autohaus praxis "
    "metzgerei elektro sanitar sanitaer bedachungen handwerk gebaudereinigung immobilien "
    "versicherungen zahnarztpraxis panaderia taqueria cantina carniceria mercado iglesia taller "
    "restaurante construcciones reformas clinica "
    "fontaneria peluqueria tienda inmobiliaria servicios ferreteria"
)
# Words of business that are surnames as well; they count only where no first name stands before.
_DOUBTFUL = word_set(
    "church law bar press bank books flowers power coffee farm service garage market garden care "
    "inn spa design designs body water fire house home trust union bros brothers sons dach bau "
    "tree pool pest window door floor paint lawn team office department garage motor"
)
COMPANY_WORDS = _FORMS | _LAST_FORMS | _TRADES | _DOUBTFUL
"""Every word that is weighed when a name may be a business's."""

_PHRASES = re.compile(
    r"(?:&|\band\b|\bund\b|\bet\b|\by\b)\s+(?:sons?|daughters?|co|company|associates|partners|"
    r"s[oö]hne|soehne|fils|hijos|bros|brothers)\b|\b(?:d/?b/?a|t/?a)\b|"
    r"^the\s+\w+\s+\w+|"
    r"['\u2019]s\s+\w+",
    re.IGNORECASE,
)


_INSTITUTION = re.compile(
    r"(?:city|county|town|village|state|university|church|bank|friends|house|parish|diocese) of\b",
    re.IGNORECASE,
)


def is_company(text: str) -> bool:
    """Whether a name is a business's: a legal form, a trade, or how businesses are called."""
    words = _words(text)
    if not words:
        return False
    if words[0][0].isdigit() and len(words) > 1:
        return True
    if any(word in _FORMS or word in _TRADES for word in words):
        return len(words) > 1 or words[0] in _FORMS
    if len(words) > 1 and (_ends_in_form(text, words) or _last_form_in_parts(words)):
        return True
    return bool(_PHRASES.search(text)) or _doubtful(words)


def begins_as_company(text: str) -> bool:
    """Whether the text opens as only an institution's name does: "City of Example"."""
    return _INSTITUTION.match(text) is not None


def is_legal_form(text: str) -> bool:
    """Whether the text is nothing but a legal form, as after the comma of "Example, LLC"."""
    words = _words(text)
    return bool(words) and all(word in _FORMS or word in _LAST_FORMS for word in words)


def _doubtful(words: list[str]) -> bool:
    hits = sum(word in _DOUBTFUL for word in words)
    return (
        len(words) > 1
        and words[0] not in given_names()
        and hits > 0
        and (
            len(words) > 2 or hits > 1  # noqa: PLR2004 - "Ada Church" is somebody
        )
    )


def _ends_in_form(text: str, words: list[str]) -> bool:
    """Whether the last word is a legal form as forms are written: "AG", "Co", not "Ås"."""
    last = text.rsplit(maxsplit=1)[-1].strip(".,")
    if words[-1] not in _LAST_FORMS or not last.isascii():
        return False
    if len(words) == 2 and (words[0] in given_names() or text.isupper()):  # noqa: PLR2004 - "Jo Se"
        return False
    return last.isupper() or last in {"Co", "co", "SpA", "eV", "ApS"}


def _last_form_in_parts(words: list[str]) -> bool:
    """Whether the last letters spell a form with dots: "s.a.r.l.", "e.K."."""
    tail = "".join(words[-4:]) if all(len(w) == 1 for w in words[-4:]) else "".join(words[-2:])
    singles = all(len(w) == 1 for w in words[-2:])
    return singles and len(words) > 2 and tail in {"sarl", "ek", "ev", "sa", "spa", "srl", "bv"}  # noqa: PLR2004


def _words(text: str) -> list[str]:
    return folded(text[:200]).split()
