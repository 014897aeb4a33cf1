"""What Telnyx's answers to a send mean.

Sources: developers.telnyx.com/development/api-fundamentals/api-errors and
developers.telnyx.com/docs/messaging/messages/error-codes, as of November 2026. Codes of
the 40000s are mostly reported by callback. No page says that a 5xx was not accepted.
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
    "10001": Meaning(Verdict.BROKEN, "the sender is not active"),
    "10002": Meaning(Verdict.REFUSE, "a number is not valid"),
    "10003": Meaning(Verdict.REFUSE, "a URL is not valid"),
    "10004": Meaning(Verdict.REFUSE, "a parameter is missing"),
    "10007": Meaning(Verdict.UNKNOWN, "an error within the vendor"),
    "10008": Meaning(Verdict.UNKNOWN, "the vendor gave up waiting"),
    "10009": Meaning(Verdict.BROKEN, "the credentials were not accepted"),
    "10010": Meaning(Verdict.BROKEN, "the key may not send"),
    "10011": Meaning(Verdict.CROWDED, "too many requests"),
    "10015": Meaning(Verdict.REFUSE, "the request was not understood"),
    "10016": Meaning(Verdict.REFUSE, "a number is not in E.164"),
    "20002": Meaning(Verdict.BROKEN, "the key was revoked"),
    "20006": Meaning(Verdict.BROKEN, "the account is expired"),
    "20012": Meaning(Verdict.BROKEN, "the account is not active"),
    "20013": Meaning(Verdict.BROKEN, "the account is not verified"),
    "20100": Meaning(Verdict.BROKEN, "the account has no credit"),
    "40001": Meaning(Verdict.SUPPRESS, "a landline, or a number that cannot be reached"),
    "40002": Meaning(Verdict.RETRY, "taken for spam for now"),
    "40003": Meaning(Verdict.BROKEN, "the sender is blocked for spam"),
    "40008": Meaning(Verdict.REFUSE, "the carrier did not take it"),
    "40009": Meaning(Verdict.REFUSE, "the text was not accepted"),
    "40010": Meaning(Verdict.BROKEN, "the sender is not registered with the carriers"),
    "40011": Meaning(Verdict.CROWDED, "over the carrier's rate"),
    "40012": Meaning(Verdict.SUPPRESS, "the number is not valid"),
    "40013": Meaning(Verdict.BROKEN, "the carrier does not accept the sender"),
    "40300": Meaning(Verdict.SUPPRESS, "the recipient has opted out"),
    "40302": Meaning(Verdict.REFUSE, "the text is too long"),
    "40305": Meaning(Verdict.BROKEN, "the sender is not a number of the account"),
    "40310": Meaning(Verdict.SUPPRESS, "the recipient is not a valid number"),
    "40312": Meaning(Verdict.BROKEN, "the messaging profile is disabled"),
    "40318": Meaning(Verdict.CROWDED, "the queue is full"),
    "40333": Meaning(Verdict.ACCOUNT, "the messaging profile has spent its limit"),
}


def _code_of(reply: Reply) -> str | None:
    return text(inside(fields(reply.body), "errors", 0, "code"))


CODES = Codes(meanings=MEANINGS, code_of=_code_of)
