from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processor import work

from followup_replies.core.mail import (
    Complained,
    Letter,
    Undelivered,
    Unreadable,
    read_mail,
    thread_of,
)
from followup_replies.core.mail.markup import text_of_markup

SLOWEST = 1.0
OURS = "<01890a5d-ac96-774b-bcce-b302099a8057@sender.example>"


def letter(head: str, body: bytes = b"") -> Letter:
    mail = read_mail(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    assert isinstance(mail, Letter)
    return mail


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", "Bitte löschen".encode()),
        ("iso-8859-1", "Bitte löschen".encode("latin-1")),
        ("windows-1252", "Bitte löschen".encode("cp1252")),
        ("utf-16", "Bitte löschen".encode("utf-16")),
        ("us-ascii", "Bitte löschen".encode()),
        ("x-unknown", "Bitte löschen".encode("cp1252")),
        ("zip", "Bitte löschen".encode()),
        ("punycode", "Bitte löschen".encode()),  # a codec, and no charset
    ],
)
def test_any_charset_is_read(charset: str, body: bytes) -> None:
    """Also one that is not what it claims to be, or that nobody knows."""
    assert letter(
        f"From: a@example.com\nContent-Type: text/plain; charset={charset}", body
    ).text == ("Bitte löschen")


def test_half_a_surrogate_pair_is_not_kept() -> None:
    """UTF-7 can spell one (RFC 2152); no database and no JSON could hold it."""
    mail = letter("From: a@example.com\nContent-Type: text/plain; charset=utf-7", b"+2AA-STOP")
    assert mail.text == "?STOP"


def test_the_plain_text_is_read_before_the_markup_and_attachments_never() -> None:
    """Of several plain parts all count."""
    body = (
        b'--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n'
        b"--c\r\nContent-Type: text/html\r\n\r\n<p>marked</p>\r\n"
        b"--c\r\nContent-Type: text/plain\r\n\r\nplain\r\n--c--\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nSTOP\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nlist footer\r\n--b--\r\n"
    )
    mail = letter('From: a@example.com\nContent-Type: multipart/mixed; boundary="b"', body)
    assert mail.text == "plain\n\nlist footer"


def test_encoded_headers_and_the_letters_answered() -> None:
    """Encoded words are readable, and what a letter answers is named, the nearest first."""
    mail = letter(
        "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\nSubject: =?iso-8859-1?Q?R=E9:_Offre?=\n"
        f"Message-ID: <m@example.com>\nIn-Reply-To: {OURS}\nReferences: <a@x> <b@x> {OURS}"
    )
    assert (mail.sender, mail.subject, mail.message_id) == (
        "joerg@example.com",
        "Ré: Offre",
        "<m@example.com>",
    )
    assert mail.answers == (OURS, "<b@x>", "<a@x>")


def test_an_answer_names_the_whole_thread() -> None:
    """Oldest first, each once, the answered letter last; a hostile list of names ends."""
    headers = {"Message-ID": "<m@x>", "In-Reply-To": "<b@x>", "References": f"<a@x> <b@x> {OURS}"}
    assert thread_of(headers) == ("<a@x>", OURS, "<b@x>", "<m@x>")
    assert thread_of({}) == ()
    many = " ".join(f"<{n}@x>" for n in range(5_000))
    assert len(thread_of({"references": many, "message-id": "<m@x> <n@x>"})) == 30


def test_soft_line_ends_are_joined() -> None:
    """A text that flows is read as it was typed (RFC 3676)."""
    head = "From: a@example.com\nContent-Type: text/plain; format=flowed"
    assert letter(head, b"please take \r\nme off\r\n").text == "please take me off"


def test_markup_is_read_without_what_nobody_sees() -> None:
    """Quotes keep their mark; scripts, styles and hidden lines are silent."""
    markup = (
        "<html><head><title>T</title><style>p{}</style></head><body>"
        "<div style='display: none'>preview STOP</div><p>No&nbsp;thanks</p><!-- STOP -->"
        "<script>if (a < b) stop()</script><img src='https://example.com/pixel'>"
        "<blockquote>Reply STOP<br>to end</blockquote>Bye</body></html>"
    )
    assert text_of_markup(markup) == "No thanks\n\n> Reply STOP\n> to end\nBye"


def report(kind: str, fields: str) -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example\r\nMessage-ID: <d@mx.example>\r\n"
        f"Content-Type: multipart/report; report-type={kind}; boundary=z\r\n\r\n"
        f"--z\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--z\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n"
        f"--z\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {OURS}\r\n"
        f"To: ann@example.com\r\n--z--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("action", "status", "dead"),
    [
        ("failed", "5.1.1", True),
        ("failed", "5.1.2", True),
        ("failed", "5.1.10", True),
        ("failed", "5.2.1", True),
        ("failed", "5.2.2", False),
        ("failed", "5.7.515", False),
        ("delayed", "4.4.1", False),
        ("delayed", "5.1.1", False),
    ],
)
def test_a_delivery_report_says_whether_an_address_is_dead(
    action: str, status: str, *, dead: bool
) -> None:
    """Nobody's address is; a full mailbox, a delay and a blocked sender are not (RFC 3463)."""
    fields = (
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; ann@example.com\r\nAction: {action}\r\nStatus: {status}\r\n"
    )
    mail = read_mail(report("delivery-status", fields))
    assert isinstance(mail, Undelivered)
    assert mail.original == OURS
    assert [(fate.recipient, fate.is_dead) for fate in mail.fates] == [("ann@example.com", dead)]


def test_a_complaint_names_who_complained() -> None:
    """By its own field, else by whom the letter went to."""
    named = read_mail(report("feedback-report", "Feedback-Type: abuse\r\nVersion: 1\r\n"))
    assert named == Complained("<d@mx.example>", OURS, "ann@example.com", "abuse")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 100,
        b"From: a\r\n" + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 500,
        b"x" * (11 * 1024 * 1024),
        b"From: a\r\n\r\n" + b"\n--x" * 10_000,
    ],
)
def test_what_is_no_letter_is_told_so(raw: bytes) -> None:
    """Too deep, too large, or nothing at all."""
    assert read_mail(raw) == Unreadable()


MARKUP = b"From: a\r\nContent-Type: text/html\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        MARKUP + b"<" * 300_000,
        MARKUP + b"<a " * 100_000,
        MARKUP + b"<!--" * 100_000,
        MARKUP + b"<div>" * 100_000,
        MARKUP + b"<a style=" * 50_000,
        MARKUP + b"<a>" + b"</a>" * 100_000,
        MARKUP + b"&#" * 100_000,
        b"From: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\n",
        b"From: " + b"<" * 200_000 + b"\r\n\r\n",
        b"From: " + b"(" * 200_000 + b"\r\n\r\n",
        b"References: " + b"<a@b>" * 100_000 + b"\r\n\r\n",
        b"a:b\r\n" * 100_000,
        b"From: a\r\nContent-Type: text/plain; " + b"a*0*=b;" * 50_000 + b"\r\n\r\nx",
        b"From: a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"=" * 1_000_000,
    ],
    ids=[str(number) for number in range(14)],
)
def test_no_mail_takes_long(raw: bytes) -> None:
    """Whatever it is made of."""
    with work() as cost:
        read_mail(raw)
    assert cost.seconds < SLOWEST


pieces = st.sampled_from(
    [
        *(
            b"From: ",
            b"To: ",
            b"Subject: ",
            b"Content-Type: ",
            b"=?utf-8?b?",
            b"?=",
            b"\r\n",
            b"\n",
        ),
        *(b"multipart/report", b"; boundary=x", b"--x", b"--x--", b"message/rfc822", b"charset="),
        *(b"message/delivery-status", b"text/html", b"text/plain", b"Final-Recipient: ", b"base64"),
        *(b"Content-Transfer-Encoding: ", b"quoted-printable", b"<blockquote>", b"<!--", b"\xff\0"),
        *(
            b"utf-7",
            b"Action: failed",
            b"Status: 5.1.1",
            b"report-type=delivery-status",
            b";",
            b'"',
        ),
        *(b"message/feedback-report", b"report-type=feedback-report", b"In-Reply-To: <a@b>", b"@"),
    ]
)


@settings(max_examples=300)
@given(st.lists(pieces | st.binary(max_size=20), max_size=40).map(b"".join))
def test_any_bytes_are_read_as_something(raw: bytes) -> None:
    """No bytes raise or take long, and no text holds what a database cannot keep."""
    with work() as cost:
        mail = read_mail(raw)
    assert cost.seconds < SLOWEST
    if isinstance(mail, Letter):
        kept = [mail.text, mail.sender, mail.subject or "", *mail.headers.values()]
        assert not any("\0" in text for text in kept)
        assert all(text.encode("utf-8", "replace").decode() == text for text in kept)


def test_letters_of_the_test_itself_are_not_fetched_from(tmp_path: Path) -> None:
    """What a letter refers to stays where it is."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    head = (
        "From: a@example.com\nContent-Type: message/external-body; access-type=local-file;"
        f' name="{secret}"'
    )
    assert "secret" not in letter(head, b"Content-Type: text/plain\r\n\r\n").text.splitlines()
