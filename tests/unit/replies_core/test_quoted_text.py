from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_replies.core.quoting import take_apart
from followup_replies.core.reading import InboundText, read

HEADINGS = [
    "On Mon, 16 Nov 2026 at 10:02, Followup <hi@example.com> wrote:",
    "On Mon, 16 Nov 2026 at 10:02, Followup\n<hi@example.com> wrote:",
    "El lun, 16 nov 2026 a las 10:02, Followup (<hi@example.com>) escribió:",
    "Le lun. 16 nov. 2026 à 10:02, Followup <hi@example.com> a écrit :",
    "Am Mo., 16. Nov. 2026 um 10:02 Uhr schrieb Followup <hi@example.com>:",
    "Em seg., 16 de nov. de 2026 às 10:02, Followup <hi@example.com> escreveu:",
    "-----Original Message-----\nFrom: Followup\nSent: Monday\nTo: Sam\nSubject: Hello\n",
    "From: Followup <hi@example.com>\nSent: Monday\nTo: Sam\nSubject: Hello\n",
    "De: Followup <hi@example.com>\nEnviado: lunes\nPara: Sam\nAsunto: Hola\n",
    "De : Followup <hi@example.com>\nEnvoyé : lundi\nÀ : Sam\nObjet : Bonjour\n",
    "Von: Followup <hi@example.com>\nGesendet: Montag\nAn: Sam\nBetreff: Hallo\n",
    "De: Followup <hi@example.com>\nEnviada: segunda\nPara: Sam\nAssunto: Olá\n",
    "________________________________\nFrom: Followup\nSent: Monday\nTo: Sam\nSubject: Hi\n",
]
FOOTERS = [
    "Reply STOP to opt out.",
    "To unsubscribe, click here: https://example.com/u/abc",
    "If you no longer wish to receive these emails, unsubscribe here.",
    "Responda BAJA para dejar de recibir mensajes.",
    "Répondez STOP pour vous désinscrire.",
    "Antworten Sie mit STOPP, um sich abzumelden.",
    "Responda SAIR para cancelar.",
]
BODIES = ["Yes, please call me.", "Thursday works for me.", "How much is it?", "Wrong number"]
MARKS = ["", "> "]


def reads(body: str) -> bool:
    text = InboundText(channel="email", body=body, subject="Re: Your enquiry")
    return read(text, received=datetime(2026, 11, 22, tzinfo=UTC)).opt_out


def quote(heading: str, footer: str, mark: str) -> str:
    lines = ["Hi Sam,", "shall we talk on Thursday?", "", footer]
    return heading + "\n" + "\n".join(mark + line for line in lines)


QUOTES = st.builds(
    quote, st.sampled_from(HEADINGS), st.sampled_from(FOOTERS), st.sampled_from(MARKS)
)


@settings(max_examples=200, deadline=None)
@given(quoted=QUOTES, own=st.sampled_from(BODIES), crlf=st.booleans())
def test_our_quoted_footer_never_opts_out(quoted: str, own: str, *, crlf: bool) -> None:
    """Whoever answers above our message has not said what its footer says."""
    body = f"{own}\n\n{quoted}"
    assert not reads(body.replace("\n", "\r\n") if crlf else body)


@settings(max_examples=200, deadline=None)
@given(
    quoted=QUOTES,
    stop=st.sampled_from(["STOP", "unsubscribe", "please take me off your list", "Baja"]),
)
def test_a_stop_above_a_quote_always_does(quoted: str, stop: str) -> None:
    """The quote below changes nothing."""
    assert reads(f"{stop}\n\n{quoted}")


@settings(max_examples=100, deadline=None)
@given(quoted=QUOTES, stop=st.sampled_from(["STOP", "please take me off your list"]))
def test_a_stop_below_a_quote_does_too(quoted: str, stop: str) -> None:
    """People write below a quote, marked or not, behind our footer."""
    assert reads(f"{quoted}\n\n{stop}")


@pytest.mark.parametrize("footer", FOOTERS)
def test_our_footer_without_a_quote_is_still_ours(footer: str) -> None:
    """Text messages carry the old message without marks."""
    assert not reads(f"Sounds good, call me.\n{footer}")


@pytest.mark.parametrize(
    "text",
    [
        "Text stop to stop they said. So: stop",
        "Reply STOP to opt out? Stop then.",
        "To unsubscribe click here. I clicked. Take me off your list.",
    ],
)
def test_who_cites_our_footer_may_mean_it(text: str) -> None:
    """What stands behind it on the same line is the sender's own."""
    assert reads(text)


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("Sent from my iPhone. STOP", True),
        ("Sent from my iPhone: unsubscribe me please", True),
        ("Sent from my iPhone STOP", True),
        ("Sent from my iPhone - please leave me alone", True),
        ("Sent from my iPhone. Sorry but take me off your list", True),
        ("Get Outlook for iOS<https://aka.ms/o0ukef>", False),
        ("Sent from Mail<https://go.microsoft.com/fwlink/?LinkId=550986> for Windows", False),
        ("Sent from Yahoo Mail: Search, Organize, Conquer", False),
        ("Sent from my iPhone", False),
        ("Sent from my iPhone. Please excuse typos and brevity.", False),
        ("Envoyé de mon iPhone", False),
        ("Von meinem iPhone gesendet", False),
    ],
)
def test_what_stands_behind_a_device_is_its_owners(line: str, *, ends: bool) -> None:
    """The device's own line says nothing, nor does an excuse for it."""
    assert reads(line) is ends
    assert bool(take_apart(f"Thursday, then.\n{line}").signature) is not ends


@pytest.mark.parametrize(
    "text",
    [
        "This message was not intended for me. Please remove my address.",
        "This email was intended for my late husband. Please remove him from your list.",
        "Hi,\n\nThis message keeps coming with attachments I never asked for.\nPlease stop.\n\nAnn",
        "Este correo llegó al destinatario equivocado, por favor borren mi dirección.",
        "Ce message n'était pas pour moi, je ne suis pas le destinataire. Retirez-moi.",
    ],
)
def test_who_speaks_of_a_message_writes_no_notice(text: str) -> None:
    """A confidentiality notice says more than "this message"."""
    assert reads(text)


@pytest.mark.parametrize(
    "text",
    [
        "On Mon, May 3, 2026 Mo <mo@example.com> wrote:\n\nHi Ann.\n\nUnsubscribe me please",
        "Mo <mo@example.com> wrote:\nStop emailing me",
        "To repeat what I wrote:\n\nPLEASE REMOVE ME FROM YOUR LIST",
        "--\nPlease stop emailing me.",
        "---\nStop emailing me\n---",
    ],
)
def test_a_stop_in_the_wrong_place_is_one_where_nothing_else_stands(text: str) -> None:
    """What looks like a quote or a signature is read where its sender wrote nothing besides."""
    assert reads(text)


@pytest.mark.parametrize("keyword", ["help", "start"])
def test_a_keyword_above_a_device_is_one(keyword: str) -> None:
    """The device's line adds nothing to it."""
    text = f"{keyword}\nGet Outlook for iOS<https://aka.ms/o0ukef>"
    told = InboundText(channel="email", body=text)
    assert read(told, received=datetime(2026, 11, 22, tzinfo=UTC)).keyword == keyword


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Unsubscribe here", True),
        ("Hi,\nUnsubscribe here", True),
        ("Unsubscribe here\n\nThanks,\nJohn", True),
        ("Unsubscribe here\n\nOn Mon, May 3, 2026 Acme <a@example.com> wrote:\n> Hi Bob", True),
        ("Opt out here\n\nFrom: a\nSent: b\nTo: c\nSubject: d\n\nHello Bob", True),
        ("Sounds good, call me.\nUnsubscribe from this list | Update preferences", False),
        ("Sounds good, call me.\nSTOPP an 12345", False),
        ("-- \nBob Smith\nSmith Dental\nTo unsubscribe click here: http://example.com", False),
        ("No thanks. Reply STOP to opt out", True),
        ("We're closed. Reply STOP to opt out", False),
        ("No thanks to Friday, but any day after that suits us. Reply STOP to opt out", False),
    ],
)
def test_a_footer_is_meant_where_nothing_else_is_said(text: str, *, ends: bool) -> None:
    """But for a greeting, a name or a no beside it; below a wish or a signature it is theirs."""
    assert reads(text) is ends


@pytest.mark.parametrize("quoted", ["> please take me off your list", "> stop"])
def test_a_marked_quote_alone_is_nobodys_word(quoted: str) -> None:
    """Whoever sends an empty answer has marked what we wrote."""
    assert not reads(f"On Mon, May 3, 2026 Mo <mo@example.com> wrote:\n{quoted}")


def test_every_line_goes_somewhere_and_stays_as_it_was() -> None:
    """Own words, quote, signature and footer are told apart, none is lost."""
    parts = take_apart(
        "Yes, Thursday.\n\nReply STOP to opt out.\n-- \nJo Park\n\n"
        "On Mon, 16 Nov 2026, Followup <hi@example.com> wrote:\n> Hi Jo"
    )
    assert parts.own == "Yes, Thursday."
    assert parts.footer == "Reply STOP to opt out."
    assert parts.signature.splitlines()[:2] == ["-- ", "Jo Park"]
    assert parts.quoted.endswith("> Hi Jo")


def test_a_confidentiality_notice_says_nothing() -> None:
    """Its "please delete" and "stop reading" are no request to us."""
    notice = (
        "This e-mail is confidential. If you are not the intended recipient, please delete it\n"
        "and remove it from your system and stop reading."
    )
    assert not reads(f"Great, send me the proposal.\n\n{notice}")
