"""What Postmark's answers to a send mean.

Source: postmarkapp.com/developer/api/overview, "API error codes" and "HTTP response
codes", as of November 2026. A 500 or 503 is unknown: no page says that nothing was sent.
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

MEANINGS: Meanings = {
    "10": Meaning(Verdict.BROKEN, "the token was not accepted"),
    "100": Meaning(Verdict.RETRY, "the vendor is being maintained"),
    "300": Meaning(Verdict.REFUSE, "the letter or an address is not valid"),
    "400": Meaning(Verdict.BROKEN, "the sender has no signature"),
    "401": Meaning(Verdict.BROKEN, "the sender's signature is not confirmed"),
    "402": Meaning(Verdict.REFUSE, "the request was not understood"),
    "405": Meaning(Verdict.BROKEN, "the account has no credit"),
    "406": Meaning(Verdict.SUPPRESS, "the recipient is inactive: it bounced or complained"),
    "409": Meaning(Verdict.REFUSE, "the request was not understood"),
    "412": Meaning(Verdict.BROKEN, "the account waits for approval"),
    "413": Meaning(Verdict.BROKEN, "the account may not send"),
    "429": Meaning(Verdict.CROWDED, "too many requests"),
    "1226": Meaning(Verdict.BROKEN, "there is no such message stream"),
    "1235": Meaning(Verdict.BROKEN, "there is no such message stream"),
}


def _code_of(reply: Reply) -> str | None:
    return text(inside(fields(reply.body), "ErrorCode"))


CODES = Codes(meanings=MEANINGS, code_of=_code_of)
