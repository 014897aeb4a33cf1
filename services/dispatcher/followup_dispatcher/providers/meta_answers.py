"""What the Graph API's answers to a message mean.

Sources: developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes and
developers.facebook.com/docs/messenger-platform/error-codes, as of November 2026. `code`
decides, with `error_subcode` where the table has both (`10/2534022`). WhatsApp tells most
of these by webhook, after a 200. Errors within Meta (1, 2, 131000, 131016) are unknown.
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

_TOKEN = Meaning(Verdict.BROKEN, "the access token was not accepted")
_PERMISSION = Meaning(Verdict.BROKEN, "the app may not send for this account")
_RATE = Meaning(Verdict.CROWDED, "more messages than the account may send at once")
_WINDOW = Meaning(Verdict.REFUSE, "the person has not written within 24 hours")
_FORM = Meaning(Verdict.REFUSE, "the approved form does not fit")
_INSIDE = Meaning(Verdict.UNKNOWN, "an error within the vendor")

MEANINGS: Meanings = {
    "0": _TOKEN,
    "1": _INSIDE,
    "2": _INSIDE,
    "3": _PERMISSION,
    "4": _RATE,
    "10": _PERMISSION,
    "10/2018278": _WINDOW,
    "10/2534022": _WINDOW,
    "33": Meaning(Verdict.BROKEN, "the sender does not exist"),
    "100": Meaning(Verdict.REFUSE, "a parameter is not valid"),
    "100/2018001": Meaning(Verdict.SUPPRESS, "there is no such person"),
    "190": _TOKEN,
    "200": _PERMISSION,
    "368": Meaning(Verdict.BROKEN, "the account is blocked for a breach of policy"),
    "551": Meaning(Verdict.REFUSE, "the person cannot be reached now"),
    "613": _RATE,
    "80007": _RATE,
    "130429": _RATE,
    "130472": Meaning(Verdict.REFUSE, "the person is part of an experiment"),
    "130497": Meaning(Verdict.REFUSE, "the account may not write to this country"),
    "131000": _INSIDE,
    "131005": _PERMISSION,
    "131008": Meaning(Verdict.REFUSE, "a parameter is missing"),
    "131009": Meaning(Verdict.REFUSE, "a parameter is not valid"),
    "131016": _INSIDE,
    "131021": Meaning(Verdict.REFUSE, "sender and recipient are the same"),
    "131026": Meaning(Verdict.REFUSE, "the number cannot be reached by WhatsApp"),
    "131031": Meaning(Verdict.BROKEN, "the account is locked"),
    "131037": Meaning(Verdict.BROKEN, "the sender's name is not approved"),
    "131042": Meaning(Verdict.BROKEN, "the account has an unpaid bill"),
    "131045": Meaning(Verdict.BROKEN, "the sender is not registered"),
    "131047": _WINDOW,
    "131048": Meaning(Verdict.CROWDED, "the sender is held back for spam"),
    "131049": Meaning(Verdict.REFUSE, "the person gets too many such messages already"),
    "131050": Meaning(Verdict.SUPPRESS, "the person has stopped such messages"),
    "131051": Meaning(Verdict.REFUSE, "this type of message is not supported"),
    "131056": Meaning(Verdict.RETRY, "too many messages to this person at once"),
    "132000": _FORM,
    "132001": Meaning(Verdict.REFUSE, "there is no such approved form"),
    "132005": _FORM,
    "132007": _FORM,
    "132012": _FORM,
    "132015": Meaning(Verdict.REFUSE, "the approved form is paused"),
    "132016": Meaning(Verdict.REFUSE, "the approved form is disabled"),
    "133010": Meaning(Verdict.BROKEN, "the sender is not registered"),
}


def _code_of(reply: Reply) -> str | None:
    error = inside(fields(reply.body), "error")
    code, more = text(inside(error, "code")), text(inside(error, "error_subcode"))
    both = f"{code}/{more}"
    return both if both in MEANINGS else code


CODES = Codes(meanings=MEANINGS, code_of=_code_of)
