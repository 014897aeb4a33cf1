"""Why a touch cannot be put into words; all of them end as `Unrenderable`.

RenderingError
├── MissingVariable    a variable without a value, used without a default
└── TooMuchWork        a template that would take too long or grow too large
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unrenderable:
    """The touch stops here. The reason names the fault and quotes nobody's data.

    Codes: `missing_variable` (the reason is its name), `template_syntax`,
    `template_limit`, `template_error`, `template_shape`, `empty`, `voicemail_length`.
    """

    code: str
    reason: str


class RenderingError(Exception):
    """The root of what rendering raises inside."""


class MissingVariable(RenderingError):
    """Its message is the variable's name."""


class TooMuchWork(RenderingError):
    """Its message names the limit."""
