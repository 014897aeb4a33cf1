"""Reading people's names, and telling them from companies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.cells import tidy
from followup_intake.core.names import read_name, read_parts


def _pair(cell):
    reading = read_name(tidy(cell))
    return reading.first, reading.last


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("Sam Lake", "Sam", "Lake"),
        ("  Sam\xa0  Lake ", "Sam", "Lake"),
        ("Lake, Sam", "Sam", "Lake"),
        ("Lake, Sam Jr.", "Sam", "Lake"),
        ("Dr. Sam Lake", "Sam", "Lake"),
        ("Prof. Dr. Sam Lake", "Sam", "Lake"),
        ("Mrs Sam Lake", "Sam", "Lake"),
        ("Sam Lake III", "Sam", "Lake"),
        ("Sam Lake, Ph.D.", "Sam", "Lake"),
        ("Sam Q. Lake", "Sam", "Lake"),
        ("Lake, Sam Q.", "Sam", "Lake"),
        ('Sam "Skip" Lake', "Sam", "Lake"),
        ("\U0001f525 Sam \U0001f1fa\U0001f1f8 Lake \u2764\ufe0f", "Sam", "Lake"),
        ("\U0001d4e2\U0001d4ea\U0001d4f6 \U0001d4db\U0001d4ea\U0001d4f4\U0001d4ee", "Sam", "Lake"),
        ("John & Mary Lake", "John", "Lake"),
        ("Mr. Lake", None, "Lake"),
    ],
)
def test_titles_suffixes_and_ornaments_are_taken_off(cell, first, last):
    """What stands around a name is not the name."""
    assert _pair(cell) == (first, last)


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("Mary Beth Lake", "Mary Beth", "Lake"),
        ("Juan Carlos Pérez Gómez", "Juan Carlos", "Pérez Gómez"),
        ("Inés Pérez Gómez", "Inés", "Pérez Gómez"),
        ("Piet van den Berg", "Piet", "van den Berg"),
        ("Ana de la Fuente", "Ana", "de la Fuente"),
        ("van den Berg, Piet", "Piet", "van den Berg"),
        ("Jean-Paul du Lac", "Jean-Paul", "du Lac"),
        ("Suharto", "Suharto", None),
    ],
)
def test_particles_and_second_surnames_belong_to_the_last_name(cell, first, last):
    """A second given name belongs to the first name, everything else to the last."""
    assert _pair(cell) == (first, last)


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("SAM LAKE", "Sam", "Lake"),
        ("sam lake", "Sam", "Lake"),
        ("MCKAY, SEAN", "Sean", "McKay"),
        ("sean o'casey", "Sean", "O'Casey"),
        ("ANNE-LAURE D'ORSAY", "Anne-Laure", "D'Orsay"),
        ("JAN VAN 'T VEER", "Jan", "van 't Veer"),
        ("ANA DE LA FUENTE", "Ana", "de la Fuente"),
        ("paul le grand", "Paul", "Le Grand"),
        ("FIONA MACKENZIE", "Fiona", "MacKenzie"),
        ("LUCY MACK", "Lucy", "Mack"),
        ("DEANDRE LAKE", "DeAndre", "Lake"),
        ("ÉLODIE GARÇON", "Élodie", "Garçon"),
        ("sam LAKE", "sam", "LAKE"),
        ("tom", "tom", None),
        ("TOM", "Tom", None),
        ("sam_lake23", "sam_lake23", None),
    ],
)
def test_one_case_throughout_is_capitalised_and_others_are_left(cell, first, last):
    """Capitals go where such names have them; a single small word is how someone signs."""
    assert _pair(cell) == (first, last)


@pytest.mark.parametrize(
    ("cell", "first", "last", "company"),
    [
        ("Sam Lake (Example Motors Ltd)", "Sam", "Lake", "Example Motors Ltd"),
        ("Example Motors Ltd - Sam Lake", "Sam", "Lake", "Example Motors Ltd"),
        ("Example Bistro / Sam Lake", "Sam", "Lake", "Example Bistro"),
        ("Sam Lake, Example Plumbing LLC", "Sam", "Lake", "Example Plumbing LLC"),
        ("Sam Lake @ Example Plumbing", "Sam", "Lake", "Example Plumbing"),
        ("Example Plumbing", None, None, "Example Plumbing"),
        ("Hill Street Chiropractic, PC", None, None, "Hill Street Chiropractic, PC"),
        ("5th St Auto Repair", None, None, "5th St Auto Repair"),
        ("Lake & Sons", None, None, "Lake & Sons"),
        ("City of Example", None, None, "City of Example"),
        ("Charlotte Church", "Charlotte", "Church", None),
    ],
)
def test_a_company_is_no_person(cell, first, last, company):
    """A business beside the name is set apart; alone it leaves the name empty."""
    reading = read_name(cell)
    assert (reading.first, reading.last, reading.company) == (first, last, company)


@pytest.mark.parametrize(
    "cell", ["", "N/A", "-", "?", "unknown", "5551234", "sam@example.com", "☺"]
)
def test_nobody_is_named(cell):
    """Fillers, numbers and addresses are no names."""
    assert _pair(cell) == (None, None)


def test_first_and_last_name_may_come_apart():
    """Two cells are read as one name, in whatever case each is."""
    assert read_parts("MARY BETH", "LAKE") == read_name("Mary Beth Lake")
    assert read_parts("Dr. Sam", "Lake Jr.").last == "Lake"
    assert read_parts("Claire", "DUPONT") == read_name("Claire Dupont")
    assert read_parts("jürgen", "VAN DER MEER") == read_name("Jürgen van der Meer")
    assert read_parts("ada", "Lovelace") == read_name("ada Lovelace")
    assert (read_parts("JD", "Smith").first, read_parts("JD", "Smith").last) == ("JD", "Smith")
    assert (read_parts("", "Lake").first, read_parts("", "Lake").last) == (None, "Lake")


@given(st.text(max_size=80))
def test_any_text_is_read_and_reading_again_changes_nothing_more(text):
    """No cell raises; what came out as first and last name holds no stray blanks."""
    reading = read_name(tidy(text))
    for part in (reading.first, reading.last):
        assert part is None or (part == " ".join(part.split()) and part)
