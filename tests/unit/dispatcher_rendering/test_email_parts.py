"""What the law adds to an e-mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.email_parts import (
    letter_headers,
    returning_headers,
    unsubscribe_headers,
    with_footer,
)

URL = "https://follow.example/u/abc"
ADDRESS = "1 Main St, Springfield, IL 62701"


def test_one_click_goes_with_an_https_address():
    """RFC 8058 wants https; a mailbox may stand beside it, and alone."""
    assert unsubscribe_headers(URL) == {
        "List-Unsubscribe": f"<{URL}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert unsubscribe_headers("http://localhost:8000/u/a") == {
        "List-Unsubscribe": "<http://localhost:8000/u/a>"
    }
    assert unsubscribe_headers(None) == {}
    addresses = {"answers": "r+1@in.example", "departures": "u+1@in.example"}
    mailto = "<mailto:u+1@in.example?subject=unsubscribe>"
    assert returning_headers({}, **addresses) == {
        "List-Unsubscribe": mailto,
        "Reply-To": "r+1@in.example",
    }
    both = returning_headers(unsubscribe_headers(URL), **addresses)
    assert both["List-Unsubscribe"] == f"<{URL}>, {mailto}"
    assert both["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_footer_says_who_wrote_and_how_to_stop_it():
    """In the text and, escaped, at the end of the HTML's body."""
    content = Content("Hi", html="<html><body><p>Hi</p></body></html>")
    footed = with_footer(content, business="Roof & Co", address=ADDRESS, url=URL)
    assert footed.text == f"Hi\n\n-- \nRoof & Co, {ADDRESS}\nUnsubscribe: {URL}"
    assert footed.html is not None
    assert footed.html.startswith("<html><body><p>Hi</p><p ")
    assert footed.html.endswith("</p></body></html>")
    assert f"Roof &amp; Co, {ADDRESS}<br>" in footed.html
    assert f'<a href="{URL}">' in footed.html


@pytest.mark.parametrize("lines", ["1 Main St,\nSpringfield, IL 62701", ADDRESS])
def test_what_the_template_has_is_not_said_twice(lines):
    """However it breaks the lines of the address."""
    words = f"Hi\n{lines}\nStop: {URL}"
    markup = f'<p>{lines}</p><a href="{URL}">stop</a>'
    content = Content(words, html=markup)
    assert with_footer(content, business="Roof & Co", address=ADDRESS, url=URL) == content


def test_only_what_is_missing_is_added():
    """The way out alone, or the sender alone."""
    told = Content(f"Hi, {ADDRESS}")
    footed = with_footer(told, business="Roof & Co", address=ADDRESS, url=URL)
    assert footed.text == f"Hi, {ADDRESS}\n\n-- \nUnsubscribe: {URL}"
    linked = Content(f"Hi {URL}")
    assert with_footer(linked, business="Roof & Co", address="", url=URL).text == (
        f"Hi {URL}\n\n-- \nRoof & Co"
    )


def test_a_letter_of_a_person_does_not_call_itself_automatic():
    """RFC 3834 section 5: only what no person wrote says so."""
    assert letter_headers(()) == {"Auto-Submitted": "auto-generated"}
    assert letter_headers(("<a@x>", "<b@y>"), by_hand=True) == {
        "In-Reply-To": "<b@y>",
        "References": "<a@x> <b@y>",
    }


@given(st.lists(st.integers(5, 250), min_size=1, max_size=40))
def test_references_fit_a_line_and_keep_both_ends(lengths):
    """However long the names of others' letters are: the last stays, and the first if it can."""
    thread = [f"<{n}{'x' * length}@y>" for n, length in enumerate(lengths)]
    headers = letter_headers(thread)
    named = headers["References"].split(" ")
    assert headers["In-Reply-To"] == named[-1] == thread[-1]
    assert len(headers["References"]) <= 900
    assert named == [name for name in thread if name in named]
