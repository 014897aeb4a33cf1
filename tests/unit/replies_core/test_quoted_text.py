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
        ("Sent from my iPhone", False),
        ("Sent from my iPhone. Please excuse that I don't stop at typos.", False),
        ("Envoyé de mon iPhone", False),
        ("Von meinem iPhone gesendet", False),
    ],
)
def test_what_stands_behind_a_device_is_its_owners(line: str, *, ends: bool) -> None:
    """The device's own line says nothing, nor does an excuse for it."""
    assert reads(line) is ends
    assert bool(take_apart(f"Thursday, then.\n{line}").signature) is not ends


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
