"""Columns that a person says the meaning of, and the preview of what that gives."""

from datetime import date

import pytest

from followup_intake.core.columns import columns_of, field_of
from followup_intake.core.errors import WrongMapping
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.preview import preview
from followup_intake.core.table import read_table

TODAY = date(2026, 11, 18)
FILE = "Wer,Ruf 1,Ruf 2,Farbe,Intern\nAda Lovelace,(212) 555-0123,,blau,geheim\n"
MAPPING = {"wer": "name", "Ruf 1": "phone", "Farbe": "attribute:colour", "Intern": "ignore"}


def judged(mapping, content=FILE):
    table = read_table(content.encode(), mapping=mapping)
    return list(normalise_rows(table, today=TODAY, mapping=mapping))


def test_a_mapping_makes_a_table_of_headings_nobody_knows():
    """Fields, attributes under another name, and columns that are left out."""
    (row,) = judged(MAPPING)
    assert (row.lead.first_name, row.lead.phone_e164) == ("Ada", "+12125550123")
    assert row.lead.attributes == {"colour": "blau"}


def test_a_mapped_column_is_the_main_one_of_its_field():
    """Against a column that only looks like it."""
    content = "Phone,Other number\n(212) 555-0123,(212) 555-0199\n"
    (row,) = judged({"Other number": "phone"}, content)
    assert row.lead.phone_e164 == "+12125550199"


@pytest.mark.parametrize(
    ("mapping", "heading"),
    [
        ({"wer": "name", "Gibtsnicht": "phone"}, "Gibtsnicht"),
        ({"wer": "nombre"}, "wer"),
        ({"wer": "attribute:"}, "wer"),
    ],
    ids=["no such column", "no such field", "no name for the attribute"],
)
def test_a_mapping_that_cannot_be_followed_is_refused(mapping, heading):
    """With the heading it is wrong about, and before any row."""
    with pytest.raises(WrongMapping) as caught:
        judged(mapping)
    assert caught.value.heading == heading


def test_a_preview_tells_how_each_column_is_read():
    """Field, attribute or neither; the first rows; verdicts counted."""
    table = read_table(FILE.encode(), mapping=MAPPING)
    seen = preview(table, today=TODAY, default_country="US", mapping=MAPPING)
    read = [(c["heading"], c["field"], c["attribute"]) for c in seen["columns"]]
    assert read == [
        ("Wer", "name", None),
        ("Ruf 1", "phone", None),
        ("Ruf 2", None, "Ruf 2"),
        ("Farbe", None, "colour"),
        ("Intern", None, None),
    ]
    assert [row["phone_e164"] for row in seen["rows"]] == ["+12125550123"]
    assert seen["counted"] == sum(seen["verdicts"].values()) == 1


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Tel. (mobil)", "phone"),
        ("Wie haben Sie von uns erfahren?", "source"),
        ("Dürfen wir Sie anrufen?", "consent"),
        ("Eingangsdatum", "received_at"),
        ("Auftragswert (€)", "value"),
        ("Adresse courriel", "email"),
        ("N° de téléphone", "phone"),
        ("Date de la demande", "received_at"),
        ("Pouvons-nous vous rappeler ?", "consent"),
        ("Comment nous avez-vous connus ?", "source"),
        ("Teléfono móvil", "phone"),
        ("¿Cómo nos conoció?", "source"),
        ("Presupuesto", "value"),
        ("Anrede", None),
        ("Comment", "notes"),
        ("En quoi pouvons-nous vous aider ?", None),
        ("Wann dürfen wir Sie anrufen?", None),
        ("When can we call you?", None),
    ],
)
def test_headings_of_other_languages_are_known(heading, field):
    """As forms and spreadsheets in German, French and Spanish write them."""
    assert field_of(heading) == field


def test_a_field_by_its_own_name_goes_before_a_question_that_sounds_like_it():
    """A refusal in the column of consent is not covered by an answer that stands before it."""
    header = ["Name", "E-Mail", "Dürfen wir Sie vormittags anrufen?", "Einwilligung"]
    row = ["Ada Lovelace", "ada@example.com", "Ja, ab 10 Uhr", "Nein"]
    columns = columns_of(header)
    assert columns.index["consent"] == header.index("Einwilligung")
    table = read_table("\n".join(";".join(line) for line in (header, row)).encode())
    seen = preview(table, today=TODAY, default_country="DE", mapping={})
    assert [lead["consent"] for lead in seen["rows"]] == ["no"]
