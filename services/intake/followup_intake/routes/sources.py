"""A tenant's sources: made, listed, changed, given a new address, deleted."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from followup_database import Database
from followup_directory import Principal, Vault
from followup_intake.fetches import fetch_again, fetches_of
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import (
    FetchRetried,
    SourceList,
    SourceMade,
    SourceShape,
    SourceWithFetches,
)
from followup_intake.sources import (
    SECRETS,
    Source,
    SourceConfig,
    SourceKind,
    change_source,
    delete_source,
    make_source,
    new_token,
    source_by_id,
    sources_of,
)
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import shaped
from followup_runtime.problems import Problem

Reader = Annotated[Principal, Depends(require("sources:read"))]
Writer = Annotated[Principal, Depends(require("sources:write"))]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Secret = Annotated[str, Field(min_length=8, max_length=1000)]
Secrets = Annotated[dict[Name, Secret], Field(max_length=10)]


class SourceIn(BaseModel):
    """A source to be made, with the secrets its kind needs."""

    model_config = ConfigDict(extra="forbid")

    kind: SourceKind
    name: Name
    config: SourceConfig = SourceConfig()
    secrets: Secrets = Field(default_factory=dict)


class SourceChanges(BaseModel):
    """What is to be otherwise; secrets and config are replaced whole."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    state: Literal["active", "stopped"] | None = None
    config: SourceConfig | None = None
    secrets: Secrets | None = None


class SourceRoutes:
    """The routes with what they call; `public_url` is where vendors reach this installation."""

    def __init__(self, database: Database, *, vault: Vault, public_url: str | None) -> None:
        self._database = database
        self._vault = vault
        self._public_url = public_url
        self.router = APIRouter(tags=["sources"])
        add = self.router.add_api_route
        add("/v1/sources", self.list_sources, methods=["GET"], responses=shaped(SourceList))
        add(
            "/v1/sources",
            self.post_source,
            methods=["POST"],
            status_code=201,
            responses=shaped(SourceMade, 201),
        )
        add(
            "/v1/sources/{source_id}",
            self.get_source,
            methods=["GET"],
            responses=shaped(SourceWithFetches),
        )
        add(
            "/v1/sources/{source_id}",
            self.patch_source,
            methods=["PATCH"],
            responses=shaped(SourceShape),
        )
        add("/v1/sources/{source_id}", self.delete_source, methods=["DELETE"], status_code=204)
        add(
            "/v1/sources/{source_id}/fetches/{fetch_id}/retry",
            self.retry,
            methods=["POST"],
            responses=shaped(FetchRetried),
        )

    async def list_sources(self, who: Reader) -> dict[str, Any]:
        """Every source, oldest first; never its secrets nor its address."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return {"sources": [_told(each) for each in await sources_of(tx, who.tenant_id)]}

    async def post_source(self, body: SourceIn, request: Request, who: Writer) -> dict[str, Any]:
        """Make a source; its address is shown now and never again."""
        _checked(body.kind, body.config, body.secrets)
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant = await active_tenant(tx, who)
            made, token = await make_source(
                tx,
                who.tenant_id,
                kind=body.kind,
                name=body.name,
                config=body.config,
                sealed=self._vault.seal(body.secrets),
            )
        did(request, subjects=[made.id], detail={"kind": body.kind})
        base = tenant.settings.public_url or self._public_url or str(request.base_url)
        return {**_told(made), "url": _url(base, made.kind, token)}

    async def get_source(
        self, source_id: UUID, who: Reader, fetches: Annotated[int, Query(ge=0, le=200)] = 20
    ) -> dict[str, Any]:
        """One source, with its latest fetches where leads have to be fetched."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = _known(await source_by_id(tx, who.tenant_id, source_id))
            latest = await fetches_of(tx, who.tenant_id, source_id, most=fetches)
        return {**_told(found), "fetches": latest}

    async def patch_source(
        self,
        source_id: UUID,
        body: SourceChanges,
        request: Request,
        who: Writer,
        *,
        new_address: bool = False,
    ) -> dict[str, Any]:
        """Change, stop or start a source; `new_address=true` ends the old address at once."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant = await active_tenant(tx, who)
            known = _known(await source_by_id(tx, who.tenant_id, source_id))
            _checked(known.kind, body.config or known.config, body.secrets)
            token = new_token() if new_address else None
            changed = _known(
                await change_source(
                    tx,
                    who.tenant_id,
                    source_id,
                    name=body.name,
                    state=body.state,
                    config=body.config,
                    sealed=None if body.secrets is None else self._vault.seal(body.secrets),
                    token=token,
                )
            )
        did(request, detail={"changed": sorted(body.model_fields_set), "new_address": new_address})
        base = tenant.settings.public_url or self._public_url or str(request.base_url)
        return {**_told(changed), **({"url": _url(base, changed.kind, token)} if token else {})}

    async def delete_source(self, source_id: UUID, who: Writer) -> None:
        """Delete a source; the leads it brought stay."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            if not await delete_source(tx, who.tenant_id, source_id):
                raise _unknown()

    async def retry(self, source_id: UUID, fetch_id: UUID, who: Writer) -> dict[str, str]:
        """Have a fetch that was given up tried again."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            if not await fetch_again(tx, who.tenant_id, source_id, fetch_id):
                raise Problem(404, detail="no such fetch was given up", pointer="{fetch_id}")
        return {"id": str(fetch_id), "state": "open"}


def _checked(kind: SourceKind, config: SourceConfig, secrets: dict[str, str] | None) -> None:
    if (name := config.wrong_mapping()) is not None:
        escaped = name.replace("~", "~0").replace("/", "~1")
        detail = "it is mapped to no field of a lead"
        raise Problem(422, detail=detail, pointer=f"/config/mapping/{escaped}")
    if secrets is not None and secrets.keys() != SECRETS[kind]:
        wanted = ", ".join(sorted(SECRETS[kind])) or "none"
        raise Problem(
            422, detail=f"a source of {kind} has the secrets: {wanted}", pointer="/secrets"
        )


def _url(base: str, kind: str, token: str) -> str:
    return f"{base.rstrip('/')}/v1/sources/{kind}/{token}"


def _told(source: Source) -> dict[str, Any]:
    return {
        "id": str(source.id),
        "kind": source.kind,
        "name": source.name,
        "state": source.state,
        "config": source.config.model_dump(mode="json"),
        "created_at": source.created_at.isoformat(),
    }


def _known(source: Source | None) -> Source:
    if source is None:
        raise _unknown()
    return source


def _unknown() -> Problem:
    return Problem(404, detail="there is no such source", pointer="{source_id}")
