"""What a text costs that was written to cost something, and what is left of markup."""

import pytest
from processor import work

from followup_scheduler.lint import prose
from followup_scheduler.lint.readings import Reading, readings

MANY = 30_000


@pytest.mark.parametrize(
    "look",
    [
        lambda: Reading("<head" * MANY).seen,
        lambda: Reading("<!--" * MANY).seen,
        lambda: Reading("<style>" * MANY).seen,
        lambda: Reading("<" * MANY).seen,
        lambda: Reading("<br" * MANY).seen,
        lambda: Reading("\ue010" * MANY).own,
        lambda: readings("{% raw %}" + "{{a|" * MANY + "{% endraw %}"),
        lambda: prose.sentences("!" * MANY + "a"),
        lambda: prose.sentences("a" * MANY + " b. c"),
    ],
)
def test_a_text_is_looked_through_once(look):
    """Not once for each place where something may begin that never ends."""
    with work() as cost:
        look()
    assert cost.seconds < 1.0


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<style>p{}</style><p>Hi<br>you</p><!-- no --> a < b", ["Hi", "you", "a", "<", "b"]),
        ("<HEAD><title>no</title></HEAD >yes<script>no</script >", ["yes"]),
        ("<style>a</p>b", ["a", "b"]),
    ],
)
def test_what_is_seen_of_markup(markup, words):
    """Text stays, markup and what it hides goes; what never ends hides nothing."""
    assert Reading(markup).seen.words.split() == words


def test_a_fault_in_a_part_that_is_seldom_said_is_told():
    """A division by nought where nothing is known is a finding, not a failure of ours."""
    source = "{% if lead.need %}a{% else %}{{ 1 | divided_by: 0 }}{% endif %}"
    assert readings(source).fault is not None
