"""`/l/{token}`: a counted link, and on to where it leads.

The target stands in the signed token: nobody but us can make one, so this leads nowhere
that we did not write. HEAD is not counted, and neither is what names itself a machine, or
says that it only fetches ahead: scanners and previews of links follow them before a person
does. Of one link at most one click a minute is kept and told of: a token in the wrong hands
costs next to nothing.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response

from followup_contracts.envelope import Message
from followup_contracts.events import TouchClicked
from followup_database import Database, Transaction, committed, new_id
from followup_messaging.outbox import Outbox
from followup_people import stays
from followup_replies.store import clicks
from followup_runtime.problems import Problem
from followup_suppression.clicks import LONGEST_TOKEN, Click, ClickSigner

_MACHINE = re.compile(
    r"bot\b|crawl|spider|preview|scan|fetch|monitor|curl|wget|python|go-http|headless|slurp"
    r"|facebookexternalhit|whatsapp|skypeuripreview|barracuda|proofpoint|mimecast",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Where a browser says that nobody has followed a link yet (html.spec.whatwg.org, "Sec-Purpose";
the others are what browsers said before)."""
_APART = 60.0
_KEPT = 20_000
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class Links:
    """What the routes need, and what they do."""

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        signer: ClickSigner,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._signer = signer
        self._clock = clock
        self._told: OrderedDict[bytes, float] = OrderedDict()

    def look(self, token: str) -> Response:
        """Where it leads, without a count."""
        return _on(self._click(token))

    async def follow(self, token: str, headers: Headers) -> Response:
        """Where it leads; a person's click is kept and told of, while the person is known."""
        click = self._click(token)
        if _by_a_person(headers) and self._first(token):

            async def work(tx: Transaction) -> None:
                if not await stays(tx, click.tenant_id, click.person_id):
                    return
                if await clicks.insert(tx, click, token):
                    await self._outbox.add(tx, [_event(click, tx)])

            await committed(self._database, work)
        return _on(click)

    def _first(self, token: str) -> bool:
        """Whether this link was not followed here within the last minute."""
        key, now = sha256(token.encode()).digest(), self._clock()
        before = self._told.pop(key, -_APART)
        self._told[key] = now if now - before >= _APART else before
        if len(self._told) > _KEPT:
            self._told.popitem(last=False)
        return now - before >= _APART

    def _click(self, token: str) -> Click:
        click = self._signer.verify(token) if len(token) <= LONGEST_TOKEN else None
        if click is None:
            raise Problem(404, detail="this link is not one of ours")
        return click


def routes(service: Links) -> APIRouter:
    """The routes of counted links."""
    router = APIRouter(tags=["links"])

    @router.head("/l/{token}", status_code=302, response_class=RedirectResponse)
    async def look(token: str) -> Response:
        """Where a link leads."""
        return service.look(token)

    @router.get("/l/{token}", status_code=302, response_class=RedirectResponse)
    async def follow(token: str, request: Request) -> Response:
        """Follow a link."""
        return await service.follow(token, request.headers)

    return router


def _by_a_person(headers: Headers) -> bool:
    """Whether nothing says that it was a machine, or a browser by itself."""
    agent = headers.get("user-agent", "")[:500]
    ahead = any(_AHEAD.search(headers.get(name, "")[:100]) for name in _PURPOSES)
    return bool(agent) and not _MACHINE.search(agent) and not ahead


def _on(click: Click) -> Response:
    return RedirectResponse(click.target, status_code=302, headers=_HEADERS)


def _event(click: Click, tx: Transaction) -> Message:
    payload = TouchClicked(touch_id=click.touch_id, person_id=click.person_id, at=tx.now)
    return Message.of(
        payload,
        id=new_id(),
        tenant_id=click.tenant_id,
        source="replies",
        subject=click.touch_id,
        time=tx.now,
    )
