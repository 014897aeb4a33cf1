"""The sandbox's record as a vendor's stand-in: an outage before or after it kept the call."""

from collections import deque
from types import TracebackType
from typing import Self
from uuid import UUID

from followup_dispatcher.providers.port import Call
from followup_testkit.twilio import CutAfter, CutBefore
from followup_testkit.vendors import Asked, Dialect, Kept, Told

SANDBOX = Dialect(
    vendor="sandbox",
    channel="sms",
    takes=lambda _asked: True,
    proven=lambda _asked: True,
    attempt=lambda asked: asked.headers["attempt"],
    took=lambda _asked, ref: Told(200, ref),
    refusals={},
    unproven=Told(401),
)


class SandboxStub:
    """Keeps calls in memory; a fault of the script is an outage of the record."""

    def __init__(self, dialect: Dialect = SANDBOX) -> None:
        self.dialect = dialect
        self.script: deque[CutBefore | CutAfter] = deque()
        self.asked: list[Asked] = []
        self.held: dict[str, Kept] = {}
        self.searches = 0
        self.base_url = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    async def record(self, call: Call) -> str:
        headers = {"attempt": str(call.attempt_id)}
        asked = Asked("RECORD", call.to, {}, headers, call.content.text.encode())
        self.asked.append(asked)
        fault = self.script.popleft() if self.script else None
        ref = f"ref-{len(self.held) + 1}"
        if not isinstance(fault, CutBefore):
            self.held[str(call.attempt_id)] = Kept(ref, asked)
        if fault is not None:
            raise ConnectionResetError
        return ref

    async def find(self, touch_id: UUID, attempt_id: UUID) -> str | None:
        del touch_id  # an attempt's id is enough here
        self.searches += 1
        kept = self.held.get(str(attempt_id))
        return None if kept is None else kept.ref
