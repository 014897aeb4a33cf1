"""What Twilio's answers to a send mean.

Sources: the error dictionary, twilio.com/docs/api/errors/<code>, one page per code; for
429, twilio.com/docs/api/errors/20429 (the request was not processed). Twilio's POSTs are
not idempotent and no page says that a 5xx was not accepted, so a 5xx is unknown. Codes
of the 30000s are mostly reported by callback; they stand here for the rare answer that
carries one. What says something of the number itself stands in `NUMBER_FAULTS`, which
callbacks are read by as well.
"""

from collections.abc import Mapping

from followup_contracts.twilio_numbers import NUMBER_FAULTS
from followup_dispatcher.providers.http_answers import (
    Codes,
    Meaning,
    Verdict,
    fields,
    inside,
    said,
    text,
)
from followup_dispatcher.providers.http_line import Reply
from followup_dispatcher.providers.port import Refused, RetryLater, Unknown

_OWN: Mapping[int, Meaning] = {
    10001: Meaning(Verdict.BROKEN, "the account is not active"),
    10004: Meaning(Verdict.CROWDED, "too many calls at once"),
    20003: Meaning(Verdict.BROKEN, "the credentials were not accepted"),
    20005: Meaning(Verdict.BROKEN, "the account is not active"),
    20006: Meaning(Verdict.BROKEN, "the credentials give no access to this resource"),
    20404: Meaning(Verdict.BROKEN, "the account does not exist at this address"),
    20429: Meaning(Verdict.CROWDED, "too many requests at once"),
    21201: Meaning(Verdict.REFUSE, "no recipient"),
    21205: Meaning(Verdict.REFUSE, "the URL of the call is not valid"),
    21210: Meaning(Verdict.BROKEN, "the caller number is not verified"),
    21212: Meaning(Verdict.BROKEN, "the sender is not a valid number"),
    21214: Meaning(Verdict.REFUSE, "the recipient's number cannot be reached"),
    21215: Meaning(Verdict.REFUSE, "the account may not call this country"),
    21216: Meaning(Verdict.REFUSE, "calls to this number are blocked"),
    21219: Meaning(Verdict.REFUSE, "a trial account may not call this number"),
    21408: Meaning(Verdict.REFUSE, "the account may not text this country"),
    21601: Meaning(Verdict.BROKEN, "the sender cannot text"),
    21602: Meaning(Verdict.REFUSE, "no text"),
    21603: Meaning(Verdict.BROKEN, "no sender"),
    21604: Meaning(Verdict.REFUSE, "no recipient"),
    21605: Meaning(Verdict.REFUSE, "the text is too long"),
    21606: Meaning(Verdict.REFUSE, "the sender cannot text this recipient"),
    21608: Meaning(Verdict.REFUSE, "a trial account may not text this number"),
    21609: Meaning(Verdict.REFUSE, "the callback URL is not valid"),
    21611: Meaning(Verdict.CROWDED, "the sender's queue is full"),
    21612: Meaning(Verdict.REFUSE, "no route from this sender to this recipient"),
    21617: Meaning(Verdict.REFUSE, "the text is too long"),
    21659: Meaning(Verdict.BROKEN, "the sender is not a number of this vendor"),
    21703: Meaning(Verdict.BROKEN, "the messaging service has no sender"),
    22005: Meaning(Verdict.CROWDED, "the queue of calls is full"),
    30001: Meaning(Verdict.CROWDED, "the queue is full"),
    30002: Meaning(Verdict.BROKEN, "the account is suspended"),
    30003: Meaning(Verdict.RETRY, "the handset cannot be reached"),
    30007: Meaning(Verdict.REFUSE, "filtered by the carrier"),
    30008: Meaning(Verdict.RETRY, "failed for an unknown reason"),
    30022: Meaning(Verdict.CROWDED, "over the carrier's rate"),
    30023: Meaning(Verdict.CROWDED, "over the carrier's daily cap"),
    30034: Meaning(Verdict.BROKEN, "the sender is not registered with the carriers"),
    30610: Meaning(Verdict.RETRY, "the recipient's quiet hours, in the vendor's view"),
    63038: Meaning(Verdict.ACCOUNT, "the account is over its daily cap"),
}

MEANINGS: Mapping[str, Meaning] = {
    **{str(code): meaning for code, meaning in _OWN.items()},
    **{str(code): Meaning(Verdict.SUPPRESS, fault.value) for code, fault in NUMBER_FAULTS.items()},
}


def _code_of(reply: Reply) -> str | None:
    """Both error shapes, its own and RFC 9457's, call it `code`."""
    return text(inside(fields(reply.body), "code"))


CODES = Codes(meanings=MEANINGS, code_of=_code_of)


def by_code(code: str) -> Refused | RetryLater | Unknown:
    """What a code means; one that is not in the table refuses this touch alone."""
    return said(code, MEANINGS.get(code, Meaning(Verdict.REFUSE, "refused")))
