"""What most rows hold is read at once, and as the careful reading would have it.

A blank behind a word makes it a cell that is not read at once, and means nothing.
"""

from hypothesis import example, given
from hypothesis import strategies as st

from followup_intake.core.cells import PLACEHOLDERS, word_set
from followup_intake.core.companies import COMPANY_WORDS
from followup_intake.core.given_names import given_names
from followup_intake.core.names import is_plain, not_names, read_name, read_parts

# Words of the patterns that companies, couples and the like are known by.
PATTERNS = word_set(
    "Dba Ta And Und Et Of From The At Bei Chez With City Friends Sons Hijos Soehne Fils Bros "
    "Daughters Mr Drmed Profdr Test Lead Name Caller Junior Esq Von De La McDonald DeShawn Ii"
)
VOCABULARY = sorted(
    word.title() for word in not_names() | COMPANY_WORDS | PLACEHOLDERS | given_names()
)
WORDS = (
    st.sampled_from(VOCABULARY)
    | st.sampled_from(sorted(PATTERNS))
    | st.from_regex(r"[A-Z][a-z]{1,8}([A-Z][a-z]{1,6})?", fullmatch=True)
)


@given(WORDS, WORDS)
@example("Law", "Church")
@example("And", "Sons")
@example("Dba", "Rossi")
def test_a_plain_name_is_read_as_a_careful_reader_would(first, last):
    """In one cell or in two, whatever words it is made of."""
    assert read_name(f"{first} {last}") == read_name(f"{first} {last} ")
    assert read_parts(first, last) == read_parts(f"{first} ", f"{last} ")


@given(WORDS)
def test_a_single_plain_word_is_read_as_a_careful_reader_would(word):
    """As a whole name, as a first name, and as a last name alone."""
    assert read_name(word) == read_name(f"{word} ")
    assert read_parts(word, "") == read_parts(f"{word} ", "")
    assert read_parts("", word) == read_parts("", f"{word} ")


def test_ordinary_names_are_read_at_once_and_vocabulary_is_not():
    """Or the short way would be none, or too short."""
    assert all(is_plain(word) for word in ("Ada", "Byron", "McDonald", "Robin", "Smith"))
    telling = ("Llc", "Dr", "Test", "Plumbing", "Junior", "ADA", "ada", "O'Neil", "José", "A")
    assert not any(is_plain(word) for word in telling)
