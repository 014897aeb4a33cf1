"""What Mailgun's answers to a send mean.

Source: documentation.mailgun.com, "Errors and status codes", as of November 2026. Errors
carry a sentence and no code, so the status decides. A 5xx is unknown.
"""

from followup_dispatcher.providers.http_answers import Codes, Meaning, Meanings, Verdict
from followup_dispatcher.providers.http_line import Reply

MEANINGS: Meanings = {
    "400": Meaning(Verdict.REFUSE, "the letter or an address is not valid"),
    "401": Meaning(Verdict.BROKEN, "the key was not accepted"),
    "402": Meaning(Verdict.REFUSE, "the request failed although it was valid"),
    "403": Meaning(Verdict.BROKEN, "the account may not send from this domain"),
    "404": Meaning(Verdict.BROKEN, "there is no such domain in the account"),
    "413": Meaning(Verdict.REFUSE, "the letter is too big"),
    "429": Meaning(Verdict.CROWDED, "too many requests"),
}


def _code_of(reply: Reply) -> str | None:
    return str(reply.status)


CODES = Codes(meanings=MEANINGS, code_of=_code_of)
