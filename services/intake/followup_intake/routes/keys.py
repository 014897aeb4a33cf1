"""API keys of the caller's own tenant: made, listed, rotated, revoked."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from followup_contracts.payload import Moment
from followup_database import Database, Transaction
from followup_directory import (
    SCOPES,
    ApiKey,
    NewKey,
    Principal,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from followup_intake.shapes import (
    KeyList,
    KeyMade,
)
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import shaped
from followup_runtime.problems import Problem

Reader = Annotated[Principal, Depends(require("keys:read"))]
Writer = Annotated[Principal, Depends(require("keys:write"))]


ScopeName = Annotated[str, Field(max_length=60)]


class KeyIn(BaseModel):
    """A key to be made. `per_minute`: requests it may make a minute; none is no limit."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    scopes: Annotated[
        list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=50)
    ]
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    expires_at: Moment | None = None


class Rotation(BaseModel):
    """How long the old key goes on working beside the new one; a day unless said."""

    model_config = ConfigDict(extra="forbid")

    grace_seconds: Annotated[int, Field(ge=0, le=30 * 86_400)] = 86_400


class KeyRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(tags=["keys"])
        add = self.router.add_api_route
        made = shaped(KeyMade, 201)
        add("/v1/keys", self.list_keys, methods=["GET"], responses=shaped(KeyList))
        add("/v1/keys", self.post_key, methods=["POST"], status_code=201, responses=made)
        add("/v1/keys/{key_id}", self.delete_key, methods=["DELETE"], status_code=204)
        add(
            "/v1/keys/{key_id}/rotate",
            self.rotate_key,
            methods=["POST"],
            status_code=201,
            responses=made,
        )

    async def list_keys(self, who: Reader) -> dict[str, Any]:
        """Every key of the tenant, oldest first, revoked ones too; never the keys themselves."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return {"keys": [told(key) for key in await list_keys(tx, who.tenant_id)]}

    async def post_key(self, body: KeyIn, request: Request, who: Writer) -> dict[str, Any]:
        """Make a key; it is shown now and never again. It can do no more than its maker."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            made = await make_key(tx, who.tenant_id, body, maker=who)
        did(request, subjects=[made.id], detail={"scopes": body.scopes})
        return shown(made)

    async def delete_key(self, key_id: UUID, who: Writer) -> None:
        """Revoke a key for good: every process refuses it within a second."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            if not await revoke_key(tx, who.tenant_id, key_id):
                raise _unknown()

    async def rotate_key(
        self, key_id: UUID, request: Request, who: Writer, body: Rotation | None = None
    ) -> dict[str, Any]:
        """Make a key that can do the same; the old one ends when its grace has passed."""
        grace = timedelta(seconds=(body or Rotation()).grace_seconds)
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            known = {key.id: key for key in await list_keys(tx, who.tenant_id)}
            if key_id in known:
                _require_scopes(known[key_id].scopes, who)
            made = await rotate_key(tx, who.tenant_id, key_id, grace=grace)
        if made is None:
            raise _unknown()
        did(request, subjects=[made.id])
        return shown(made)


async def make_key(tx: Transaction, tenant_id: UUID, body: KeyIn, *, maker: Principal) -> NewKey:
    """A key for a tenant; 422 for a scope that does not exist or that its maker lacks."""
    if unknown := sorted(set(body.scopes) - SCOPES):
        raise Problem(422, detail=f"{unknown[0]!r} is no scope", pointer="/scopes")
    _require_scopes(body.scopes, maker)
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        raise Problem(422, detail="this moment has passed", pointer="/expires_at")
    return await create_key(
        tx,
        tenant_id,
        body.name,
        scopes=body.scopes,
        per_minute=body.per_minute,
        expires_at=body.expires_at,
    )


def shown(made: NewKey) -> dict[str, Any]:
    """A key with its token, this once."""
    return {"id": str(made.id), "key": made.token}


def told(key: ApiKey) -> dict[str, Any]:
    """A key in JSON values, without its token."""
    moments = ("created_at", "last_used_at", "revoked_at", "expires_at")
    found = {name: getattr(key, name) for name in moments}
    return {
        "id": str(key.id),
        "name": key.name,
        "scopes": list(key.scopes),
        "per_minute": key.per_minute,
        "replaced_by": str(key.replaced_by) if key.replaced_by else None,
        **{name: at.isoformat() if at else None for name, at in found.items()},
    }


def _require_scopes(scopes: list[str] | tuple[str, ...], maker: Principal) -> None:
    if lacking := [scope for scope in scopes if not maker.may(scope)]:
        detail = f"your own key lacks the scope {lacking[0]!r}"
        raise Problem(422, detail=detail, pointer="/scopes")


def _unknown() -> Problem:
    return Problem(404, detail="there is no such key, or it has ended", pointer="{key_id}")
