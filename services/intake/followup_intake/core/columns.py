"""Which column says what: headings as CRMs, spreadsheets and ad platforms write them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from followup_intake.core.cells import folded
from followup_intake.core.errors import WrongMapping

_ALIASES: Mapping[str, str] = {
    "name": "name|full name|fullname|contact|contact name|customer|customer name|client|"
    "client name|lead|lead name|your name|nom complet|nombre completo|nombre y apellidos|"
    "vollstandiger name|nom et prenom|"
    "kunde|kundenname|ansprechpartner|vor und nachname|nom et prenoms|nom du client|"
    "nombre y apellido|cliente",
    "first_name": "first name|firstname|first|given name|forename|vorname|prenom|nombre|fname",
    "last_name": "last name|lastname|last|surname|family name|nachname|familienname|nom|"
    "nom de famille|apellido|apellidos|lname",
    "email": "email|e mail|email address|e mail address|mail|your email|work email|courriel|"
    "adresse e mail|adresse email|adresse mail|e mail adresse|correo|correo electronico|"
    "primary email|email 1|contact email|"
    "adresse courriel|adresse de courriel|email adresse|mail adresse|direccion de correo|"
    "direccion de correo electronico",
    "phone": "phone|phone number|telephone|telephone number|tel|mobile|mobile number|"
    "mobile phone|cell|cell phone|cellphone|cell number|contact number|your phone|telefon|"
    "telefonnummer|handy|handynummer|telefono|movil|numero de telephone|portable|"
    "primary phone|phone 1|phone e164|work phone|home phone|phone no|number|"
    "mobil|mobilnummer|mobiltelefon|tel mobil|telefon mobil|rufnummer|tel portable|"
    "telephone portable|telephone mobile|numero de portable|n de telephone|n de portable|"
    "telefono movil|numero de telefono|celular",
    "source": "source|lead source|channel|origin|came from|utm source|quelle|herkunft|origine|"
    "fuente|origen|how did you hear about us|"
    "leadquelle|kanal|provenance|canal|procedencia",
    "platform": "platform",
    "need": "need|interested in|interest|service|services|service requested|service needed|"
    "service type|job type|project|project type|request|enquiry|inquiry|subject|"
    "what do you need help with|what do you need|how can we help|how can we help you|"
    "besoin|anliegen|interesse|servicio|necesidad|"
    "anfrage|leistung|gewunschte leistung|projekt|prestation|projet|servicio solicitado|proyecto",
    "city": "city|town|ville|stadt|ort|ciudad|city town|suburb|locality|"
    "wohnort|commune|localite|poblacion|localidad",
    "state": "state|province|region|county|state province|state region|province state|"
    "bundesland|departement|estado|provincia",
    "postal_code": "zip|zip code|zipcode|postal code|postcode|post code|postal|plz|"
    "postleitzahl|code postal|codigo postal|cp|zip postal code",
    "country": "country|nation|country code|land|pays|pais|country region",
    "received_at": "submitted at|submitted|submission date|created|created at|created time|"
    "created on|create date|date|date created|date submitted|date added|received|received at|"
    "timestamp|time|lead date|entry date|datum|eingegangen am|date de creation|fecha|"
    "eingang|eingangsdatum|anfragedatum|erstellt|erstellt am|date de la demande|"
    "date de demande|date d envoi|fecha de creacion|fecha de solicitud|fecha de registro",
    "consent": "consent|opt in|optin|opted in|permission|gdpr consent|sms consent|tcpa consent|"
    "marketing consent|consent given|einwilligung|zustimmung|consentement|consentimiento|"
    "einverstandnis|dsgvo|rgpd|accord|acepta",
    "consent_text": "consent text|consent wording|consent language|consent note|opt in text|"
    "consent details|einwilligungstext",
    "value": "value|est value|estimated value|deal value|amount|budget|estimate|quote amount|"
    "lead value|wert|montant|valeur|valor|importe|"
    "auftragswert|angebotswert|geschatzter wert|budget estime|montant estime|presupuesto|"
    "valor estimado|importe estimado",
    "currency": "currency|wahrung|devise|moneda",
    "notes": "notes|note|comments|comment|message|remarks|remark|description|details|"
    "additional info|notizen|bemerkung|bemerkungen|commentaires|remarques|notas|comentarios|"
    "anmerkung|anmerkungen|nachricht|commentaire|remarque|comentario|observaciones",
    "company": "company|company name|business|business name|organization|organisation|"
    "account|account name|employer|firma|unternehmen|entreprise|societe|empresa|"
    "firmenname|raison sociale|nom de l entreprise|nombre de la empresa",
    "external_id": "id|lead id|external id|record id|crm id|reference|leadid",
    "zone": "zone|timezone|time zone|tz|zeitzone",
}
FIELDS = frozenset(_ALIASES)
"""What a column may be."""
ATTRIBUTE = "attribute:"
IGNORED = "ignore"
NO_MAPPING: Mapping[str, str] = {}
_EXACT = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split("|")}

# Lead forms ask in whole sentences; the first that fits wins.
_QUESTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"consent (?:text|wording|language|copy)|(?:text|wording) of consent"),
        "consent_text",
    ),
    (
        re.compile(
            r"\b(?:consent|opt in|gdpr|tcpa|einwilligung|consentement|consentimiento)\b|"
            r"\b(?:may|can|could) we (?:\w+ ){0,2}?(?:call|text|contact|phone|message|reach)\b|"
            r"\b(?:i|you) (?:agree|accept|consent)|permission to|"
            r"\b(?:durfen|konnen) wir (?:\w+ ){0,4}(?:anrufen|kontaktieren|schreiben|erreichen)\b|"
            r"\b(?:pouvons|peut) (?:nous|on) vous "
            r"(?:appeler|rappeler|contacter|ecrire|joindre|envoyer)\b|"
            r"\bpodemos (?:llamar|contactar|escribir)"
        ),
        "consent",
    ),
    (
        re.compile(
            r"\bwhat (?:\w+ ){0,4}(?:need|help|looking for|interested|service|project|work)|"
            r"\bhow can we (?:\w+ )?help|\bwhich services?\b|\b(?:services?|work) (?:\w+ )?"
            r"(?:needed|required|requested|interested)|\binterested in\b"
        ),
        "need",
    ),
    (
        re.compile(
            r"\bwie (?:haben|sind) sie (?:von|auf) uns\b|\bcomment (?:nous )?avez vous\b|"
            r"\bcomo nos (?:conocio|conociste|encontro|encontraste)\b|\bhear (?:about|of) us\b"
        ),
        "source",
    ),
    (re.compile(r"^(?:\w+ )?e ?mail(?: address)?(?: \d)?$"), "email"),
    (
        re.compile(r"^(?:\w+ )?(?:phone|mobile|cell|telephone)(?: number| no| nr)?(?: \d)?$"),
        "phone",
    ),
    (
        re.compile(
            r"^(?:est|estimated|expected|deal|job|quoted?)(?: \w+)? (?:value|amount|price)\b"
        ),
        "value",
    ),
)

# "When may we call you?" asks for a time; who may not be called at all has said so elsewhere.
_ASKS_HOW = re.compile(
    r"(?:when|how|where|what|which|wann|wie|wo|welche\w*|unter welche\w*|quand|comment|ou|en quoi|"
    r"(?:a|sur) quel\w*|que|cuando|como|donde|(?:a|en) que|por que)\b"
)
_PREFIX = re.compile(r"^(?:l|f|p|ag|as|a|c|z):(?=\S)?")
_PREFIXED = frozenset({"external_id", "phone", "postal_code"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each field stands in a row; `spares` are further columns of the same field."""

    width: int
    index: Mapping[str, int]
    spares: Mapping[str, tuple[int, ...]]
    others: tuple[tuple[int, str], ...]
    header_keys: tuple[str, ...]

    def first_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """Return field to raw cell; a field whose column is not there is absent."""
        count = len(cells)
        found = {name: cells[at] if at < count else "" for name, at in self.index.items()}
        for name, places in self.spares.items():
            if not found[name].strip():
                values = (cells[at] for at in places if at < count and cells[at].strip())
                found[name] = next(values, "")
        return found

    def other_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells of columns that mean nothing here, by their heading."""
        count = len(cells)
        return {
            name: cells[at].strip() for at, name in self.others if at < count and cells[at].strip()
        }


def columns_of(header: Sequence[str], mapping: Mapping[str, str] = NO_MAPPING) -> Columns:
    """Assign every column of a header to its field.

    The main one of a kind is the first that has the field's own name, else the first.

    `mapping` decides first, by heading whatever its case: the name of a field (`FIELDS`),
    `attribute:name`, or `ignore`. A heading it maps stands before others of that field.
    Raises `WrongMapping` for a heading that is not there or a field that does not exist.
    """
    wanted = _wanted(header, mapping)
    index: dict[str, int] = {}
    spares: dict[str, tuple[int, ...]] = {}
    others: list[tuple[int, str]] = []

    def rank(at: int) -> tuple[bool, bool]:
        # What was mapped is the main column of its field, else what has the field's own name.
        return at not in wanted, _key(header[at]) not in _EXACT

    for at in sorted(range(len(header)), key=rank):
        heading = header[at]
        name = wanted.get(at) or field_of(heading)
        if name == IGNORED:
            continue
        if name is None:
            others.append((at, heading.strip() or f"column {at + 1}"))
        elif name.startswith(ATTRIBUTE):
            others.append((at, name.removeprefix(ATTRIBUTE)))
        elif name in index:
            spares[name] = (*spares.get(name, ()), at)
        else:
            index[name] = at
    keys = tuple(folded(heading) for heading in header)
    return Columns(
        width=len(header),
        index=index,
        spares=spares,
        others=tuple(sorted(others)),
        header_keys=keys,
    )


def _wanted(header: Sequence[str], mapping: Mapping[str, str]) -> dict[int, str]:
    """What the mapping makes of columns, by their place."""
    places = {heading.strip().casefold(): at for at, heading in reversed([*enumerate(header)])}
    found: dict[int, str] = {}
    for heading, name in mapping.items():
        at = places.get(heading.strip().casefold())
        if at is None:
            raise WrongMapping(heading, "there is no such column")
        attribute = name.startswith(ATTRIBUTE) and len(name) > len(ATTRIBUTE)
        if not attribute and name not in FIELDS | {IGNORED}:
            raise WrongMapping(heading, f"{name!r} is no field of a lead")
        found[at] = name
    return found


def _key(heading: str) -> str:
    """A heading as it is looked up, by its beginning."""
    return folded(heading[:200])


def field_of(heading: str) -> str | None:
    """Return the field a heading names, None when it is nobody's."""
    key = _key(heading)
    if key in _EXACT:
        return _EXACT[key]
    asks_how = _ASKS_HOW.match(key)
    fields = (name for pattern, name in _QUESTIONS if pattern.search(key))
    return next((name for name in fields if not (asks_how and name == "consent")), None)


def known_fields(header: Iterable[str], mapping: Mapping[str, str] = NO_MAPPING) -> int:
    """Count the different fields that the cells of a would-be header name."""
    mapped = {heading.strip().casefold(): name for heading, name in mapping.items()}
    named = (mapped.get(cell.strip().casefold()) or field_of(cell) for cell in header)
    return len({name for name in named if name})


def without_prefix(field: str, cell: str) -> str:
    """Take off the mark (`l:`, `p:`, `z:` …) with which ad platforms keep digits from Excel."""
    return _PREFIX.sub("", cell) if ":" in cell and field in _PREFIXED else cell
