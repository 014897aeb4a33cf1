"""Liveness, readiness and metrics: `/healthz`, `/readyz`, `/metrics`."""

import asyncio
from collections.abc import Sequence

import structlog
from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from followup_runtime.databases import Databases
from followup_runtime.metrics import CONTENT_TYPE, Metrics
from followup_runtime.service import Ready, Service

_LONGEST_CHECK = 2.0


def routes(services: Sequence[Service], databases: Databases, metrics: Metrics) -> APIRouter:
    """The routes an operator's tools call; they need no key and tell no secrets.

    Alive means the event loop turns. Ready means the database answers and every
    service says so; which one does not, and why, is in the answer.
    """
    router = APIRouter(include_in_schema=False)
    checks: dict[str, Ready] = {"database": _database_check(databases)}
    checks |= {service.name: service.ready for service in services}

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the process is alive."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether it can work: 200, or 503 with what it waits for."""
        reasons = await asyncio.gather(*(_reason(check) for check in checks.values()))
        waiting = {name: why for name, why in zip(checks, reasons, strict=True) if why}
        if waiting:
            return JSONResponse({"status": "waiting", "waiting_for": waiting}, 503)
        return JSONResponse({"status": "ready"})

    @router.get("/metrics")
    async def exposition() -> Response:
        """Figures in the text format of Prometheus."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return router


def _database_check(databases: Databases) -> Ready:
    async def check() -> str | None:
        await databases.ping()
        return None

    return check


async def _reason(check: Ready) -> str | None:
    try:
        async with asyncio.timeout(_LONGEST_CHECK):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the service is not ready
        structlog.get_logger("followup.health").warning(
            "health.not_ready", error=type(error).__name__
        )
        return "no answer in time" if isinstance(error, TimeoutError) else "not reachable"
