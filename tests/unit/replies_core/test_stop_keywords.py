from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from followup_replies.core.keywords import keyword_of
from followup_replies.core.reading import InboundText, read

STOPS = [
    "STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "OPT OUT", "CANCEL",
    "REMOVE", "TD", "ARRET", "ARRÊT", "ALTO", "PARAR", "BAJA", "CANCELAR", "DETENER", "NO MAS",
    "NO MÁS", "SAIR", "STOPP", "ABMELDEN", "AFMELDEN", "BASTA", "DÉSABONNER", "DESCADASTRAR",
]  # fmt: skip
INVISIBLE = ["", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u200d"]
AROUND = st.text(alphabet=" .!?*,;:-_\n\t\"'()", max_size=6)


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """A keyword in any case, with punctuation around it and invisible characters in it."""
    word = draw(st.sampled_from(STOPS))
    letters = [
        (char.upper() if draw(st.booleans()) else char.lower()) + draw(st.sampled_from(INVISIBLE))
        for char in word
    ]
    return draw(AROUND) + "".join(letters) + draw(AROUND)


@settings(max_examples=300, deadline=None)
@given(disguised())
@example("__\nstop")  # what stands above it looks like the line before a signature
@example("-- \nStop.")
def test_a_stop_keyword_is_one_in_every_disguise(body: str) -> None:
    """Case, accents, punctuation and invisible characters make no difference."""
    assert keyword_of(body) == "stop"
    text = InboundText(channel="sms", body=body)
    reading = read(text, received=datetime(2026, 1, 5, tzinfo=UTC))
    assert (reading.opt_out, reading.intent, reading.keyword) == (True, "opt_out", "stop")


@pytest.mark.parametrize(
    "body",
    [
        "Stop please",
        "STOP STOP STOP",
        "ok stop",
        "\uff33\uff34\uff2f\uff30",
        "\U0001d412\U0001d413\U0001d40e\U0001d40f",
        "S.T.O.P",
        "s t o p",
        "E N D",
        "STOPPPP",
        "stpo",
        "sotp",
        "unsubcribe",
        "unsuscribe",
        "stop svp",
        "🛑",
        "\u0405\u0422\u041e\u0420",
    ],
)
def test_courtesies_slips_and_lookalikes_keep_the_keyword(body: str) -> None:
    """What people and filters do to the word does not hide it."""
    assert keyword_of(body) == "stop"


@pytest.mark.parametrize(
    "body",
    [
        "STIP",
        "Sropp",
        "stoo",
        "dtop!",
        "Wtop pls",
        "quut",
        "QUTI",
        "wuit",
        "cancwl",
        "cancl",
    ],
)
def test_a_slip_of_the_thumb_keeps_the_keyword(body: str) -> None:
    """A key beside the right one, one missed, two crossed, with letters doubled besides."""
    assert keyword_of(body) == "stop"
    assert keyword_of(f"{body} sign of the times") is None


@pytest.mark.parametrize(
    "text",
    [
        "Is the stump still there? Removed. Call me about the fence instead.",
        "The dog's sample? Stool.",
        "I checked my phone twice. No text. Can you resend the quote?",
    ],
)
def test_a_word_within_a_text_is_no_slip(text: str) -> None:
    """Only what was written alone was meant to be a keyword."""
    told = InboundText(channel="email", body=text)
    assert not read(told, received=datetime(2026, 1, 5, tzinfo=UTC)).opt_out


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        ("STOP cant afford lessons for him right now, maybe some day", True),
        ("UNSUBSCRIBE this is the 3rd time", True),
        ("see you saturday then, also STOP", True),
        ("STOP by the shop tomorrow", False),
        ("STOP signs, how much for ten", False),
        ("STOPPED by today but you were closed", False),
    ],
)
def test_a_stop_cried_at_an_end_of_a_text_is_one(body: str, *, ends: bool) -> None:
    """Whoever types no full stop still means the keyword; an idiom stays one in capitals."""
    text = InboundText(channel="sms", body=body)
    assert read(text, received=datetime(2026, 1, 5, tzinfo=UTC)).opt_out is ends


@pytest.mark.parametrize(
    ("subject", "ends"), [("RE: STOP", True), ("Re: Unsubscribe", True), ("Re: Your quote", False)]
)
def test_a_stop_behind_re_is_nobody_elses(subject: str, *, ends: bool) -> None:
    """No subject of ours is a keyword: who answers with an empty text wrote it there."""
    text = InboundText(channel="email", body="", subject=subject)
    assert read(text, received=datetime(2026, 1, 5, tzinfo=UTC)).opt_out is ends


@pytest.mark.parametrize("body", ["START", "unstop", "Start!"])
def test_start_keywords(body: str) -> None:
    """START and UNSTOP resume."""
    assert keyword_of(body) == "start"


@pytest.mark.parametrize("body", ["HELP", "info", "Aide", "AYUDA", "hilfe", "ajuda"])
def test_help_keywords(body: str) -> None:
    """HELP in every language asks who we are."""
    assert keyword_of(body) == "help"


@pytest.mark.parametrize(
    "body",
    [
        "YES",
        "yes please",
        "ok",
        "",
        "don't start again",
        "stop by",
        "full stop",
        "step",
        "shop",
        "spot",
        "slop",
        "stow",
        "quiet",
        "quite",
        "suit",
        "cancer",
        "removals",
        "top",
        "the end",
    ],
)
def test_what_is_no_keyword(body: str) -> None:
    """YES would undo a STOP when it answers something else; words that look alike are others."""
    assert keyword_of(body) is None
