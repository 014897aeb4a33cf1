"""Words that are no template, in a place where templates are read."""

from hypothesis import example, given
from hypothesis import strategies as st

from followup_policy.wording import MailEnvironment, TextEnvironment, literal

_PIECES = st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "-", " raw ", "'", "a"])


@given(st.lists(_PIECES, max_size=30).map("".join))
@example("{% endraw %}{{ person.first_name }}")
@example("{{ '{{' }}")
@example("{%- comment -%}")
@example("{{{%")
def test_words_come_out_as_they_went_in(words):
    """Whatever they look like: no braces of theirs are read, and none are lost."""
    for environment in (TextEnvironment(), MailEnvironment()):
        assert environment.from_string(literal(words)).render() == words
