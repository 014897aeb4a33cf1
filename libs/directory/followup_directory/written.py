"""What somebody of ours wrote to one person, as it is kept among the templates.

Beside the words it names what they go on from, so that the person hears from the same
number or mailbox and finds the letter where its thread is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

Confirms = Literal["stop", "request"]
"""What a confirmation confirms: a stop, or what is no stop (a start, a call for help)."""
_CONFIRMS: Mapping[object, Confirms] = {"stop": "stop", "request": "request"}


@dataclass(frozen=True, slots=True)
class Written:
    """One message. `text` and `subject` are Liquid, as in any template.

    `account_id` and `sender`: by which account and from which address the person knows us.
    `thread`: `Message-ID`s of the letters it follows, oldest first. `address`: where the
    person wrote from, if that is known; `stranger`: it is nobody's contact point, and good
    for this answer alone. `confirms`: it confirms what its reader has just asked for, whatever
    hour it is; of a stop even to who is not to be written to. `answers`: the message that a
    confirmation is about; there is one for each.
    """

    text: str
    subject: str | None = None
    account_id: UUID | None = None
    sender: str | None = None
    thread: tuple[str, ...] = ()
    address: str | None = None
    stranger: bool = False
    confirms: Confirms | None = None
    answers: UUID | None = None

    def body(self) -> dict[str, Any]:
        """As a template's body: never that of a sequence's touch that says the same."""
        known: dict[str, Any] = {
            "written": True,
            "text": self.text,
            "subject": self.subject,
            "account": None if self.account_id is None else str(self.account_id),
            "sender": self.sender,
            "thread": list(self.thread),
            "address": self.address,
            "stranger": self.stranger,
            "confirms": self.confirms,
            "answers": None if self.answers is None else str(self.answers),
        }
        return {part: value for part, value in known.items() if value}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Written":
        """From a body that `body` made."""
        account, answers = body.get("account"), body.get("answers")
        return cls(
            text=body["text"],
            subject=body.get("subject"),
            account_id=None if account is None else UUID(account),
            sender=body.get("sender"),
            thread=tuple(body.get("thread", ())),
            address=body.get("address"),
            stranger=body.get("stranger") is True,
            confirms=_CONFIRMS.get(body.get("confirms")),
            answers=None if answers is None else UUID(answers),
        )
