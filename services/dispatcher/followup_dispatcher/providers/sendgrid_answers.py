"""What SendGrid's answers to a send mean.

Source: docs.sendgrid.com/api-reference/mail-send/errors and the OpenAPI description of
`POST /v3/mail/send`, as of November 2026. Errors carry no codes, but the field they are
about; a 403 is a sender that is no verified identity. A 5xx is unknown.
"""

from collections.abc import Mapping

from followup_dispatcher.providers.http_answers import (
    Codes,
    Meaning,
    Meanings,
    Verdict,
    fields,
    inside,
    text,
)
from followup_dispatcher.providers.http_line import Reply

_SENDER = Meaning(Verdict.BROKEN, "the sender is no verified identity of the account")

MEANINGS: Meanings = {
    "401": Meaning(Verdict.BROKEN, "the credentials were not accepted"),
    "403": _SENDER,
    "413": Meaning(Verdict.REFUSE, "the letter is too big"),
    "429": Meaning(Verdict.CROWDED, "too many requests"),
    "from": _SENDER,
    "from.email": _SENDER,
    "personalizations.0.to.0.email": Meaning(Verdict.SUPPRESS, "the recipient is no address"),
}

_BY_STATUS: Mapping[int, str] = {401: "401", 403: "403", 413: "413", 429: "429"}


def _code_of(reply: Reply) -> str | None:
    """The status where it says it all, else the field that the first error is about."""
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]
    return text(inside(fields(reply.body), "errors", 0, "field"))


CODES = Codes(meanings=MEANINGS, code_of=_code_of)
