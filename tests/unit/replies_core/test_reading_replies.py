import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processor import work

from followup_replies.core.intents import INTENTS
from followup_replies.core.reading import InboundText, Reading, read
from followup_replies.core.scores import Row, evaluate

RECEIVED = datetime(2026, 11, 22, 15, tzinfo=UTC)
LABELLED = sorted(Path(__file__).parent.glob("data/*.jsonl"))
SLOWER = 5


def sms(body: str) -> Reading:
    return read(InboundText(channel="sms", body=body), received=RECEIVED)


def email(body: str, *, subject: str | None = None, **headers: str) -> Reading:
    text = InboundText(
        channel="email",
        body=body,
        subject=subject,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    return read(text, received=RECEIVED)


def labelled(file: Path) -> list[Row]:
    examples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Row(
            id=example["id"],
            reading=read(
                InboundText(
                    channel=example["channel"],
                    body=example["body"],
                    subject=example["subject"],
                    headers=example["headers"],
                ),
                received=RECEIVED,
            ),
            intent=example["intent"],
            opt_out=example["opt_out"],
        )
        for example in examples
    ]


@pytest.mark.parametrize("file", LABELLED, ids=lambda file: file.stem)
def test_the_labelled_examples_are_read_well_enough(file: Path) -> None:
    """No opt-out is missed, few are invented, and intents are mostly right.

    Nothing was learnt from `replies_never_learnt*` nor `replies_of_an_ordinary_day`.
    """
    rows = labelled(file)
    evaluation = evaluate(rows)
    assert evaluation.opt_out.recall >= 0.995
    assert evaluation.opt_out.precision >= 0.97
    assert evaluation.macro_f1 >= 0.85


WORDS = st.sampled_from(
    [
        "stop",
        "stopp",
        "arret",
        "baja",
        "sair",
        "unsubscribe",
        "don't",
        "i'll",
        "call",
        "me",
        "later",
        "not",
        "interested",
        "on",
        "?",
        ".",
        ",",
        "!",
        "\n",
        ">",
        "wrote:",
        "--",
        "no",
        "more",
        "wrong",
        "number",
        "until",
        "5",
        "January",
        "in",
        "two",
        "weeks",
        "Q1",
        "the",
        "you",
        "escriba",
        "más",
        "désabonnez-moi",
        "nächste",
        "Woche",
        "obrigado",
        "05/01/2026",
        "31.2.",
        "99",
        "👍",
        "🛑",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    body=st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=60).map(" ".join)),
    subject=st.none() | st.text(max_size=80),
    channel=st.sampled_from(["sms", "email", "voice"]),
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants bare bounds
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati", "no such zone"]),
)
def test_any_text_gives_a_reading(
    body: str, subject: str | None, channel: str, moment: datetime, zone: str
) -> None:
    """Whatever comes in, one of the twelve intents comes out and no day before receipt."""
    text = InboundText(channel=channel, body=body, subject=subject)  # type: ignore[arg-type] # sampled
    reading = read(text, received=moment, zone=zone)
    assert reading.intent in INTENTS
    assert 0 <= reading.confidence <= 1
    assert reading.until is None or (moment.date() - reading.until).days <= 1
    assert reading.until is None or reading.intent in {"not_now", "out_of_office"}


@pytest.mark.parametrize(
    "body",
    [
        "stop " * 2_000,
        "a" * 10_000,
        "i " * 5_000,
        "> " * 5_000,
        "on on on on wrote " * 700,
        "\n".join(["On Monday somebody"] * 600),
        "please do not call me or text me again because i am not " * 180,
        "1/2/3/4.5.6-7 " * 700,
        "in two weeks next month until january " * 260,
        "a@" * 5_000,
        "s t o p " * 1_250,
        "no quiero mas mensajes je ne veux plus recevoir keine nachrichten mehr " * 140,
        "((((((((((" * 1_000,
        "x" * 1_000_000,
        "." * 9_999 + "x",
        "…" * 9_999 + "x",  # three dots each, once they are folded
        "ok" + "!" * 9_000 + "a",
    ],
)
def test_no_text_is_slow_to_read(body: str) -> None:
    """Nothing costs more than a few times what an ordinary text of ten thousand letters does."""
    sms("warm up the rules")
    ordinary = "Thanks, that works for me, see you on Tuesday. " * 215
    assert _spent(body) < SLOWER * _spent(ordinary)


def _spent(body: str) -> float:
    """Seconds of processor, the least of three counts: other work on the machine adds to some."""
    spent = []
    for _ in range(3):
        with work() as cost:
            sms(body)
        spent.append(cost.seconds)
    return min(spent)


@pytest.mark.parametrize(
    "body",
    [
        "stop by at 5?",
        "can't stop by today",
        "Full stop.",
        "don't stop",
        "at the end of the month",
        "can I cancel my subscription at any time?",
        "what is your unsubscribe rate?",
        "cancel the appointment?",
        "When does the warranty end?",
        "The bus stop is around the corner",
        "¿Puedo cancelar en cualquier momento?",
        "Puis-je résilier à tout moment ?",
        "Kann ich jederzeit kündigen?",
        "Posso cancelar a qualquer momento?",
        "à la fin du mois",
        "Ende des Monats passt",
    ],
)
def test_words_of_an_opt_out_that_are_none(body: str) -> None:
    """Idioms and questions about contracts do not end the messages."""
    assert not sms(body).opt_out


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "auto-replied"}, {"X_Autoreply": "yes"}])
def test_an_automatic_answer_is_told_by_its_headers(headers: dict[str, str]) -> None:
    """An absence gives the day of return, any other automatic answer none."""
    absent = email("I am away until 5 January.", subject="Re: Hello", **headers)
    assert (absent.intent, absent.until) == ("out_of_office", date(2027, 1, 5))
    receipt = email("Yes, we have it. Thanks!", subject="Re: Hello", **headers)
    assert (receipt.intent, receipt.until) == ("auto_reply", None)


@pytest.mark.parametrize(
    "headers",
    [{"X_Auto_Response_Suppress": "All"}, {"Auto_Submitted": "no"}, {"Precedence": "first-class"}],
)
def test_headers_of_people_do_not_make_a_machine(headers: dict[str, str]) -> None:
    """X-Auto-Response-Suppress is a request to others; "no" says that a person wrote."""
    assert email("Yes please, call me.", subject="Re: Hello", **headers).intent == "interested"


def test_a_subject_of_its_own_counts_and_ours_does_not() -> None:
    """Unsubscribing by subject works with an empty body; "Re:" repeats what we wrote."""
    assert email("", subject="Unsubscribe").opt_out
    assert email("Sent from my phone", subject="STOP").opt_out
    assert not email("Sounds good, call me.", subject="Re: Reply STOP to unsubscribe").opt_out


@pytest.mark.parametrize(
    ("vendor", "opt_out", "keyword"),
    [("STOP", True, "stop"), ("START", False, "start"), ("HELP", False, "help")],
)
def test_the_vendors_word_comes_first(vendor: str, opt_out: bool, keyword: str) -> None:  # noqa: FBT001 - a parameter of the table
    """What the vendor has already acted on is not read again."""
    text = InboundText(channel="sms", body="hm", vendor_opt_out=vendor)  # type: ignore[arg-type] # from the table
    reading = read(text, received=RECEIVED)
    assert (reading.opt_out, reading.keyword) == (opt_out, keyword)


def test_a_request_in_words_comes_before_the_reason() -> None:
    """A wrong number that asks for an end is an opt-out; an accusation stays a complaint."""
    asked = sms("Wrong number, stop texting me")
    assert (asked.intent, asked.opt_out) == ("opt_out", True)
    accused = sms("This is spam")
    assert (accused.intent, accused.opt_out) == ("complaint", True)


def test_below_the_threshold_an_intent_is_other() -> None:
    """What the reader is not sure of goes to a person, its opt-out does not wait for one."""
    text = InboundText(channel="sms", body="please take me off your list")
    reading = read(text, received=RECEIVED, threshold=0.999)
    assert (reading.intent, reading.opt_out) == ("other", True)


def test_the_trace_holds_rule_names_and_no_words_of_the_message() -> None:
    """Rules are named by file, intent and number."""
    reading = sms("My name is Zebulon and I am not interested")
    assert reading.rules
    assert not any("zebulon" in rule.lower() for rule in reading.rules)
