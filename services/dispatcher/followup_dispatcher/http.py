"""The dispatcher's routes: what went out, what is open, and by which account."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from followup_database import Database, Transaction
from followup_directory import (
    Account,
    Principal,
    account_by_id,
    accounts,
    set_account_state,
)
from followup_dispatcher import answers, ledger, sandbox, usage
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.ledger import Settlement
from followup_dispatcher.shapes import (
    AccountList,
    AccountShape,
    AttemptPage,
    AttemptSettled,
    SandboxPage,
    TouchShape,
)
from followup_messaging.outbox import Outbox
from followup_runtime.auth import require
from followup_runtime.openapi import also, shaped
from followup_runtime.problems import Problem
from followup_suppression import StopFence

FIRST = UUID(int=0)

TouchReader = Annotated[Principal, Depends(require("touches:read"))]
TouchWriter = Annotated[Principal, Depends(require("touches:write"))]
AccountReader = Annotated[Principal, Depends(require("accounts:read"))]
AccountWriter = Annotated[Principal, Depends(require("accounts:write"))]
Most = Annotated[int, Query(ge=1, le=500)]


class SettleIn(BaseModel):
    """A person's word on an attempt nobody else can settle."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["sent", "not_sent"]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class AccountIn(BaseModel):
    """What may be changed of an account without its secrets."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["active", "stopped"]
    reason: Annotated[str, Field(max_length=500)] | None = None


class Routes:
    """The routes with what they read; `router` is what an app includes."""

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        providers: Accounts,
        fence: StopFence,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._providers = providers
        self._fence = fence
        self.router = APIRouter(tags=["dispatcher"])
        add = self.router.add_api_route
        touch, page = shaped(TouchShape), shaped(AttemptPage)
        add("/v1/touches/{touch_id}", self.touch, methods=["GET"], responses=touch)
        add("/v1/attempts", self.attempts, methods=["GET"], responses=page)
        add(
            "/v1/attempts/{attempt_id}/settle",
            self.settle,
            methods=["POST"],
            responses={**shaped(AttemptSettled), **also(409)},
        )
        one = partial(add, "/v1/accounts/{account_id}", responses=shaped(AccountShape))
        add("/v1/accounts", self.accounts, methods=["GET"], responses=shaped(AccountList))
        one(self.account, methods=["GET"])
        one(self.put_account, methods=["PUT"])
        add("/v1/sandbox/outbox", self.sandbox, methods=["GET"], responses=shaped(SandboxPage))

    async def touch(self, touch_id: UUID, who: TouchReader) -> dict[str, Any]:
        """Every attempt of a touch with its trace, oldest first."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            rows = await ledger.of_touch(tx, touch_id)
        if not rows:
            raise Problem(404, detail="the ledger holds no such touch", pointer="{touch_id}")
        return {"touch_id": str(touch_id), "attempts": rows}

    async def attempts(
        self,
        who: TouchReader,
        state: ledger.AttemptState = "unknown",
        cursor: UUID = FIRST,
        limit: Most = 100,
    ) -> dict[str, Any]:
        """Attempts in a state, by touch; `next` is the cursor of the following page."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            rows = await ledger.by_state(tx, state, after=(cursor, 32_767), most=limit)
        following = rows[-1]["touch_id"] if len(rows) == limit else None
        return {"items": rows, "next": following}

    async def settle(self, attempt_id: UUID, body: SettleIn, who: TouchWriter) -> dict[str, Any]:
        """Settle an unknown attempt by hand: it went out, or it certainly did not."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            entry = await ledger.one(tx, attempt_id)
            if entry is None:
                raise Problem(404, detail="there is no such attempt", pointer="{attempt_id}")
            await usage.hold(tx, {entry.person_id})
            moved = await ledger.settle(tx, [_by_hand(entry, body)])
            if attempt_id not in moved:
                raise Problem(409, detail=f"the attempt is {entry.state}, not unknown")
            await ledger.note(tx, moved[attempt_id], _noted(body, who, tx.now))
            await self._tell(tx, moved[attempt_id])
        return {"attempt_id": str(attempt_id), "state": moved[attempt_id].state}

    async def accounts(self, who: AccountReader) -> dict[str, Any]:
        """The tenant's accounts and how they are; never their secrets."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = await accounts(tx, [who.tenant_id])
        return {"items": [self._shown(account) for account in found]}

    async def account(self, account_id: UUID, who: AccountReader) -> dict[str, Any]:
        """One account."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return self._shown(await _own(tx, account_id))

    async def put_account(
        self, account_id: UUID, body: AccountIn, who: AccountWriter
    ) -> dict[str, Any]:
        """Stop or start an account. Once a stop is answered, nothing goes out by it."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            await _own(tx, account_id)
            await set_account_state(
                tx, who.tenant_id, account_id, state=body.state, reason=body.reason
            )
            shown = self._shown(await _own(tx, account_id))
        if body.state == "stopped":
            await self._fence.settle(self._fence.moment())
        return shown

    async def sandbox(
        self, who: TouchReader, cursor: UUID = FIRST, limit: Most = 100
    ) -> dict[str, Any]:
        """What the sandbox has recorded, oldest first."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            rows = await sandbox.page(tx, after=cursor, most=limit)
        return {"items": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

    def _shown(self, account: Account) -> dict[str, Any]:
        return {
            "id": str(account.id),
            "channel": account.channel,
            "provider": account.provider,
            "name": account.name,
            "state": account.state,
            "reason": account.reason,
            "settings": dict(account.settings),
            "priority": account.priority,
            "health": self._providers.state_of(account.id),
            "health_reason": self._providers.reason_of(account.id),
        }

    async def _tell(self, tx: Transaction, entry: ledger.Entry) -> None:
        if entry.state == "accepted":
            payload: Any = answers.sent(entry)
        else:
            payload = answers.later(entry, not_before=tx.now + timedelta(seconds=1), now=tx.now)
            await usage.give_back(tx, [(entry.person_id, entry.touch_id)])
        await self._outbox.add(tx, [answers.event(entry, payload, tx.now)])


async def _own(tx: Transaction, account_id: UUID) -> Account:
    found = await account_by_id(tx, account_id)
    if found is None or found.tenant_id != tx.tenant:
        raise Problem(404, detail="there is no such account", pointer="{account_id}")
    return found


def _by_hand(entry: ledger.Entry, body: SettleIn) -> Settlement:
    return Settlement(
        entry.touch_id,
        entry.id,
        "accepted" if body.outcome == "sent" else "retry_later",
        "person",
        code="by_hand",
        reason=body.reason,
    )


def _noted(body: SettleIn, who: Principal, now: datetime) -> dict[str, Any]:
    """What the trace says of it: by which key, when, and why."""
    return {
        "what": "settled",
        "by": "person",
        "key": str(who.key_id),
        "at": now.isoformat(),
        "outcome": body.outcome,
        "reason": body.reason,
    }
