"""How people write days, as patterns by name; `dates.py` says which day each means.

Texts are folded: lower case, no accents. Of patterns that fit the same words the earlier wins.
"""

import re
from typing import Final

from followup_replies.core.calendars import (
    BEFORE_EASTER,
    EASTER,
    FEASTS,
    MONTHS,
    NUMBERS,
    SEASONS,
    UNITS,
    WEEKDAYS,
)


def _any_of(words: object) -> str:
    return "|".join(sorted(map(re.escape, map(str, words)), key=len, reverse=True))  # type: ignore[call-overload] # any iterable of words


_MONTH: Final = rf"(?P<month>{_any_of(MONTHS)})\b\.?"
_DAYNUM: Final = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th|er|o|º)?\b\.?"
_YEARNUM: Final = r"(?:,?\s*(?:de |del |of )?(?P<year>20\d\d))?"
_NAMED_DAY: Final = rf"(?:\b(?:{_any_of(WEEKDAYS)})\b\.?,?\s+(?:the |den |dem |dia |le )?)?"
_NUMBER: Final = _any_of(NUMBERS)
_UNIT: Final = _any_of(UNITS)

_PATTERNS: Final[dict[str, str]] = {
    "iso": r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b",
    "numeric": r"(?<![\d./:-])(?P<first>[0-3]?\d)(?P<mark>[./-])(?P<second>[0-3]?\d)"
    r"(?:(?P=mark)(?P<year>20\d\d|\d\d)|\.)?(?![\d:/%]|[.,-]\d)",
    "day_month": rf"{_NAMED_DAY}\b{_DAYNUM}\s*(?:de |of |d')?{_MONTH}{_YEARNUM}",
    "month_day": rf"{_NAMED_DAY}\b{_MONTH}\s+(?:the )?(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b(?!:)"
    r"(?:,?\s*(?P<year>20\d\d))?",
    "month": rf"\b(?P<part>(?:early|beginning of|start of|mid|middle of|late|end of|"
    r"(?:the )?(?:first|second) half of|(?:la )?(?:primera|segunda) (?:quincena|mitad) de|"
    r"(?:la )?(?:premiere|deuxieme|seconde) (?:quinzaine|moitie) (?:de|d')|"
    r"(?:erste|zweite)n? halfte(?: des| vom)?|(?:primeira|segunda) (?:quinzena|metade) de|"
    r"a principios de|principios de|mediados de|finales de|fin de|debut|mi|fin|"
    r"anfang|mitte|ende|inicio de|"
    rf"comeco de|meados de|final de|fim de)[\s-]+)?{_MONTH}{_YEARNUM}",
    "in_span": rf"\b(?:(?:in|dans|en|em|daqui a|within|for|give me|por|pendant|fur|per|after|"
    r"nach|dentro de|apos|depois de|despues de|apres|another|noch|d'ici|de aqui a|d aqui a)\s+)"
    r"(?:about |around |like |the next |at least |maybe |unos |unas |environ |etwa |ca\.? |"
    r"uns |umas |cerca de |a |an |ein |una |un |another |other |otros |otras )*"
    rf"(?P<number>{_NUMBER})\s+(?:of |or (?:two|three|so) |de |to \w+ |- ?\d+ |o (?:dos|tres) )?"
    rf"(?:more |weitere |autres )?(?P<unit>{_UNIT})\b",
    "span_on": rf"\b(?P<number>{_NUMBER})\s+(?:of |or (?:two|three|so) |more )?(?P<unit>{_UNIT})\b"
    r"\s+(?:from (?:now|today)|hence|later|mas tarde|plus tard|spater|depois|or so|time|out|"
    r"tops|max|at least|minimum)\b",
    "span_alone": r"^\W*(?:maybe |about |like |at least |ok |unos |environ |etwa |uns )*"
    rf"(?P<number>{_NUMBER})\s+(?:of |more )?(?P<unit>{_UNIT})\W*$",
    "half": r"\b(?:half a year|half year|medio ano|un semestre|um semestre|halbe[sn]? jahr|"
    r"meio ano)\b",
    "week_from": rf"\b(?:(?P<number>{_NUMBER})\s+)?weeks? (?:from|on|after) "
    rf"(?P<weekday>{_any_of(WEEKDAYS)})\b",
    "next_unit": rf"\b(?:next|following|the next|proxim[oa]|la prochaine|le prochain|prochaine?|"
    r"nachste[nrms]?|naechste[nrms]?|kommende[nrms]?|(?:no |na )?proxim[oa]|que vem|this coming)"
    rf"\s+(?P<unit>{_UNIT})\b",
    "unit_next": rf"\b(?P<unit>{_UNIT})\s+(?:que viene|que vem|prochaine?|proxim[oa]|entrante|"
    r"seguinte|siguiente|d'apres|suivante?)\b",
    "end_unit": r"\b(?P<part>(?:at |by |until |till |past |after )?(?:the )?end of(?: the| this)?|"
    r"(?:a )?(?:fin|finales|final) de(?:l)?(?: la| este)?|(?:a la )?fin (?:du|de l'|de la|de)|"
    rf"ende (?:des|der|dieses|dieser)?|(?:no )?(?:fim|final) d[oae])\s*(?P<unit>{_UNIT})\b",
    "begin_unit": r"\b(?:(?:beginning|start) of (?:the |a )?|"
    r"(?:a )?(?:principios|comienzos|inicios) de(?:l)? |(?:en )?debut (?:du |de l'|de |d')|"
    r"(?:zum )?(?:anfang|beginn) (?:des |der )|"
    rf"(?:no )?(?:comeco|inicio) d[oae] )(?:new |nuevo |neuen |novo )?(?P<unit>{_UNIT})\b",
    "end_joined": r"\b(?P<unit>jahr|monat|quartal)s?(?:es|s)?ende\b",
    "quarter": r"\b(?:q|t)(?P<quarter>[1-4])\b(?:\s*(?P<year>20\d\d))?",
    "quarter_word": r"\b(?P<ordinal>first|1st|second|2nd|third|3rd|fourth|4th|primer|segundo|"
    r"tercer|cuarto|premier|1er|deuxieme|2e|troisieme|3e|quatrieme|4e|erste[ns]?|zweite[ns]?|"
    r"dritte[ns]?|vierte[ns]?|[1-4]\.|primeiro|terceiro|quarto)\s+"
    r"(?:quarter|trimestre|quartal)\b",
    "before_easter": rf"\b(?P<feast>{_any_of(BEFORE_EASTER)})\b",
    "easter": rf"\b(?:{_any_of(EASTER)})\b",
    "feast": rf"\b(?P<feast>{_any_of(FEASTS)})\b",
    "season": r"\b(?P<after>after|nach|apres|despues de|depois d[oe]|tras|once)?\s*"
    r"(?:(?:the|el|la|l'|dem|den|der|im|o|a|next|this|en|au|in|cet|este|esta) ?){0,2}\s*"
    rf"\b(?P<season>{_any_of(SEASONS)})\b(?!\s+(?:through|behind|short|apart|for|into))",
    "weekday_day": rf"\b(?P<weekday>{_any_of(WEEKDAYS)})\b\.?,?\s+(?:the |den |dem |dia |le |el )?"
    r"(?P<day>[0-3]?\d)(?:st|nd|rd|th|\.)?(?![\d/:]|\s*(?:am|pm|h|uhr|o'?clock)\b)",
    "weekday": rf"\b(?:(?P<next>next|proximo|nachste[nr]?)\s+)?(?P<weekday>{_any_of(WEEKDAYS)})\b",
    "overmorrow": r"\b(?:day after tomorrow|pasado manana|apres[- ]demain|ubermorgen|uebermorgen|"
    r"depois de amanha)\b",
    "tomorrow": r"\b(?:tomorrow|tmrw|tmr|manana|demain|morgen|amanha)\b",
    "day_of_month": r"\b(?:the|el|le|den|dem|am|dia|until|on the|bis zum)\s+(?P<day>[0-3]?\d)"
    r"(?:st|nd|rd|th|\.)(?![\d/])",
    "spanish_day": r"\b(?:el|hasta el|dia) (?:dia )?(?P<day>[0-3]?\d)\b(?!\s*(?:de\b|:|/|h\b|%))",
}
COMPILED: Final = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}

CUE: Final = re.compile(
    r"\b(?:back|return(?:s|ing)?|reopen\w*|until|till|til|to|through|thru|from|after|again|resume|"
    r"reach out|contact|check|call|text|try|email|in|on|by|vuelv\w+|volver\w*|regres\w+|hasta|"
    r"despues|a partir|partir|retour|reviens|revien\w*|jusqu\w*|apres|rappel\w+|recontact\w+|"
    r"zuruck|zurueck|wieder|bis|ab|nach|erst|volt\w+|retorn\w+|regresso|ate|apos|depois|al|au)\b"
    r"[^.!?\n]{0,28}$"
)
"""What stands before the day that counts, when a text names several."""
