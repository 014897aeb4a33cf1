"""Templates rendered without Liquid's interpreter: the same words, or Liquid is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.rendering.direct import LONGEST, direct
from followup_dispatcher.rendering.renderer import Renderer
from followup_dispatcher.rendering.variables import known
from followup_policy.errors import WordingError
from followup_policy.wording import MailEnvironment, TextEnvironment

TEXT, MAIL = TextEnvironment(), MailEnvironment()

WORDS = st.text(st.sampled_from("ab .\n\r\té€😀'\"{}%|-"), max_size=12)
NAMES = st.sampled_from(["first_name", "need", "size", "first", "nick", "now"])
GROUPS = st.sampled_from(["person", "lead", "lead.attributes", "nobody", "now", "step"])
VALUES = st.one_of(
    WORDS, st.none(), st.booleans(), st.integers(), st.lists(WORDS, max_size=2), st.floats()
)
OUTPUTS = st.builds(
    "{{{0} {1}{2}{3} {4}}}}}".format,
    st.sampled_from(["{", "{-"]),
    GROUPS,
    st.one_of(st.just(""), NAMES.map(".{}".format), NAMES.map("['{}']".format)),
    st.sampled_from(
        [
            "",
            " | default: 'there'",
            ' | default: "it\'s"',
            " | default: ''",
            " | default: 7",
            " | default: person.nick",
            " | default: 'x', allow_false: true",
            " | upcase",
            " | default: 'x' | upcase",
        ]
    ),
    st.sampled_from(["", "-"]),
)
PIECES = st.one_of(
    st.text(st.sampled_from("Hi, ab\n\té€😀'\"."), max_size=8),
    OUTPUTS,
    st.just("{% if lead.need %}yes{% endif %}"),
    st.just("{% assign nick = 'x' %}"),
)
PERSONS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(
    st.lists(PIECES, max_size=6).map("".join),
    PERSONS,
    PERSONS,
    st.one_of(PERSONS, WORDS, st.none()),
)
def test_what_is_said_directly_is_what_liquid_says(source, person, lead, attributes):
    """Whatever the template and the values are."""
    variables = known({"person": person, "lead": {**lead, "attributes": attributes}, "step": "a"})
    for environment in (TEXT, MAIL):
        template = environment.from_string(source)
        line = direct(template)
        said = line and line.render(variables)
        if said is not None:
            assert said == template.render(variables)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", ""),
        ("Is tomorrow good?", "Is tomorrow good?"),
        ("Hi {{ person.first_name }}!", "Hi Dana <b>!"),
        ("Hi {{ person.nick | default: 'there' }}, {{- lead.need -}} ?", "Hi there,a roof?"),
        ("{{ lead.attributes['kind of roof'] | default: \"flat\" }}", "slate"),
    ],
)
def test_texts_between_words_need_no_interpreter(source, words):
    """Names, defaults that are words, whitespace control and names in brackets."""
    lead = {"need": "a roof", "attributes": {"kind of roof": "slate"}}
    line = direct(TEXT.from_string(source))
    assert line is not None
    assert line.render({"person": {"first_name": "Dana <b>"}, "lead": lead}) == words


@pytest.mark.parametrize(
    "source",
    [
        "{% if lead.need %}a{% endif %}",
        "{{ person.first_name | upcase }}",
        "{{ 'a' }}",
        "{{ now }}",
        "{{ person.nicks.first }}",
        "{{ person[lead.need] }}",
        "{{ person.nick | default: lead.need }}",
        "{{ person.a }}" * 101,
    ],
)
def test_what_does_more_is_left_to_liquid(source):
    """Tags, filters, names of the library's own, and paths that have to be worked out."""
    assert direct(TEXT.from_string(source)) is None


@pytest.mark.parametrize("value", ["", " ", "a\r\nb", 7, True, ["a"], {"a": "b"}, None])
def test_what_is_no_plain_text_is_left_to_liquid(value):
    """Numbers, lists, blanks, and line ends that Liquid writes in its own way."""
    line = direct(TEXT.from_string("{{ person.first_name | default: 'x' }}"))
    assert line is not None
    assert line.render({"person": {"first_name": value}}) is None


def test_what_may_be_too_long_is_left_to_liquid():
    """Its limits are in octets, and a letter may have four."""
    line = direct(TEXT.from_string("{{ person.first_name }}"))
    assert line is not None
    assert line.render({"person": {"first_name": "a" * LONGEST}}) == "a" * LONGEST
    assert line.render({"person": {"first_name": "a" * (LONGEST + 1)}}) is None


def test_what_needs_escaping_is_left_to_liquid():
    """HTML has its values escaped."""
    assert direct(MailEnvironment(autoescape=True).from_string("{{ person.first_name }}")) is None


def test_a_name_without_a_value_still_stops_the_touch():
    """By its name, whichever way the template goes."""
    found = Renderer().render(
        {"text": "Hi {{ person.nick }}"}, {"person": {}}, channel="sms", hash="h"
    )
    assert found == Renderer().render(
        {"text": "Hi {{ person.nick }}{% comment %}{% endcomment %}"},
        {"person": {}},
        channel="sms",
        hash="h",
    )
    with pytest.raises(WordingError):
        TEXT.from_string("Hi {{ person.nick }}").render({"person": {}})
