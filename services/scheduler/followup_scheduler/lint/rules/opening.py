"""R5: the first line of each message refers to something of this person."""

from collections.abc import Iterator

from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.prose import opening
from followup_scheduler.lint.readings import names_any, plain
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script

_TOLD = 60


def _impersonal(script: Script) -> Iterator[Flaw]:
    for message in script.messages:
        for speech in message.speeches():
            first = opening(speech.seen.marked)
            if not first or names_any(first, "person", "lead", "moment"):
                continue
            said = " ".join(plain(first).split())
            yield Flaw(
                speech.path,
                f"the first line could be to anybody: “{said[:_TOLD]}”",
                "name the person or what they asked for, such as {{ lead.need }}, at the start",
                near=" ".join(said.split()[:3]),
            )


RULES = (
    Rule(
        id="R5-impersonal-opening",
        severity="error",
        asks="The first line of every message names the person, or something of theirs.",
        because="It is what tells an answer from a mass mailing, in the preview too.",
        check=_impersonal,
    ),
)
