"""Why a touch cannot be put into words: what `followup_policy.errors.WordingError` ends as."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unrenderable:
    """The touch stops here. The reason names the fault and quotes nobody's data.

    Codes: `missing_variable` (the reason is its name), `template_syntax`,
    `template_limit`, `template_error`, `template_shape`, `empty`, `voicemail_length`.
    """

    code: str
    reason: str
