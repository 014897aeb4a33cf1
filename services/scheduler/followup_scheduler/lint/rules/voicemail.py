"""R4: no call without a voicemail, spoken in less than half a minute."""

from collections.abc import Iterator

from followup_contracts.call_script import VOICEMAIL_SECONDS, spoken_seconds
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script


def _without(script: Script) -> Iterator[Flaw]:
    for message in script.messages:
        if message.channel == "voice" and message.body.voicemail is None:
            yield Flaw(
                message.path,
                "no call without a voicemail script: a machine would hear nothing",
                "write what to say to one in `voicemail`",
            )


def _long(script: Script) -> Iterator[Flaw]:
    for speech in script.speeches():
        if speech.part != "voicemail":
            continue
        seconds = max(spoken_seconds(r.words) for r in speech.readings.both())
        if seconds > VOICEMAIL_SECONDS:
            most = VOICEMAIL_SECONDS
            yield Flaw(
                speech.path,
                f"takes {seconds:.0f} seconds to speak, and {most:.0f} seconds are the most",
                f"keep it to {most * 2.5:.0f} words with its values put in",
            )


RULES = (
    Rule(
        id="R4-no-voicemail",
        severity="error",
        asks="Every call has a voicemail script.",
        because="Most calls meet a machine; one that hangs up on it has been wasted.",
        check=_without,
        acceptable=False,
    ),
    Rule(
        id="R4-long-voicemail",
        severity="error",
        asks="A voicemail is spoken in less than thirty seconds.",
        because=(
            "Longer ones are not heard out. Counted at 150 words a minute, the slower end of"
            " the 150 to 160 at which audiobooks are read, with values of ordinary length."
        ),
        check=_long,
    ),
)
