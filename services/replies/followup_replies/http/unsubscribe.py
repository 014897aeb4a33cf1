"""`/u/{token}`: the way out of e-mail, for people (a page) and mail programs (RFC 8058).

GET never unsubscribes: scanners follow links. POST does, at once, without a question, a
redirect or a cookie, whatever its body.
"""

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from followup_database import Database, Transaction, committed
from followup_people import persons_by_id
from followup_replies.stops import Stop, Stops
from followup_runtime.problems import Problem
from followup_suppression import StopFence
from followup_suppression.tokens import LinkClaims, LinkSigner

BODY_BYTES = 16 * 1024

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<style>body{{font:1.1rem/1.5 system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.5rem}}</style></head>
<body><h1>{title}</h1>{rest}</body></html>"""

_ASK = _PAGE.format(
    title="Unsubscribe?",
    rest='<form method="post"><button type="submit">Unsubscribe</button></form>',
)
_DONE = _PAGE.format(
    title="You are unsubscribed", rest="<p>You will get no more e-mail from this sender.</p>"
)

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}


class Unsubscribing:
    """What the routes need, and what they do."""

    def __init__(
        self, database: Database, *, signer: LinkSigner, stops: Stops, fence: StopFence
    ) -> None:
        self._database = database
        self._signer = signer
        self._stops = stops
        self._fence = fence

    def ask(self, token: str) -> Response:
        """A page with a button."""
        self._claims(token)
        return HTMLResponse(_ASK, headers=_HEADERS)

    async def stop(self, token: str) -> Response:
        """Unsubscribe; once more changes nothing and is answered alike."""
        claims = self._claims(token)

        async def work(tx: Transaction) -> None:
            # Erased people stay stopped, but there is nobody left to note consent for.
            person = (await persons_by_id(tx, [claims.person_id])).get(claims.person_id)
            stop = Stop(
                tenant_id=claims.tenant_id,
                person_id=None if person is None else person.id,
                channel="email",
                address_hash=claims.address_hash,
                via="link",
            )
            await self._stops.stop(tx, stop)

        await committed(self._database, work)
        await self._fence.settle(self._fence.moment())
        return HTMLResponse(_DONE, headers=_HEADERS)

    def _claims(self, token: str) -> LinkClaims:
        claims = self._signer.verify(token)
        if claims is None or claims.kind != "unsubscribe":
            raise Problem(404, detail="this link is not one of ours")
        return claims


def routes(service: Unsubscribing) -> APIRouter:
    """The routes of the link in every letter."""
    router = APIRouter(tags=["unsubscribe"])

    @router.get("/u/{token}", response_class=HTMLResponse)
    async def ask(token: str) -> Response:
        """Ask whether to unsubscribe."""
        return service.ask(token)

    @router.post("/u/{token}", response_class=HTMLResponse)
    async def stop(token: str) -> Response:
        """Unsubscribe at once."""
        return await service.stop(token)

    return router
