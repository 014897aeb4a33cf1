"""What every vendor of e-mail refuses before it is asked: bad addresses, and letters too big."""

from dataclasses import dataclass
from email.headerregistry import Address

from followup_dispatcher.providers.mail_message import BadAddress, mailbox
from followup_dispatcher.providers.port import Call, Refused


@dataclass(frozen=True, slots=True)
class Correspondents:
    """Sender and recipient as addresses that mail can carry."""

    sender: Address
    recipient: Address


def correspondents(call: Call, *, most: int) -> Correspondents | Refused:
    """Both addresses; refused where one is none or the letter has more than `most` octets."""
    content = call.content
    octets = len(content.text.encode()) + len((content.html or "").encode())
    if octets > most:
        return Refused("too-long", f"a letter of more than {most} octets")
    try:
        return Correspondents(mailbox(call.sender, "sender"), mailbox(call.to, "recipient"))
    except BadAddress as error:
        return Refused("address", str(error))
