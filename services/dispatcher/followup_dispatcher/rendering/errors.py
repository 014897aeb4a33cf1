"""Why a touch has no words to go out with: `followup_policy.errors.WordingError`, or the clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unrenderable:
    """The touch stops here. The reason names the fault and quotes nobody's data.

    Codes: `missing_variable` (the reason is its name), `template_syntax`,
    `template_limit`, `template_error`, `template_shape`, `empty`, `voicemail_length`.
    """

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """A message that hurries to a date that has passed (R10).

    Which words hurry is not told: what is kept of a skipped touch quotes no message.
    """

    reason: str = "words that hurry, to a date that has passed"
