"""Rendering: what marketers write comes out, and a bad template stops its touch alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processor import work

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.errors import Unrenderable
from followup_dispatcher.rendering.renderer import Renderer

AT = "2026-03-03T10:05:00+01:00"
DOUBLE = "{% assign a = a | append: a %}"
VARIABLES = {
    "person": {"first_name": "Dana <b>", "age": 41},
    "lead": {
        "need": "a new roof",
        "attributes": {"rooms": [1, 2, 3], "at": "2026-03-03T10:05:00+01:00"},
    },
    "business": {"name": "Häuser & Co", "agent": "Ray"},
    "links": {"book": "https://book.example/x?a=1&b=2"},
}


def render(text, *, channel="sms", variables=VARIABLES, **parts):
    return Renderer().render({"text": text, **parts}, variables, channel=channel, hash="h")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("Hi {{ person.first_name }}, {{ lead.need }}?", "Hi Dana <b>, a new roof?"),
        ("Hi {{ person.nick | default: 'there' }}!", "Hi there!"),
        ("{% if person.nick %}A{% else %}B{% endif %}", "B"),
        ("{% unless person.nick %}B{% endunless %}", "B"),
        ("{% if person.nick > 3 %}A{% endif %}B", "B"),
        ("{% if person.nick != nil %}A{% endif %}B", "B"),
        ("{% if person.nick == nil %}B{% endif %}", "B"),
        ("{% if person.nick == 'Dee' %}A{% else %}B{% endif %}", "B"),
        ("{% if person.nick contains 'D' %}A{% else %}B{% endif %}", "B"),
        ("{% case person.nick %}{% when 'a' %}A{% else %}B{% endcase %}", "B"),
        ("{% assign nick = person.nick | default: 'you' %}{{ nick }}", "you"),
        ("{{ lead.attributes.at | date: '%A, %-d %B at %H:%M' }}", "Tuesday, 3 March at 10:05"),
        ("{{ lead.attributes.at | date: '%H:%M', 'America/New_York' }}", "04:05"),
        ("{{ '2026-03-03' | date: '%-d/%-m' }}", "3/3"),
        ("{% for r in lead.attributes.rooms %}{{ r }}{% endfor %}", "123"),
        ("  a\n\n\n \n\nb  ", "a\n\nb"),
    ],
)
def test_what_is_written_comes_out(template, words):
    """Variables, defaults, conditions on what is missing, dates where they were written."""
    assert render(template) == Content(words)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("Hi {{ person.nick }}", "person.nick"),
        ("Hi {{ nick }}", "nick"),
        ("{{ lead.attributes.quote.price }}", "lead.attributes.quote"),
        ("{{ person.nick | upcase }}", "person.nick"),
        ("{{ 'Hi ' | append: person.nick }}", "person.nick"),
        ("{{ person.nick | date: '%d' }}", "person.nick"),
        ("{% for x in person.nicks %}{{ x }}{% endfor %}", "person.nicks"),
        ("{{ person.nick | strip | default: 'x' }}", "person.nick"),
        ("{{ person.nick.size }}", "person.nick"),
        ("{{ lead.attributes.rooms | join: person.nick }}", "person.nick"),
        ("{{ lead.need | replace: 'a', person.nick }}", "person.nick"),
        ("{% if person.nick != blank %}{{ person.nick }}{% endif %}", "person.nick"),
    ],
)
def test_a_missing_variable_stops_the_touch_by_its_name(template, name):
    """Nobody gets a "Hi ," or a price that is not there."""
    assert render(template) == Unrenderable("missing_variable", name)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ person.first_name", "template_syntax"),
        ("{% if %}", "template_syntax"),
        ("{{ 'x' | nosuchfilter }}", "template_error"),
        ("{{ 'x' | safe }}", "template_error"),
        ("{% include 'secrets' %}", "template_syntax"),
        ("{% render 'secrets' %}", "template_syntax"),
        ("{{ 1 | divided_by: 0 }}", "template_error"),
        ("{{ 'soon' | date: '%d' }}", "template_error"),
        ("{{ 'now' | date: '%d' }}", "template_error"),
        ("{{ lead.attributes.at | date: '%99999999d' }}", "template_error"),
        ("{{ lead.attributes.at | date: '%d', '../../etc/passwd' }}", "template_error"),
        ("{{ lead.attributes.at | date: '%d', 'Mars/Base' }}", "template_error"),
        ("", "empty"),
        ("{% if person.nick %}x{% endif %} ", "empty"),
        ("x" * 20_001, "template_shape"),
    ],
)
def test_a_bad_template_is_told_by_its_code(template, code):
    """The reason names the part, and quotes neither value nor template."""
    answer = render(template)
    assert isinstance(answer, Unrenderable)
    assert answer.code == code
    assert "Dana" not in answer.reason


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in (1..1000000000) %}x{% endfor %}",
        "{% for a in (1..90) %}{% for b in (1..90) %}x{% endfor %}{% endfor %}",
        "{% assign a = 'x' %}{% for i in (1..40) %}" + DOUBLE + "{% endfor %}",
        "{% assign a = 'x' %}" + DOUBLE * 40,
        "{% assign a = 'x' %}" + DOUBLE * 16 + "{{ a | replace: '', a }}",
        "{% assign a = 'x' %}" + DOUBLE * 16 + "{% assign l = a | split: '' %}{{ l | join: a }}",
        "{% assign a = 9 %}{% for i in (1..60) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
        "{% for a in (1..90) %}" + "x" * 200 + "{% endfor %}",
        "{% assign a = 'abcdefghij' %}"
        + DOUBLE * 12
        + "{% for i in (1..100) %}"
        + "{% assign t = a | replace: 'ab', 'ba' | upcase | size %}" * 200
        + "{% endfor %}",
        "{% for i in (1..100) %}" + "{% assign t = 'a' | upcase | size %}" * 500 + "{% endfor %}",
        "{% if true %}" * 40 + "x" + "{% endif %}" * 40,
    ],
)
def test_a_template_that_would_eat_the_machine_is_stopped(template):
    """Within a second of the processor's, whatever it multiplies."""
    with work() as cost:
        answer = render(template)
    assert isinstance(answer, Unrenderable)
    assert answer.code == "template_limit"
    assert cost.seconds < 1


def test_an_e_mail_has_subject_text_and_escaped_html():
    """A lead's own words cannot become markup; the subject is one line."""
    content = render(
        "Hi {{ person.first_name }}",
        channel="email",
        subject="A word,\r\nBcc: x@y.example {{ person.first_name }}",
        html="<p>{{ person.first_name }} <a href='{{ links.book }}'>{{ business.name }}</a></p>",
    )
    assert content == Content(
        text="Hi Dana <b>",
        subject="A word, Bcc: x@y.example Dana <b>",
        html="<p>Dana &lt;b&gt; <a href='https://book.example/x?a=1&amp;b=2'>"
        "Häuser &amp; Co</a></p>",
    )


@pytest.mark.parametrize("missing", ["subject", "text"])
def test_an_e_mail_without_subject_or_text_stops(missing):
    """HTML alone is no mail."""
    parts = {"subject": "s", "text": "t", "html": "<p>h</p>"}
    parts.pop(missing)
    answer = Renderer().render(parts, VARIABLES, channel="email", hash="h")
    assert isinstance(answer, Unrenderable)
    assert answer.code == "template_shape"


def test_a_call_has_a_script_and_may_have_another_for_machines():
    """Parts of other channels are left alone."""
    content = render(
        "Hello", channel="voice", voicemail="Call {{ business.agent }}", html="{{ x }}"
    )
    assert content == Content("Hello", voicemail="Call Ray")


@given(
    st.lists(
        st.sampled_from(
            [
                "upcase", "downcase", "capitalize", "strip", "strip_html", "strip_newlines",
                "newline_to_br", "escape", "escape_once", "url_encode", "url_decode", "squish",
                "truncate: 30", "truncatewords: 5", "split: ' ' | join: ' '", "append: 'x'",
                "prepend: 'x'", "remove: 'zz'", "replace: 'zz', 'y'", "slice: 0, 60", "lstrip",
                "rstrip", "replace_first: 'zz', 'y'", "default: 'x'", "escapejs", "first",
                "split: '' | reverse | reverse | join: ''", "split: 'q' | first", "last",
            ]
        ),
        max_size=5,
    ),
    st.sampled_from(
        ["<script>alert(1)</script>", "<img src=x onerror=y>", "%3Cscript%3E", "<b", "&lt;i&gt;"]
    ),
)  # fmt: skip
def test_no_chain_of_filters_turns_a_value_into_markup(filters, value):
    """In HTML what a lead typed stays text."""
    chain = "".join(f" | {name}" for name in filters)
    content = Renderer().render(
        {"subject": "s", "text": "t", "html": "{{ v" + chain + " }}"},
        {"v": value},
        channel="email",
        hash="h",
    )
    if isinstance(content, Content):
        bare = (content.html or "").replace("<br />", "").replace("<BR />", "")
        assert "<" not in bare, content.html


def test_a_parsed_template_is_kept_by_its_hash_and_part():
    """Same hash, same words; the oldest is let go of."""
    renderer = Renderer(kept=1)
    for _ in range(2):
        for number in range(3):
            content = renderer.render(
                {"text": f"no. {number}"}, {}, channel="sms", hash=f"{number}"
            )
            assert content == Content(f"no. {number}")


HUGE = "(1..9000000000000)"
LETTERS = "".join(map(chr, range(0x4E00, 0x4E00 + 15_000)))


@pytest.mark.parametrize(
    "template",
    [
        f"{{{{ {HUGE} | join: ',' }}}}",
        f"{{{{ {HUGE} | reverse | size }}}}",
        f"{{% assign r = {HUGE} %}}{{% if r contains 'x' %}}a{{% endif %}}b",
        f"{{% if {HUGE} contains 'x' %}}a{{% endif %}}b",
        f"{{% unless 1 %}}{{% elsif {HUGE} contains 'x' %}}a{{% endunless %}}b",
        f"{{% for i in {HUGE} limit: 1 offset: 8000000000000 %}}{{{{ i }}}}{{% endfor %}}b",
        f"{{% for i in (1..2) %}}{{% case {HUGE} %}}{{% when 1 %}}a{{% endcase %}}{{% endfor %}}b",
        f"{{{{ 'a' | replace: 'a', 'b' | append: 'c' | default: {HUGE} }}}}",
        f"{{% liquid assign r = {HUGE} | last %}}b",
        "{% assign n = 9000000000000 %}{{ (n..1) }}{{ (1..n) | last }}",
        f"{{% assign a = '{LETTERS}' | split: '' %}}b",
        f"{{% assign a = '{LETTERS[:2_000]}' | split: '' | uniq %}}b",
        f"{{% assign a = '{LETTERS[:5_000]}' | split: '' {'| sort ' * 100} %}}b",
    ],
)
def test_long_lists_and_ranges_stop_a_template_before_they_cost_time(template):
    """Nobody's template holds everybody up, however short it is."""
    with work() as cost:
        found = render(template)
    assert isinstance(found, Unrenderable)
    assert found.code == "template_limit"
    assert cost.seconds < 1


def test_short_lists_and_ranges_are_what_they_were():
    """What people write goes on as before."""
    template = "{% for i in (2..4) %}{{ i }}{% endfor %}{{ 'b,a,b' | split: ',' | uniq | sort }}"
    assert render(template) == Content("234ab")
