"""What Amazon SES v2's answers to SendEmail mean.

Sources: docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html, "Errors", and
.../CommonErrors.html, as of November 2026. The error's name stands in `x-amzn-ErrorType` or
`__type`. A 5xx is unknown.
"""

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

UNVERIFIED = "Unverified"
"""Ours: `MessageRejected` is told of unverified addresses and of bad letters alike."""

_KEYS = Meaning(Verdict.BROKEN, "the keys were not accepted")
_THROTTLED = Meaning(Verdict.CROWDED, "over the account's rate or daily quota")

MEANINGS: Meanings = {
    "AccessDeniedException": Meaning(Verdict.BROKEN, "the keys may not send"),
    "AccountSuspendedException": Meaning(Verdict.BROKEN, "the account is suspended"),
    "BadRequestException": Meaning(Verdict.REFUSE, "the letter or an address is not valid"),
    "IncompleteSignature": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "InvalidSignatureException": _KEYS,
    "LimitExceededException": _THROTTLED,
    "MailFromDomainNotVerifiedException": Meaning(Verdict.BROKEN, "the domain is not verified"),
    "MessageRejected": Meaning(Verdict.REFUSE, "the letter was rejected"),
    "NotFoundException": Meaning(Verdict.BROKEN, "there is no such configuration set"),
    "SendingPausedException": Meaning(Verdict.BROKEN, "sending is paused"),
    "SignatureDoesNotMatch": _KEYS,
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "UnrecognizedClientException": _KEYS,
    UNVERIFIED: Meaning(Verdict.BROKEN, "the sender is not verified"),
}


def _code_of(reply: Reply) -> str | None:
    body = fields(reply.body)
    told = reply.headers.get("x-amzn-ErrorType") or text(inside(body, "__type")) or ""
    name = told.partition(":")[0].rpartition("#")[2]
    message = str(inside(body, "message") or inside(body, "Message") or "")
    if name == "MessageRejected" and "not verified" in message:
        return UNVERIFIED
    return name or None


CODES = Codes(meanings=MEANINGS, code_of=_code_of)
