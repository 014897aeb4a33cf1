"""The words for months, weekdays, spans and feasts in five languages, folded."""

from typing import Final

_MONTH_NAMES: Final = (
    "january jan enero ene janvier janv januar janner janeiro",
    "february feb febrero fevrier fevr februar fevereiro fev",
    "march mar marzo mars marz maerz marco",
    "april apr abril abr avril avr",
    "may mayo mai maio",
    "june jun junio juin juni junho",
    "july jul julio juillet juil juli julho",
    "august aug agosto ago aout",
    "september sept sep septiembre setiembre septembre setembro set",
    "october oct octubre octobre oktober okt outubro out",
    "november nov noviembre novembre novembro",
    "december dec diciembre dic decembre dezember dez dezembro",
)
MONTHS: Final = {
    name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()
}

_WEEKDAY_NAMES: Final = (
    "monday mon lunes lundi montag segunda segunda-feira",
    "tuesday tue tues martes mardi dienstag terca terca-feira",
    "wednesday wed miercoles mercredi mittwoch quarta quarta-feira",
    "thursday thu thur thurs jueves jeudi donnerstag quinta quinta-feira",
    "friday fri viernes vendredi freitag sexta sexta-feira",
    "saturday sat sabado samedi samstag sonnabend",
    "sunday sun domingo dimanche sonntag",
)
WEEKDAYS: Final = {
    name: number for number, names in enumerate(_WEEKDAY_NAMES) for name in names.split()
}

NUMBERS: Final = {
    **{str(number): number for number in range(1, 100)},
    **dict.fromkeys(
        [
            "a",
            "an",
            "one",
            "un",
            "una",
            "uno",
            "une",
            "ein",
            "eine",
            "einer",
            "einem",
            "einen",
            "um",
            "uma",
        ],
        1,
    ),
    **dict.fromkeys(["two", "dos", "deux", "zwei", "dois", "duas", "couple", "par", "paar"], 2),
    **dict.fromkeys(
        ["three", "tres", "trois", "drei", "few", "several", "algunas", "algunos", "unas", "unos"],
        3,
    ),
    **dict.fromkeys(["quelques", "einigen", "alguns", "algumas"], 3),
    **dict.fromkeys(["four", "cuatro", "quatre", "vier", "quatro"], 4),
    **dict.fromkeys(["five", "cinco", "cinq", "funf", "fuenf"], 5),
    **dict.fromkeys(["six", "seis", "sechs"], 6),
    **dict.fromkeys(["seven", "siete", "sept", "sieben", "sete"], 7),
    **dict.fromkeys(["eight", "ocho", "huit", "acht", "oito"], 8),
    **dict.fromkeys(["nine", "nueve", "neuf", "neun", "nove"], 9),
    **dict.fromkeys(["ten", "diez", "dix", "zehn", "dez"], 10),
    **dict.fromkeys(["twelve", "doce", "douze", "zwolf", "doze"], 12),
    **dict.fromkeys(["fifteen", "quince", "quinze"], 15),
    "twenty": 20,
    "thirty": 30,
}

DAY: Final = "day"
WEEK: Final = "week"
MONTH: Final = "month"
FORTNIGHT: Final = "fortnight"
YEAR: Final = "year"
QUARTER: Final = "quarter"
UNITS: Final = {
    **dict.fromkeys(["day", "days", "dia", "dias", "jour", "jours", "tag", "tage", "tagen"], DAY),
    **dict.fromkeys(
        [
            "week",
            "weeks",
            "wk",
            "wks",
            "semana",
            "semanas",
            "semaine",
            "semaines",
            "woche",
            "wochen",
        ],
        WEEK,
    ),
    **dict.fromkeys(
        ["fortnight", "fortnights", "quincena", "quincenas", "quinzaine", "quinzena"], FORTNIGHT
    ),
    **dict.fromkeys(
        ["month", "months", "mes", "meses", "mois", "monat", "monate", "monaten", "monats"], MONTH
    ),
    **dict.fromkeys(
        ["quarter", "quarters", "trimestre", "trimestres", "quartal", "quartale"], QUARTER
    ),
    **dict.fromkeys(
        [
            "year",
            "years",
            "yr",
            "yrs",
            "ano",
            "anos",
            "an",
            "ans",
            "annee",
            "annees",
            "jahr",
            "jahre",
            "jahren",
            "jahres",
        ],
        YEAR,
    ),
}

SEASONS: Final = {
    # The day from which a season named as "in the spring" has begun (northern half).
    **dict.fromkeys(
        ["spring", "primavera", "printemps", "fruhjahr", "fruhling", "fruehjahr"], (3, 20)
    ),
    **dict.fromkeys(["summer", "verano", "ete", "sommer", "verao"], (6, 21)),
    **dict.fromkeys(["autumn", "fall", "otono", "automne", "herbst", "outono"], (9, 22)),
    **dict.fromkeys(["winter", "invierno", "hiver", "inverno"], (12, 21)),
}
SEASON_ENDS: Final = {
    # "After the summer" is when people are back at work, not the equinox.
    (3, 20): (6, 21),
    (6, 21): (9, 1),
    (9, 22): (12, 21),
    (12, 21): (3, 20),
}

EASTER: Final = frozenset({"easter", "pascua", "semana santa", "paques", "ostern", "pascoa"})
BEFORE_EASTER: Final = {
    # Days from the end of it to Easter Sunday: Ash Wednesday is when people are back.
    **dict.fromkeys(["carnaval", "carnival", "mardi gras", "karneval", "fasching"], 46),
}
FEASTS: Final = {
    # The first working day, as a rule, behind what people mean by it.
    **dict.fromkeys(
        ["christmas", "xmas", "navidad", "navidades", "noel", "weihnachten", "natal"], (12, 27)
    ),
    **dict.fromkeys(["holidays", "fiestas", "fetes", "feiertagen", "feiertage", "festas"], (1, 2)),
    **dict.fromkeys(["thanksgiving"], (11, 30)),
    # On a Monday each year anew; by these days they are over.
    **dict.fromkeys(["memorial day"], (6, 1)),
    **dict.fromkeys(["labor day", "labour day"], (9, 8)),
    **dict.fromkeys(["tax day", "tax season"], (4, 16)),
    **dict.fromkeys(["halloween"], (11, 1)),
    **dict.fromkeys(["valentines", "valentine's", "san valentin", "saint-valentin"], (2, 15)),
    **dict.fromkeys(["rentree", "back to school", "schulanfang"], (9, 1)),
    **dict.fromkeys(["new year", "new years", "ano nuevo", "nouvel an"], (1, 2)),
    **dict.fromkeys(["neujahr", "neuen jahr", "neues jahr", "ano novo"], (1, 2)),
    **dict.fromkeys(["reyes", "dia de reyes", "epiphany", "epiphanie", "dreikonig"], (1, 7)),
}
