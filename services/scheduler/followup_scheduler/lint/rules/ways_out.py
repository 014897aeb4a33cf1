"""The ways out that the law asks for."""

import re
from collections.abc import Iterator

from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Message, Script

_STOP = re.compile(
    r"(?i)\b(stop|stopall|unsubscribe|opt[ -]?out|end|quit|cancel|revoke|arr[eê]t|alto|baja|parar"
    r"|detener|sair|stopp|abmelden|afmelden|basta)\b"
)
_HOW = re.compile(
    r"(?i)\b(reply|text|send|answer|respond|write|txt|msg|opt[ -]?out|unsubscribe|to (stop|end)"
    r"|antwort\w*|schreib\w*|sende\w*|r[ée]pond\w*|envoy\w*|respond\w*|env[ií]\w*|rispond\w*"
    r"|invia\w*|antwoord\w*|stuur)\b"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_SAYS_SO = re.compile(r"(?i)unsubscrib|opt[ -]?out of|abmelde|désinscri|desuscri|darse de baja")
_UNSUBSCRIBE = ("links", "unsubscribe")
_ADDRESS = ("business", "address")


def _first_text(script: Script) -> Iterator[Flaw]:
    told: set[str] = set()
    for message in _first_texts(script):
        said = message.speeches()[0].readings
        if message.key in told or said.fault is not None:
            continue
        told.add(message.key)
        if not all(_tells_how_to_stop(reading.words) for reading in said.both()):
            yield Flaw(
                f"{message.path}/text",
                "may be the first text somebody gets, and does not say how to stop",
                "end it with: Reply STOP to opt out.",
            )


def _first_texts(script: Script) -> Iterator[Message]:
    """The texts before which none must have come: up to the first that is unconditional."""
    certain: list[int] = []
    for message in script.messages:
        if message.channel != "sms":
            continue
        if any(p != message.place and script.course.may_follow(p, message.place) for p in certain):
            continue
        yield message
        if _is_certain(message) and message.place not in certain:
            certain.append(message.place)


def _is_certain(message: Message) -> bool:
    """Whether everybody who comes by gets it (one of its choices)."""
    choices = message.touch.says("sms")
    return (
        message.touch.candidates() == ("sms",)
        and message.touch.when is None
        and message.step.when is None
        and any(choice.when is None for choice in choices)
    )


def _tells_how_to_stop(text: str) -> bool:
    return any(_STOP.search(s) and _HOW.search(s) for s in _SENTENCE.split(text))


def _dead_unsubscribe(script: Script) -> Iterator[Flaw]:
    for message in _mails(script):
        for speech in message.speeches():
            read = speech.readings
            if _UNSUBSCRIBE in read.variables or read.fault is not None:
                continue
            if _SAYS_SO.search(speech.seen.words):
                yield Flaw(
                    speech.path,
                    "speaks of unsubscribing and has no link that does it",
                    "put in {{ links.unsubscribe }}, or leave it out: a line with it is added",
                    near="unsubscrib",
                )
            elif speech.part == "html":
                yield Flaw(
                    speech.path,
                    "a layout of your own without a way to unsubscribe",
                    'put <a href="{{ links.unsubscribe }}">Unsubscribe</a> where it belongs',
                )


def _no_address(script: Script) -> Iterator[Flaw]:
    for message in _mails(script):
        for speech in message.speeches():
            read = speech.readings
            if speech.part == "html" and read.fault is None and _ADDRESS not in read.variables:
                yield Flaw(
                    speech.path,
                    "a layout of your own without the postal address",
                    'put {{ business.address | default: "" }} in its footer',
                )


def _mails(script: Script) -> Iterator[Message]:
    mails = {m.key: m for m in script.messages if m.channel == "email"}
    yield from mails.values()


RULES = (
    Rule(
        id="O1-no-opt-out",
        severity="error",
        asks="Whichever text somebody may get first says how to stop.",
        because=(
            "Carriers refuse programmes that do not say so (CTIA Messaging Principles, 5.1.3),"
            " and any reasonable way to stop must work (47 CFR 64.1200(a)(10))."
        ),
        check=_first_text,
        acceptable=False,
    ),
    Rule(
        id="O2-no-unsubscribe",
        severity="error",
        asks="An e-mail that speaks of unsubscribing, or has a layout of its own, has the link.",
        because=(
            "15 U.S.C. 7704(a)(3) and (5). To plain text the link is added on sending; in a"
            " layout nobody but its author knows where it belongs."
        ),
        check=_dead_unsubscribe,
        acceptable=False,
    ),
    Rule(
        id="O3-no-postal-address",
        severity="error",
        asks="An e-mail with a layout of its own has the sender's postal address.",
        because="15 U.S.C. 7704(a)(5)(A)(iii), 16 CFR 316.2(p). Added to plain text on sending.",
        check=_no_address,
        acceptable=False,
    ),
)
