"""The pure parts of replies: ranks, forms, TwiML, words, keys."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.emails import match_key_email
from followup_replies.addresses import bare, match_key
from followup_replies.errors import Unfit
from followup_replies.states import CALL_RANKS, MESSAGE_RANKS, Report, call_result
from followup_replies.twilio import answers, forms
from followup_replies.voice.twiml import Connection, Voice
from followup_replies.words import said, words_of


@pytest.mark.parametrize(
    "address",
    [
        "Ada@Example.COM",
        "ada+tag@example.com",
        "+x@example.com",
        "STRASSE@bücher.example",
        "ß@x.de",
    ],
)
def test_people_are_found_by_the_key_intake_wrote(address):
    """Both services give an address the same key."""
    assert match_key("email", address) == match_key_email(address)


@given(st.emails())
def test_the_key_is_intakes_for_any_address(address):
    """The same for whatever is an address."""
    assert match_key("email", address) == match_key_email(address)


def test_the_address_itself():
    """Display names, channel prefixes and blanks are no part of it."""
    assert bare("email", '"Ada L." <ada@example.com>') == "ada@example.com"
    assert bare("email", "ada@example.com") == "ada@example.com"
    assert bare("sms", "whatsapp:+1 212 555 0123") == "+12125550123"


def test_a_state_nobody_knows_has_no_rank():
    """It is kept and has no effect."""
    report = Report(kind="message", provider_ref="x", state="new", dedupe_key="x", payload={})
    assert report.rank == 0
    assert set(forms.MESSAGE_STATES.values()) <= set(MESSAGE_RANKS)
    assert set(forms.CALL_STATES.values()) == set(CALL_RANKS)


def test_only_ends_of_calls_have_results():
    """A result exactly where the rank is the last."""
    for state, rank in CALL_RANKS.items():
        assert (call_result(state, None) is not None) == (rank == max(CALL_RANKS.values()))
    assert call_result("busy", "voicemail") == "busy"


form_values = st.dictionaries(
    st.sampled_from(
        [
            "MessageSid",
            "SmsSid",
            "CallSid",
            "From",
            "To",
            "Body",
            "OptOutType",
            "MessageStatus",
            "CallStatus",
            "ErrorCode",
            "CallDuration",
            "AnsweredBy",
            "Digits",
        ]
    ),
    st.text(max_size=80),
)


@given(form_values)
def test_no_form_breaks_the_readers(form):
    """Any form is read or unfit, with the name of the field; nothing else happens."""
    names = {"/MessageSid", "/From", "/CallSid", "/To", "/MessageStatus", "/CallStatus"}
    readers = (
        forms.inbound_of,
        forms.person_of,
        forms.key_of,
        lambda f: forms.report_of(f, None),
        lambda f: forms.spoken_of(f, name="x", body="9", stop=True),
    )
    for read in readers:
        assert _unfit(read, form) in names | {None}


def _unfit(read, form) -> str | None:
    """The field for which a form is unfit, None for one that was read."""
    try:
        read(form)
    except Unfit as error:
        return str(error)
    return None


@given(st.text(), st.none() | st.just('x"y'))
def test_whatever_is_said_is_xml(say, language):
    """Any words make well-formed TwiML that says exactly them, unprintable ones aside."""
    url = "https://e.com/gather?a=1&b=2"
    expected = "".join(c if c.isprintable() else " " for c in say) or None
    voice = Voice(language)
    for answer in (voice.ask(url, say), voice.last(say), answers.message(say)):
        root = ET.fromstring(answer)  # noqa: S314 - our own
        (said,) = [part.text for part in root.iter() if part.tag in {"Say", "Message"}]
        assert said == expected
    assert ET.fromstring(voice.ask(url, say)).find("Gather").get("action") == url  # noqa: S314 - our own
    dialed = Connection("+1<2", "+1&2", url, url, record=True).dial()
    assert ET.fromstring(dialed).find("Number").text == "+1<2"  # noqa: S314 - our own


def test_words_fall_back_to_english_and_need_no_name():
    """An unknown language gets English; without a business name no stray colon is left."""
    assert words_of("pt-BR").help.startswith("{name}: Responda")
    assert words_of("xx") is words_of(None)
    assert said(words_of("en").stopped, business="").startswith("You are unsubscribed")
    assert said(words_of("fr").help, business="").startswith("Répondez")
    assert said(words_of("en").help, business="A: {b}").startswith("A: {b}: Reply")
