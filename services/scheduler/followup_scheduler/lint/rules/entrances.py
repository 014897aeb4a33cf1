"""Ways in that lead out again."""

from collections.abc import Iterator

from followup_scheduler.core.reactions import default_to
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script


def _halted_by_its_start(script: Script) -> Iterator[Flaw]:
    sequence = script.sequence
    for number, start in enumerate(sequence.starts):
        unsaid = not sequence.reactions(start.event)
        if unsaid and default_to(start.event, sequence).do == "halt":
            yield Flaw(
                f"/starts/{number}/event",
                f"{start.event} starts it, and a second one would halt it",
                f"say which you mean: on: {{{start.event}: {{do: go_on}}}}, or {{do: halt}}",
            )


RULES = (
    Rule(
        id="U3-start-that-halts",
        severity="error",
        asks="A sequence that a booking or a sale starts says what another one does to it.",
        because=(
            "Unless it says otherwise a booking or a sale halts what counts from enrolling: whoever"
            " books once more would drop out of what the first booking began."
        ),
        check=_halted_by_its_start,
    ),
)
