"""How the simulated world touches the product: through its routes, signed as they demand."""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson

from followup_embedded.demo.errors import Refused
from followup_embedded.demo.world import (
    Action,
    Answers,
    Books,
    CallEnds,
    Entry,
    OpenTask,
    Unsubscribes,
    Works,
)

_LINK = re.compile(r"/u/[A-Za-z0-9_.~=-]+")
_PAGE = 500
_HEARD = {"answered": "person", "voicemail": "voicemail", "machine": "machine"}

SandboxKeys = Callable[[UUID], Sequence[bytes]]


class Hands:
    """Acts on behalf of people: on either side of the telephone."""

    def __init__(
        self, client: httpx.AsyncClient, *, keys: SandboxKeys, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._keys = keys
        self._clock = clock
        self._seen = UUID(int=0)

    async def bring(self, file: bytes) -> dict[str, Any]:
        """Import a file of leads; the report."""
        kind = {"content-type": "text/csv"}
        report: dict[str, Any] = await self._ask(
            "POST", "/v1/leads/import", content=file, headers=kind
        )
        return report

    async def entries(self) -> list[Entry]:
        """What the sandbox has recorded since the last look, oldest first."""
        found: list[Entry] = []
        while True:
            asked = {"cursor": str(self._seen), "limit": _PAGE}
            page = await self._ask("GET", "/v1/sandbox/outbox", params=asked)
            entries = [Entry.model_validate(item) for item in page["items"]]
            if entries:
                self._seen = entries[-1].id
            found += entries
            if page["next"] is None:
                return found

    async def tasks(self) -> list[OpenTask]:
        """What the business is asked to do and has not done."""
        page = await self._ask("GET", "/v1/tasks", params={"state": "open", "limit": 200})
        return [OpenTask.model_validate(item) for item in page["items"]]

    async def timeline(self, lead_id: UUID) -> dict[str, Any]:
        """A lead's timeline."""
        told: dict[str, Any] = await self._ask("GET", f"/v1/leads/{lead_id}/timeline")
        return told

    async def do(self, action: Action) -> datetime:
        """Carry an action out; the moment at which it was answered."""
        match action:
            case Answers():
                await self._writes(action)
            case Unsubscribes(entry):
                await self._unsubscribes(entry)
            case CallEnds():
                await self._rings(action)
            case Books():
                await self._books(action)
            case Works(task):
                await self._works(task)
        return self._clock()

    async def _writes(self, answer: Answers) -> None:
        entry = answer.entry
        body = {
            "id": f"reply-{entry.id}",
            "channel": entry.channel,
            "from": entry.recipient,
            "to": entry.sender,
            "body": answer.body,
            "subject": "Re: your message" if entry.channel == "email" else None,
            "headers": dict(answer.headers),
        }
        await self._hook(entry, "inbound", body)

    async def _rings(self, call: CallEnds) -> None:
        heard = _HEARD.get(call.end)
        body = {
            "ref": str(call.entry.id),
            "state": "completed" if heard else call.end,
            "heard": heard,
            "seconds": 45 if heard else 0,
        }
        await self._hook(call.entry, "call", body)

    async def _unsubscribes(self, entry: Entry) -> None:
        link = _LINK.search(entry.text or "")
        if link is None:
            raise Refused(f"no way to unsubscribe in the e-mail of touch {entry.touch_id}")
        await self._ask("POST", link[0], data={"List-Unsubscribe": "One-Click"})

    async def _books(self, booking: Books) -> None:
        lead_id = booking.lead_id
        if lead_id is None:
            touch = await self._ask("GET", f"/v1/touches/{booking.touch_id}")
            lead_id = UUID(touch["attempts"][0]["lead_id"])
        starts = self._clock() + timedelta(days=2)
        body = {
            "kind": "appointment.booked",
            "appointment_id": f"demo-{lead_id}",
            "starts_at": starts.isoformat(),
        }
        await self._ask("POST", f"/v1/leads/{lead_id}/events", json=body)

    async def _works(self, task: OpenTask) -> None:
        done = {"outcome": "done", "note": "done in the demo"}
        await self._ask("POST", f"/v1/tasks/{task.id}/complete", json=done)
        if task.enrollment_id is None:
            return
        run = await self._ask("GET", f"/v1/enrollments/{task.enrollment_id}")
        if run["state"] == "held":
            order = "halt" if task.kind == "handle_complaint" else "resume"
            reason = {"reason": "settled_by_a_person"}
            await self._ask("POST", f"/v1/enrollments/{task.enrollment_id}/{order}", json=reason)

    async def _hook(self, entry: Entry, kind: str, body: Mapping[str, Any]) -> None:
        raw = orjson.dumps(body)
        signed = hmac.digest(self._keys(entry.account_id)[0], raw, "sha256").hex()
        headers = {"content-type": "application/json", "x-followup-signature": signed}
        path = f"/hooks/sandbox/{entry.account_id}/{kind}"
        await self._ask("POST", path, content=raw, headers=headers)

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        answer = await self._client.request(method, path, **request)
        if answer.is_error:
            raise Refused(f"{method} {path.partition('?')[0]}: {answer.status_code} {answer.text}")
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if answer.content and is_json else None
