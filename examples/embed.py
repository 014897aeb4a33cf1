"""Followup inside another FastAPI application: all of its routes under /followup.

    FOLLOWUP_BOOTSTRAP_KEY=my-first-key uvicorn --app-dir examples embed:app

One process holds everything: your application, Followup's services, their PostgreSQL (in
.followup/data) and their bus. Set FOLLOWUP_DATABASE_URL or FOLLOWUP_AMQP_URL and it uses
yours; FOLLOWUP_PUBLIC_URL is where /followup is reached from outside. Then:

    curl -X POST http://127.0.0.1:8000/followup/v1/leads \
      -H 'Authorization: Bearer my-first-key' -H 'Content-Type: application/json' \
      -d '{"name": "Ada Lovelace", "phone": "+1 212 555 0123", "consent": "yes"}'
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from followup_embedded.house import Embedded
from followup_runtime.settings import load


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Followup lives as long as the application does."""
    async with Embedded(load()) as house, house.running():
        app.mount("/followup", house.app)
        yield


app = FastAPI(title="The product around", lifespan=lifespan)


@app.get("/")
async def home() -> dict[str, str]:
    """A route of your own."""
    return {"followup": "/followup/docs"}
