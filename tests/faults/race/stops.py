"""The ways to stop somebody's messages, each as the world does it: over HTTP."""

import json
from collections.abc import Awaitable, Callable
from random import Random
from urllib.parse import urlencode

from followup_database import new_id
from followup_runtime.keyring import Keys
from followup_suppression import AddressHasher
from followup_suppression.tokens import LinkSigner
from followup_testkit.twilio.server import sign
from race.asking import Answered, ask
from race.ground import PUBLIC_URL, SUPPRESSION_KEY, Ground
from race.people import TOKEN, Person

WORDS = ("Who is this?", "What does it cost?", "not interested, thanks", "call me tomorrow")
"""Replies upon which a sequence halts, or waits for a person: nothing may follow them."""

SHARES = {
    "STOP": 30,
    "reply": 22,
    "halt": 9,
    "pause": 4,
    "link": 12,
    "listed": 6,
    "converted": 7,
    "booked": 4,
    "refused": 6,
}
"""How often each kind of stop is raced, in a hundred."""

_KEYS = Keys((), SUPPRESSION_KEY.encode())
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

Stop = Callable[[Ground, Person, Random], Awaitable[Answered]]


async def stop(ground: Ground, person: Person, kind: str, random: Random) -> Answered:
    """Carry out a stop of this kind; its answer."""
    return await _KINDS[kind](ground, person, random)


def _some(ground: Ground, service: str, random: Random) -> str:
    return ground.urls[random.choice(ground.names(service))]


async def _text(ground: Ground, person: Person, body: str, random: Random) -> Answered:
    path = f"/hooks/twilio/{person.client.texts.id}/inbound"
    form = {
        "MessageSid": f"SM{new_id().hex}",
        "From": person.phone,
        "To": "+12025550100",
        "Body": body,
    }
    signature = {"X-Twilio-Signature": sign(TOKEN, PUBLIC_URL + path, form)}
    url = _some(ground, "replies", random) + path
    return await ask("POST", url, urlencode(form).encode(), headers=_FORM | signature)


async def _stop(ground: Ground, person: Person, random: Random) -> Answered:
    return await _text(ground, person, "STOP", random)


async def _reply(ground: Ground, person: Person, random: Random) -> Answered:
    return await _text(ground, person, random.choice(WORDS), random)


async def _order(ground: Ground, person: Person, order: str, random: Random) -> Answered:
    url = f"{_some(ground, 'scheduler', random)}/v1/enrollments/{person.enrollment_id}/{order}"
    return await ask("POST", url, headers=person.client.headers())


async def _halt(ground: Ground, person: Person, random: Random) -> Answered:
    return await _order(ground, person, "halt", random)


async def _pause(ground: Ground, person: Person, random: Random) -> Answered:
    return await _order(ground, person, "pause", random)


async def _link(ground: Ground, person: Person, random: Random) -> Answered:
    """The link of a letter: signed as the dispatcher signs it."""
    token = LinkSigner(_KEYS.link_key).sign(
        "unsubscribe",
        tenant_id=person.client.id,
        touch_id=person.touch_id or new_id(),
        person_id=person.person_id,
        address_hash=AddressHasher(_KEYS.suppression_key).hash("email", person.email),
    )
    body = b"List-Unsubscribe=One-Click"
    return await ask("POST", f"{_some(ground, 'replies', random)}/u/{token}", body, headers=_FORM)


async def _listed(ground: Ground, person: Person, random: Random) -> Answered:
    body = json.dumps({"address": person.phone, "channel": "all"}).encode()
    url = f"{_some(ground, 'replies', random)}/v1/suppressions"
    return await ask("PUT", url, body, headers=person.client.headers())


async def _event(ground: Ground, person: Person, event: dict[str, str]) -> Answered:
    url = f"{ground.urls['intake-1']}/v1/leads/{person.lead_id}/events"
    return await ask("POST", url, json.dumps(event).encode(), headers=person.client.headers())


async def _converted(ground: Ground, person: Person, _random: Random) -> Answered:
    return await _event(ground, person, {"kind": "lead.converted"})


async def _booked(ground: Ground, person: Person, _random: Random) -> Answered:
    booking = {"appointment_id": f"a-{person.number}", "starts_at": "2090-01-01T10:00:00Z"}
    return await _event(ground, person, {"kind": "appointment.booked"} | booking)


async def _refused(ground: Ground, person: Person, _random: Random) -> Answered:
    """The same person asks again, and refuses to be written to."""
    body = {"phone": person.phone, "email": person.email, "source": "web_form", "consent": "no"}
    url = f"{ground.urls['intake-1']}/v1/leads"
    return await ask("POST", url, json.dumps(body).encode(), headers=person.client.headers())


_KINDS: dict[str, Stop] = {
    "STOP": _stop,
    "reply": _reply,
    "halt": _halt,
    "pause": _pause,
    "link": _link,
    "listed": _listed,
    "converted": _converted,
    "booked": _booked,
    "refused": _refused,
}
