"""What Vonage's SMS API says with a message's `status`.

Source: developer.vonage.com/en/api-errors/sms, as of November 2026. It answers 200 to
refusals too; each part of a long text has a status of its own. Of an internal error (5) no
page says that nothing was sent.
"""

from followup_dispatcher.providers.http_answers import Codes, Meaning, Meanings, Verdict
from followup_dispatcher.providers.http_line import Reply

MEANINGS: Meanings = {
    "1": Meaning(Verdict.CROWDED, "more texts than the account may send at once"),
    "2": Meaning(Verdict.REFUSE, "a parameter is missing"),
    "3": Meaning(Verdict.REFUSE, "a parameter is not valid"),
    "4": Meaning(Verdict.BROKEN, "the credentials were not accepted"),
    "5": Meaning(Verdict.UNKNOWN, "an error within the vendor"),
    "6": Meaning(Verdict.REFUSE, "the number has a prefix that nobody serves"),
    "7": Meaning(Verdict.SUPPRESS, "the number is barred"),
    "8": Meaning(Verdict.BROKEN, "the account is suspended"),
    "9": Meaning(Verdict.BROKEN, "the account has no credit"),
    "10": Meaning(Verdict.CROWDED, "too many connections at once"),
    "11": Meaning(Verdict.BROKEN, "the account may not send by HTTP"),
    "12": Meaning(Verdict.REFUSE, "the text is too long"),
    "14": Meaning(Verdict.BROKEN, "the signature was not accepted"),
    "15": Meaning(Verdict.BROKEN, "the sender is not allowed"),
    "22": Meaning(Verdict.REFUSE, "the network code is not valid"),
    "23": Meaning(Verdict.REFUSE, "the callback URL is not valid"),
    "29": Meaning(Verdict.REFUSE, "a trial account may not text this number"),
    "32": Meaning(Verdict.BROKEN, "both a signature and a secret were given"),
    "33": Meaning(Verdict.SUPPRESS, "the number is deactivated"),
}


def _no_code(_reply: Reply) -> str | None:
    """What is not a 2xx carries no status of this table."""
    return None


CODES = Codes(meanings=MEANINGS, code_of=_no_code)
